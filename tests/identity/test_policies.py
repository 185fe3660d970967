"""Managed policies: their versions, who uses them, and AWS's own."""

import json
from importlib import import_module
from itertools import chain
from typing import Any
from urllib.parse import unquote

import pytest

from keystead.custody.rows.rows import SealedTable
from keystead.identity.managed_policies import catalogue
from keystead.identity.permissions.managed_policy import version
from keystead.identity.repository.permissions.policies import ManagedPolicy
from keystead.policy.language.document import DocumentKind, compile_policy
from keystead.wire.models import iam as api
from keystead.wire.operation import Operation
from tests.identity.refusals import refused
from tests.identity.world import NOW, Person, Tenant, World, allow

AWS = "arn:aws:iam::aws:policy/"


def create(person: Person, name: str = "keys", text: str = "", **members: object) -> str:
    made = person(
        api.CreatePolicy, policy_name=name, policy_document=text or allow("kms:*"), **members
    ).policy
    assert made is not None
    assert made.arn is not None
    return made.arn


def test_create(tenant: Tenant, admin: Person) -> None:
    """A new policy is version 1, attached to nobody, and shown with description and tags."""
    text = (
        '{ "Version": "2012-10-17",\n'
        ' "Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"} }'
    )

    arn = create(
        admin, "Keys", text, path="/team/", description="d", tags=[api.Tag(key="k", value="v")]
    )

    assert arn == f"arn:aws:iam::{tenant.id}:policy/team/Keys"
    shown = admin(api.GetPolicy, policy_arn=arn).policy
    assert shown is not None
    assert (shown.default_version_id, shown.attachment_count) == ("v1", 0)
    assert shown.permissions_boundary_usage_count == 0
    assert shown.is_attachable is True
    assert (shown.description, shown.tags) == ("d", [api.Tag(key="k", value="v")])
    assert (shown.create_date, shown.update_date) == (NOW, NOW)
    listed = admin(api.ListPolicies, scope="Local").policies
    assert listed is not None
    assert (listed[0].description, listed[0].tags) == (None, None)
    read = admin(api.GetPolicyVersion, policy_arn=arn, version_id="v1").policy_version
    assert read is not None
    assert read.document is not None
    assert unquote(read.document) == text
    assert "+" not in read.document
    assert " " not in read.document


def test_names_are_unique_in_any_case(admin: Person) -> None:
    """A policy's name is taken in every case and under every path."""
    create(admin, "keys")

    with refused("EntityAlreadyExists", "A policy called Keys already exists. Duplicate names"):
        create(admin, "Keys", path="/x/")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "Syntax errors in policy."),
        (allow("kms:*").replace("2012-10-17", "2008-10-17"), "must be version 2012-10-17"),
        (allow("kms:*", Principal="*"), "principal"),
    ],
)  # fmt: skip
def test_malformed(admin: Person, text: str, message: str) -> None:
    """What is not an identity-based policy is refused wherever a policy can be written."""
    arn = create(admin)

    writes: tuple[tuple[Operation[Any, Any], dict[str, Any]], ...] = (
        (api.CreatePolicy, {"policy_name": "p"}),
        (api.CreatePolicyVersion, {"policy_arn": arn}),
        (api.PutUserPolicy, {"user_name": "admin", "policy_name": "p"}),
    )
    for operation, members in writes:
        with refused("MalformedPolicyDocument", message):
            admin(operation, policy_document=text, **members)


