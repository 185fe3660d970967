"""The account: alias, summary, authorization details, and how it came to be."""

from typing import Any
from urllib.parse import unquote

import pytest

from keystead.identity import accounts
from keystead.identity.accounts import CeremonyRefused
from keystead.paging import MOST_TEXT
from keystead.wire.models import iam as api
from keystead.wire.models import sts
from keystead.wire.operation import Operation
from tests.identity.refusals import refused
from tests.identity.world import Person, Tenant, World, allow


def test_alias(world: World, admin: Person) -> None:
    """One alias per account, unique in the installation, replaced by the next."""
    other = world.account("other@example.com").administrator()

    assert admin(api.ListAccountAliases).account_aliases == []
    admin(api.CreateAccountAlias, account_alias="acme")
    with refused("EntityAlreadyExists", "The account alias acme already exists."):
        other(api.CreateAccountAlias, account_alias="acme")
    admin(api.CreateAccountAlias, account_alias="acme-2")
    assert admin(api.ListAccountAliases).account_aliases == ["acme-2"]
    other(api.CreateAccountAlias, account_alias="acme")
    with refused("NoSuchEntity", "The account alias acme cannot be found."):
        admin(api.DeleteAccountAlias, account_alias="acme")
    admin(api.DeleteAccountAlias, account_alias="acme-2")
    assert admin(api.ListAccountAliases).account_aliases == []


def test_alias_is_no_account_id(admin: Person) -> None:
    """An alias that reads like an account id would let one account pass for another."""
    with refused("ValidationError"):
        admin(api.CreateAccountAlias, account_alias="123456789012")


def test_summary(tenant: Tenant, admin: Person) -> None:
    """The summary counts, and says the quotas."""
    tenant.user("alice")
    admin(api.CreateGroup, group_name="g")
    admin(api.CreatePolicy, policy_name="p", policy_document=allow("kms:*"))

    summary = admin(api.GetAccountSummary).summary_map
    assert summary is not None
    assert (summary["Users"], summary["Groups"], summary["Policies"]) == (2, 1, 1)
    assert (summary["UsersQuota"], summary["AccessKeysPerUserQuota"]) == (5000, 2)
    assert summary["AccountAccessKeysPresent"] == 0
    tenant.root_key()
    assert (admin(api.GetAccountSummary).summary_map or {})["AccountAccessKeysPresent"] == 1


def test_authorization_details(tenant: Tenant, admin: Person) -> None:
    """Everything about permissions in one list, paged in one order, with readable documents."""
    tenant.user("alice", allow("kms:*"))
    admin(api.CreateGroup, group_name="staff")
    admin(api.AddUserToGroup, group_name="staff", user_name="alice")
    admin(api.PutGroupPolicy, group_name="staff", policy_name="g", policy_document=allow("sts:*"))
    made = admin(api.CreatePolicy, policy_name="p", policy_document=allow("iam:*")).policy
    assert made is not None

    whole = admin(api.GetAccountAuthorizationDetails)
    seen: list[str] = []
    page = admin(api.GetAccountAuthorizationDetails, max_items=1)
    while True:
        seen += [str(user.user_name) for user in page.user_detail_list or ()]
        seen += [str(group.group_name) for group in page.group_detail_list or ()]
        seen += [str(policy.policy_name) for policy in page.policies or ()]
        if not page.is_truncated:
            break
        page = admin(api.GetAccountAuthorizationDetails, max_items=1, marker=page.marker)

    assert seen == ["admin", "alice", "staff", "p", "AdministratorAccess"]
    alice = (whole.user_detail_list or [])[1]
    assert alice.group_list == ["staff"]
    assert alice.user_policy_list is not None
    assert unquote(alice.user_policy_list[0].policy_document or "") == allow("kms:*")
    policy = (whole.policies or [])[0]
    assert policy.policy_version_list is not None
    assert unquote(policy.policy_version_list[0].document or "") == allow("iam:*")
    only_groups = admin(api.GetAccountAuthorizationDetails, filter=["Group"])
    assert (only_groups.user_detail_list, only_groups.policies) == ([], [])
    assert len(only_groups.group_detail_list or ()) == 1