def test_an_accepted_text_is_not_read_again(admin: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same text in the same account is looked up; one that was refused is read again."""
    create(admin, "first", allow("kms:*"))
    for _ in range(2):
        with refused("MalformedPolicyDocument"):
            create(admin, "wrong", allow("kms:*", Principal="*"))
    monkeypatch.setattr("keystead.identity.permissions.validity.compile_policy", None)
    create(admin, "second", allow("kms:*"))
    with pytest.raises(TypeError):
        create(admin, "third", allow("iam:*"))


def test_size(admin: Person) -> None:
    """A policy has at most 6,144 characters, white space between them not counted."""
    base = json.loads(allow("kms:*"))
    base["Id"] = ""
    room = 6144 - len(json.dumps(base, separators=(",", ":")))
    base["Id"] = "x" * room

    create(admin, "fits", json.dumps(base, indent=4))
    base["Id"] += "x"
    with refused("LimitExceeded", "Cannot exceed quota for PolicySize: 6144"):
        create(admin, "large", json.dumps(base, separators=(",", ":")))


def test_versions(tenant: Tenant, admin: Person) -> None:
    """Five versions at most; numbers never come back; the default decides."""
    alice = tenant.user("alice")
    arn = create(admin)
    admin(api.AttachUserPolicy, user_name="alice", policy_arn=arn)
    for number in range(2, 6):
        made = admin(
            api.CreatePolicyVersion, policy_arn=arn, policy_document=allow("iam:ListUsers")
        ).policy_version
        assert made is not None
        assert (made.version_id, made.is_default_version) == (f"v{number}", False)
    with refused("LimitExceeded", "A managed policy can have up to 5 versions."):
        admin(api.CreatePolicyVersion, policy_arn=arn, policy_document=allow("kms:*"))
    with refused("AccessDenied"):
        alice(api.ListUsers)

    admin(api.SetDefaultPolicyVersion, policy_arn=arn, version_id="v2")
    alice(api.ListUsers)
    with refused("DeleteConflict", "Cannot delete the default version of a policy."):
        admin(api.DeletePolicyVersion, policy_arn=arn, version_id="v2")
    admin(api.DeletePolicyVersion, policy_arn=arn, version_id="v5")
    last = admin(
        api.CreatePolicyVersion, policy_arn=arn, policy_document=allow("kms:*"), set_as_default=True
    ).policy_version
    assert last is not None
    assert (last.version_id, last.is_default_version) == ("v6", True)
    with refused("AccessDenied"):
        alice(api.ListUsers)
    versions = admin(api.ListPolicyVersions, policy_arn=arn).versions
    assert versions is not None
    assert [v.version_id for v in versions] == ["v6", "v4", "v3", "v2", "v1"]


@pytest.mark.parametrize("version_id", ["v2", "v0", "1", "v1.0", "v99999999999999999999"])
def test_missing_versions(admin: Person, version_id: str) -> None:
    """A version that is not there is said to be missing."""
    arn = create(admin)

    operations: tuple[Operation[Any, Any], ...] = (
        api.GetPolicyVersion,
        api.SetDefaultPolicyVersion,
        api.DeletePolicyVersion,
    )
    for operation in operations:
        with refused("NoSuchEntity", f"Policy {arn} version {version_id} does not exist"):
            admin(operation, policy_arn=arn, version_id=version_id)


def test_delete(admin: Person) -> None:
    """A policy is deleted when it has one version and nobody uses it, as policy or boundary."""
    arn = create(admin)
    admin(api.CreateUser, user_name="alice", permissions_boundary=arn)
    admin(api.AttachUserPolicy, user_name="alice", policy_arn=arn)
    admin(api.CreatePolicyVersion, policy_arn=arn, policy_document=allow("kms:*"))

    with refused("DeleteConflict", "This policy has more than one version."):
        admin(api.DeletePolicy, policy_arn=arn)
    admin(api.DeletePolicyVersion, policy_arn=arn, version_id="v2")
    with refused("DeleteConflict", "Cannot delete a policy attached to entities."):
        admin(api.DeletePolicy, policy_arn=arn)
    admin(api.DetachUserPolicy, user_name="alice", policy_arn=arn)
    with refused("DeleteConflict", "Cannot delete a policy attached to entities."):
        admin(api.DeletePolicy, policy_arn=arn)
    admin(api.DeleteUserPermissionsBoundary, user_name="alice")
    admin(api.DeletePolicy, policy_arn=arn)
    with refused("NoSuchEntity", f"Policy {arn} was not found."):
        admin(api.GetPolicy, policy_arn=arn)


def test_list(tenant: Tenant, admin: Person) -> None:
    """ListPolicies filters by scope, use and path, and pages over AWS's and the account's."""
    local = [create(admin, name, path="/p/") for name in ("B", "a")]
    admin(api.CreateUser, user_name="alice", permissions_boundary=local[0])

    def arns(**members: object) -> list[str]:
        return [str(policy.arn) for policy in admin(api.ListPolicies, **members).policies or ()]

    aws = [policy.arn for policy in catalogue.every()]
    assert arns(scope="Local") == [local[1], local[0]]
    assert arns(scope="AWS") == aws
    assert arns() == [*aws, local[1], local[0]]
    assert arns(only_attached=True) == [AWS + "AdministratorAccess"]
    assert arns(policy_usage_filter="PermissionsBoundary") == [local[0]]
    assert arns(policy_usage_filter="PermissionsPolicy") == [AWS + "AdministratorAccess"]
    assert arns(path_prefix="/p/") == [local[1], local[0]]
    seen: list[str] = []
    marker = None
    while True:
        page = admin(api.ListPolicies, max_items=4, marker=marker)
        seen += [str(policy.arn) for policy in page.policies or ()]
        marker = page.marker
        if not page.is_truncated:
            break
    assert seen == arns()


def test_entities(admin: Person) -> None:
    """ListEntitiesForPolicy names users and groups, by use, kind and path."""
    arn = create(admin)
    admin(api.CreateGroup, group_name="staff")
    admin(api.CreateUser, user_name="alice", path="/x/")
    admin(api.CreateUser, user_name="bob", permissions_boundary=arn)
    admin(api.AttachGroupPolicy, group_name="staff", policy_arn=arn)
    admin(api.AttachUserPolicy, user_name="alice", policy_arn=arn)

    def names(**members: object) -> set[str]:
        answer = admin(api.ListEntitiesForPolicy, policy_arn=arn, **members)
        users = {str(user.user_name) for user in answer.policy_users or ()}
        assert answer.policy_roles == []
        return users | {str(group.group_name) for group in answer.policy_groups or ()}

    assert names() == {"staff", "alice", "bob"}
    assert names(entity_filter="User") == {"alice", "bob"}
    assert names(entity_filter="Group") == {"staff"}
    assert names(entity_filter="Role") == set()
    assert names(policy_usage_filter="PermissionsPolicy") == {"staff", "alice"}
    assert names(policy_usage_filter="PermissionsBoundary") == {"bob"}
    assert names(path_prefix="/x/") == {"alice"}
    assert names(path_prefix="/x/", policy_usage_filter="PermissionsBoundary") == set()
    shown = admin(api.GetPolicy, policy_arn=arn).policy
    assert shown is not None
    assert (shown.attachment_count, shown.permissions_boundary_usage_count) == (2, 1)


def test_pages_of_entities(admin: Person) -> None:
    """Pages of any size name everybody once, who is attached and bounded included."""
    arn = create(admin)
    for name in ("a", "b", "c", "d"):
        admin(api.CreateUser, user_name=name, permissions_boundary=arn if name < "c" else None)
        admin(api.CreateGroup, group_name=f"g{name}")
        admin(api.AttachGroupPolicy, group_name=f"g{name}", policy_arn=arn)
    for name in ("b", "c"):
        admin(api.AttachUserPolicy, user_name=name, policy_arn=arn)

    for size in (1, 2, 3, 7, 1000):
        named: list[str] = []
        marker = None
        while True:
            page = admin(api.ListEntitiesForPolicy, policy_arn=arn, max_items=size, marker=marker)
            together = [*(g.group_name for g in page.policy_groups or ()),
                        *(u.user_name for u in page.policy_users or ())]  # fmt: skip
            assert len(together) <= size
            named += map(str, together)
            marker = page.marker
            if not page.is_truncated:
                break
        assert sorted(named) == ["a", "b", "c", "ga", "gb", "gc", "gd"]


@pytest.mark.parametrize("looked_at", [1, 2, 3, 100])
def test_below_a_path_a_page_ends_where_the_search_ends(
    admin: Person, monkeypatch: pytest.MonkeyPatch, looked_at: int
) -> None:
    """However few one call looks at, the pages name everybody below the path once, and end."""
    usage = import_module("keystead.identity.iam.policies.policy_usage")
    monkeypatch.setattr(usage, "LOOKED_AT", looked_at)
    arn = create(admin)
    for number in range(9):
        path = "/x/" if number % 4 == 0 else "/y/"
        admin(api.CreateUser, user_name=f"u{number}", path=path, permissions_boundary=arn)
        admin(api.CreateGroup, group_name=f"g{number}", path=path)
        admin(api.AttachGroupPolicy, group_name=f"g{number}", policy_arn=arn)
        if number % 2:
            admin(api.AttachUserPolicy, user_name=f"u{number}", policy_arn=arn)

    def pages(size: int, path: str) -> list[list[str]]:
        found, marker = [], None
        while True:
            page = admin(
                api.ListEntitiesForPolicy, policy_arn=arn, path_prefix=path, max_items=size,
                marker=marker,
            )  # fmt: skip
            found.append([*(str(g.group_name) for g in page.policy_groups or ()),
                          *(str(u.user_name) for u in page.policy_users or ())])  # fmt: skip
            marker = page.marker
            if not page.is_truncated:
                return found

    for size in (1, 2, 100):
        named = pages(size, "/x/")
        assert max(map(len, named)) <= size
        assert sorted(chain(*named)) == ["g0", "g4", "g8", "u0", "u4", "u8"]
        nobody = pages(size, "/z/")
        assert not any(nobody)
        assert len(nobody) <= 2 * 9 // looked_at + 2
        assert len(nobody) == 1 or looked_at < 100


def test_one_page_reads_one_page(admin: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of ListEntitiesForPolicy opens as many rows as it shows, however many there are."""
    arn = create(admin)
    for number in range(30):
        admin(api.CreateUser, user_name=f"u{number}")
        admin(api.AttachUserPolicy, user_name=f"u{number}", policy_arn=arn)
    opened: list[object] = []
    opens = SealedTable._open

    def counting(table: SealedTable[Any], row: Any) -> Any:
        opened.append(row)
        return opens(table, row)

    monkeypatch.setattr(SealedTable, "_open", counting)
    page = admin(api.ListEntitiesForPolicy, policy_arn=arn, max_items=2)

    assert len(page.policy_users or ()) == 2
    assert len(opened) < 15  # the caller and its policies are among them


@pytest.mark.parametrize("policy", catalogue.every(), ids=lambda policy: policy.name)
def test_policies_of_aws_are_valid(world: World, policy: ManagedPolicy) -> None:
    """Each of AWS's policies compiles, and is found by its ARN."""
    only = version(world.repository, world.store.read(), policy, 1)

    assert only is not None
    assert compile_policy(only.document, DocumentKind.IDENTITY).statements
    assert catalogue.with_arn(policy.arn) == policy
    assert policy.arn.startswith(AWS)


def test_policies_of_aws_are_immutable(tenant: Tenant, admin: Person) -> None:
    """Who may read policies may read AWS's; nobody, not even root, changes them."""
    arn = AWS + "AdministratorAccess"
    changes: tuple[tuple[Operation[Any, Any], dict[str, Any]], ...] = (
        (api.CreatePolicyVersion, {"policy_document": allow("kms:*")}),
        (api.SetDefaultPolicyVersion, {"version_id": "v1"}),
        (api.DeletePolicyVersion, {"version_id": "v1"}),
        (api.DeletePolicy, {}),
        (api.TagPolicy, {"tags": [api.Tag(key="k", value="v")]}),
        (api.UntagPolicy, {"tag_keys": ["k"]}),
    )

    for person in (admin, tenant.root):
        assert person(api.GetPolicy, policy_arn=arn).policy
        assert person(api.GetPolicyVersion, policy_arn=arn, version_id="v1").policy_version
        for operation, members in changes:
            with refused("AccessDenied", arn):
                person(operation, policy_arn=arn, **members)


def test_policies_of_others_are_out_of_reach(world: World, admin: Person) -> None:
    """Another account's policy is refused whether it exists or not, and cannot be attached."""
    other = world.account("other@example.com")
    there = create(other.administrator())
    nowhere = f"arn:aws:iam::{other.id}:policy/nothing"

    for arn in (there, nowhere):
        with refused("AccessDenied"):
            admin(api.GetPolicy, policy_arn=arn)
        with refused("NoSuchEntity", f"Policy {arn} does not exist or is not attachable."):
            admin(api.AttachUserPolicy, user_name="admin", policy_arn=arn)


@pytest.mark.parametrize(
    ("arn", "code", "message"),
    [
        ("this-is-not-an-arn-at-all", "ValidationError", "Invalid ARN:  Could not be parsed!"),
        ("arn:aws:iam::123456789012:user/alice", "InvalidInput", "is not valid."),
    ],
)
def test_not_a_policy_arn(admin: Person, arn: str, code: str, message: str) -> None:
    """What cannot be the ARN of a policy is refused as such."""
    with refused(code, message):
        admin(api.GetPolicy, policy_arn=arn)
    with refused(code, message):
        admin(api.AttachUserPolicy, user_name="admin", policy_arn=arn)


def test_arns_are_exact(admin: Person) -> None:
    """A policy is found by its ARN as it is, path and case included."""
    arn = create(admin, "Keys", path="/x/")

    for other in (arn.replace("Keys", "keys"), arn.replace("/x/", "/")):
        with refused("NoSuchEntity", f"Policy {other} was not found."):
            admin(api.GetPolicy, policy_arn=other)
    admin(api.GetPolicy, policy_arn=arn)