def test_details_of_long_documents_page_early(admin: Person) -> None:
    """A page ends where its documents are many, and the next one goes on; short ones do not end it.

    Others wait while a page is made, and to encode a document takes as long as it is.
    """
    short = allow("kms:*")
    long = allow(*(f"kms:Encrypt{number:04}" for number in range(300)))
    for number in range(6):
        admin(api.CreatePolicy, policy_name=f"long{number}", policy_document=long)
        admin(api.CreatePolicy, policy_name=f"short{number}", policy_document=short)
    asked: dict[str, Any] = {"max_items": 100, "filter": ["LocalManagedPolicy"]}

    seen: list[str | None] = []
    marker, pages = None, 0
    while pages == 0 or marker:
        page = admin(api.GetAccountAuthorizationDetails, marker=marker, **asked)
        texts = [v.document for p in page.policies or () for v in p.policy_version_list or ()]
        assert sum(len(text or "") for text in texts[:-1]) <= MOST_TEXT
        seen += [policy.policy_name for policy in page.policies or ()]
        marker, pages = page.marker, pages + 1

    assert seen == [*(f"long{n}" for n in range(6)), *(f"short{n}" for n in range(6))]
    assert pages == 4


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        (api.ListAccountAliases, {}),
        (api.CreateAccountAlias, {"account_alias": "acme"}),
        (api.DeleteAccountAlias, {"account_alias": "acme"}),
        (api.GetAccountSummary, {}),
        (api.GetAccountAuthorizationDetails, {}),
        (api.ListUsers, {}),
        (api.ListGroups, {}),
        (api.ListPolicies, {}),
    ],
)
def test_operations_on_no_resource(
    tenant: Tenant, operation: Operation[Any, Any], members: dict[str, Any]
) -> None:
    """What is about no resource needs a permission on `*`, and its own."""
    name = operation.name
    clerk = tenant.user("clerk", allow(f"iam:{name}"))
    narrow = tenant.user("narrow", allow("iam:*", resource=f"arn:aws:iam::{tenant.id}:user/*"))
    tenant.root(api.CreateAccountAlias, account_alias="acme")

    clerk(operation, **members)
    with refused("AccessDenied", f"iam:{name} on resource: *"):
        narrow(operation, **members)


def test_caller_identity(tenant: Tenant, admin: Person) -> None:
    """GetCallerIdentity answers everybody, whatever the policies say."""
    nobody = tenant.user("nobody", allow("kms:*"))
    tenant.root(
        api.AttachUserPolicy, user_name="nobody", policy_arn="arn:aws:iam::aws:policy/AWSDenyAll"
    )

    answer = nobody(sts.GetCallerIdentity)
    assert answer.arn == f"arn:aws:iam::{tenant.id}:user/nobody"
    assert (answer.account, answer.user_id) == (tenant.id, nobody.caller.principal.user_id)
    assert tenant.root(sts.GetCallerIdentity).user_id == tenant.id


def test_access_key_info(tenant: Tenant, admin: Person) -> None:
    """GetAccessKeyInfo reads the account out of an id, whether the key exists or not."""
    assert admin.key is not None

    assert admin(sts.GetAccessKeyInfo, access_key_id=admin.key.access_key_id).account == tenant.id
    assert (
        admin(sts.GetAccessKeyInfo, access_key_id="ASIAQNZGKIQY56JQ7WML").account == "029608264753"
    )
    with refused("ValidationError"):
        admin(sts.GetAccessKeyInfo, access_key_id="AKIA1111111111111111")
    with refused("AccessDenied", "sts:GetAccessKeyInfo on resource: *"):
        tenant.user("mallory")(sts.GetAccessKeyInfo, access_key_id="ASIAQNZGKIQY56JQ7WML")


def test_ceremonies_refuse_what_is_there(world: World, tenant: Tenant) -> None:
    """No second account with an address or a number, no third root key, no second admin."""
    tenant.root_key()
    tenant.root_key()
    tenant.administrator()

    with pytest.raises(CeremonyRefused, match="address `ROOT@example"):
        world.account("ROOT@example.com")
    with pytest.raises(CeremonyRefused, match=tenant.id):
        world.account("other@example.com", account_id=tenant.id)
    with pytest.raises(CeremonyRefused, match="two access keys"):
        tenant.root_key()
    with pytest.raises(CeremonyRefused, match="`ADMIN` exists"):
        tenant.administrator("ADMIN")
    assert world.account("other@example.com", account_id="000000000001").id == "000000000001"


@pytest.mark.parametrize(
    "email", ["", "a", "a@b", "two@at@example.com", "a b@example.com", "a@b.c\n"]
)
def test_no_address(world: World, email: str) -> None:
    """What is not an e-mail address makes no account."""
    with pytest.raises(CeremonyRefused, match="not an e-mail address"):
        world.account(email)


@pytest.mark.parametrize("account_id", ["", "12345678901", "1234567890123", "12345678901a"])
def test_no_account_id(world: World, account_id: str) -> None:
    """What is not twelve digits is no account's id."""
    with pytest.raises(CeremonyRefused, match="is not an account id"):
        world.account(account_id=account_id)


@pytest.mark.parametrize("name", ["", "a b", "a/b", "x" * 65])
def test_no_user_name(tenant: Tenant, name: str) -> None:
    """What IAM would not take as a user's name makes no administrator."""
    with pytest.raises(CeremonyRefused, match="not a user name"):
        tenant.administrator(name)


def test_root_password(world: World) -> None:
    """Root's one-time password verifies against what is stored, and no secret is in a repr."""
    with world.store.write() as transaction:
        made = accounts.create_account(
            transaction, world.repository, world.passwords, email="r@example.com", now=world.now
        )
    stored = world.repository.accounts.password_hash(made.account)
    assert stored is not None

    assert world.passwords.verify_password(made.root_password, stored)
    assert stored.startswith("$argon2id$")
    assert made.root_password not in repr(made)
    assert stored.encode() not in made.account.password
