"""SCPs, RCPs and organization keys decide about the very next request (iam.md 1.12, 5.5, 5.6)."""

from typing import Any

import pytest

from tests.conftest import Credentials, Server, policy, refused
from tests.identity.organizing import Owner, Tree, account, tree

SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
DENY_LIST = policy({"Effect": "Deny", "Action": "kms:ListKeys", "Resource": "*"})
ONLY_LIST = policy({"Effect": "Allow", "Action": "kms:List*", "Resource": "*"})
NO_STRANGERS = policy(
    {"Effect": "Deny", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*",
     "Condition": {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}}}
)  # fmt: skip


@pytest.fixture
def org(server: Server) -> Tree:
    """An organization with both policy types enabled."""
    made = tree(server)
    for policy_type in (SCP, RCP):
        made.organizations.enable_policy_type(RootId=made.root, PolicyType=policy_type)
    return made


def written(org: Tree, content: str, policy_type: str = SCP, name: str = "p") -> str:
    made = org.organizations.create_policy(
        Name=name, Description="", Type=policy_type, Content=content
    )
    return str(made["Policy"]["PolicySummary"]["Id"])


def attach(org: Tree, policy_id: str, target: str) -> None:
    org.organizations.attach_policy(PolicyId=policy_id, TargetId=target)


def detach(org: Tree, policy_id: str, target: str) -> None:
    org.organizations.detach_policy(PolicyId=policy_id, TargetId=target)


def user(owner: Owner, *actions: str) -> Owner:
    """A user of an account that may do all of this."""
    iam = owner.client("iam")
    iam.create_user(UserName="jo")
    may = policy({"Effect": "Allow", "Action": [*actions], "Resource": "*"})
    iam.put_user_policy(UserName="jo", PolicyName="p", PolicyDocument=may)
    key = iam.create_access_key(UserName="jo")["AccessKey"]
    credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    return Owner(owner.server, owner.account, "", credentials)


def test_a_policy_denies_until_it_is_detached(org: Tree) -> None:
    """An SCP at the root, a unit or the account refuses users and root; without it both may."""
    unit = org.unit()
    member = org.member(unit)
    jo, deny = user(member, "kms:*"), written(org, DENY_LIST)
    sentence = "with an explicit deny in a service control policy"
    for target in (org.root, unit, member.account):
        attach(org, deny, target)
        for who in (jo, member):
            with refused("AccessDeniedException", sentence):
                who.client("kms").list_keys()
        detach(org, deny, target)
        for who in (jo, member):
            who.client("kms").list_keys()


def test_the_management_account_is_exempt(org: Tree) -> None:
    """Neither its users nor its keys are bound by what is attached to the root or to itself."""
    deny = written(org, DENY_LIST)
    for target in (org.root, org.management.account):
        attach(org, deny, target)
    org.management.client("kms").list_keys()
    with refused("AccessDeniedException"):
        org.member().client("kms").list_keys()


def test_every_level_must_allow(org: Tree) -> None:
    """Where FullAWSAccess is detached, only what another policy there allows is left."""
    unit = org.unit()
    jo = user(org.member(unit), "kms:*")
    listing = written(org, ONLY_LIST)
    attach(org, listing, unit)
    jo.client("kms").create_key()
    detach(org, "p-FullAWSAccess", unit)
    with refused(
        "AccessDeniedException", "because no service control policy allows the kms:CreateKey action"
    ):
        jo.client("kms").create_key()
    jo.client("kms").list_keys()
    attach(org, "p-FullAWSAccess", unit)
    jo.client("kms").create_key()


def test_a_changed_policy_counts_at_once(org: Tree) -> None:
    """UpdatePolicy decides about the next request of everybody below."""
    member = org.member()
    changing = written(org, ONLY_LIST)
    attach(org, changing, org.root)
    member.client("kms").list_keys()
    org.organizations.update_policy(PolicyId=changing, Content=DENY_LIST)
    with refused("AccessDeniedException"):
        member.client("kms").list_keys()
    org.organizations.update_policy(PolicyId=changing, Content=ONLY_LIST)
    member.client("kms").list_keys()


def test_a_disabled_type(org: Tree) -> None:
    """Disabling SCPs detaches all of them, for good: enabled again, only FullAWSAccess is there."""
    member, deny = org.member(), written(org, DENY_LIST)
    attach(org, deny, org.root)
    client = org.organizations
    with refused("AccessDeniedException"):
        member.client("kms").list_keys()
    root = client.disable_policy_type(RootId=org.root, PolicyType=SCP)["Root"]
    assert root["PolicyTypes"] == [{"Type": RCP, "Status": "ENABLED"}]
    member.client("kms").list_keys()
    with refused("PolicyTypeNotEnabledException", "only for enabled policy types"):
        attach(org, deny, org.root)
    client.enable_policy_type(RootId=org.root, PolicyType=SCP)
    member.client("kms").list_keys()
    listed = client.list_policies_for_target(TargetId=org.root, Filter=SCP)["Policies"]
    assert [each["Name"] for each in listed] == ["FullAWSAccess"]
    with refused("PolicyTypeAlreadyEnabledException"):
        client.enable_policy_type(RootId=org.root, PolicyType=SCP)
    client.delete_policy(PolicyId=deny)


def test_a_moved_account(org: Tree) -> None:
    """Moving an account, or taking it out, changes the next request of its principals."""
    bad, good = org.unit("bad"), org.unit("good")
    attach(org, written(org, DENY_LIST), bad)
    member = org.member(good)
    member.client("kms").list_keys()
    org.move(member.account, good, bad)
    with refused("AccessDeniedException"):
        member.client("kms").list_keys()
    org.move(member.account, bad, good)
    member.client("kms").list_keys()
    org.move(member.account, good, bad)
    org.organizations.remove_account_from_organization(AccountId=member.account)
    member.client("kms").list_keys()


def shared_key(owner: Owner, **condition: Any) -> str:
    """A key that everybody may use, under a condition."""
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Principal": {"AWS": owner.account}, "Action": "kms:*",
         "Resource": "*"},
        {"Effect": "Allow", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*",
         **({"Condition": condition} if condition else {})},
    ]  # fmt: skip
    made = owner.client("kms").create_key(Policy=policy(*statements))
    return str(made["KeyMetadata"]["Arn"])


def encrypt(who: Owner, key: str) -> None:
    who.client("kms").encrypt(KeyId=key, Plaintext=b"x")


def test_a_resource_policy_binds_strangers(org: Tree) -> None:
    """An RCP over a key refuses the callers of other organizations, until it is detached."""
    unit = org.unit()
    owner, stranger = org.member(unit), user(account(org.management.server), "kms:*")
    key, inside = shared_key(owner), user(org.member(), "kms:*")
    encrypt(stranger, key)
    rcp = written(org, NO_STRANGERS, RCP)
    for target in (org.root, unit, owner.account):
        attach(org, rcp, target)
        with refused("AccessDeniedException"):
            encrypt(stranger, key)
        encrypt(inside, key)
        detach(org, rcp, target)
        encrypt(stranger, key)
    attach(org, rcp, unit)
    org.move(owner.account, unit, org.root)
    encrypt(stranger, key)


def test_a_resource_policy_and_the_management_account(org: Tree) -> None:
    """Keys of the management account are under no RCP."""
    stranger = user(account(org.management.server), "kms:*")
    key = shared_key(org.management)
    attach(org, written(org, NO_STRANGERS, RCP), org.root)
    encrypt(stranger, key)


def test_keys_of_the_organization(org: Tree) -> None:
    """aws:PrincipalOrgID and aws:PrincipalOrgPaths in a key policy, in and out of the tree."""
    unit = org.unit()
    owner, member = account(org.management.server), org.member(unit)
    jo = user(member, "kms:*")
    for condition in (
        {"StringEquals": {"aws:PrincipalOrgID": org.id}},
        {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": f"{org.id}/{org.root}/{unit}/*"}},
    ):
        key = shared_key(owner, **condition)
        encrypt(jo, key)
        with refused("AccessDeniedException"):
            encrypt(user_of(owner.server), key)
    org.move(member.account, unit, org.root)
    with refused("AccessDeniedException"):
        encrypt(jo, key)
    org.move(member.account, org.root, unit)
    encrypt(jo, key)
    org.organizations.remove_account_from_organization(AccountId=member.account)
    with refused("AccessDeniedException"):
        encrypt(jo, key)


def user_of(server: Server) -> Owner:
    return user(account(server), "kms:*")


def test_keys_of_the_owner(org: Tree) -> None:
    """aws:ResourceOrgID and aws:ResourceOrgPaths are those of the owner of the key."""
    owner, other = org.member(), account(org.management.server)
    keys = {shared_key(owner): True, shared_key(other): False}
    outside = account(org.management.server)
    iam = outside.client("iam")
    iam.create_user(UserName="jo")
    path = f"{org.id}/{org.root}/"
    may = policy(
        {"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*",
         "Condition": {"StringEquals": {"aws:ResourceOrgID": org.id},
                       "ForAllValues:StringEquals": {"aws:ResourceOrgPaths": path}}}
    )  # fmt: skip
    iam.put_user_policy(UserName="jo", PolicyName="p", PolicyDocument=may)
    made = iam.create_access_key(UserName="jo")["AccessKey"]
    credentials = Credentials(made["AccessKeyId"], made["SecretAccessKey"])
    caller = Owner(outside.server, outside.account, "", credentials)
    for key, allowed in keys.items():
        if allowed:
            encrypt(caller, key)
        else:
            with refused("AccessDeniedException"):
                encrypt(caller, key)
    org.move(owner.account, org.root, org.unit())
    for key in keys:
        with refused("AccessDeniedException"):
            encrypt(caller, key)


def test_the_keys_of_a_closed_account(org: Tree) -> None:
    """Whoever used a key of an account that is closed cannot, from the next request on."""
    owner, stranger = org.member(), user_of(org.management.server)
    key = shared_key(owner)
    encrypt(stranger, key)
    org.organizations.close_account(AccountId=owner.account)
    with refused("AccessDeniedException"):
        encrypt(stranger, key)


def test_explained(org: Tree) -> None:
    """`keystead explain` names the policy, its level and its target."""
    unit = org.unit()
    member = org.member(unit)
    attach(org, written(org, DENY_LIST), unit)
    asked = ("--principal", f"arn:aws:iam::{member.account}:root", "--action", "kms:ListKeys")
    shown = member.server.keystead("explain", *asked, "--resource", "*")
    assert "service control" in shown.stdout, shown.stdout + shown.stderr
    assert f"ou/{org.id}/{unit}" in shown.stdout
    assert "level 2 of 3" in shown.stdout


def test_policies_are_kept(org: Tree) -> None:
    """Written, shown, renamed and deleted; AWS's own cannot be changed."""
    client, number = org.organizations, org.management.account
    arn = f"arn:aws:organizations::{number}:policy/{org.id}/service_control_policy"
    made = client.create_policy(Name="a", Description="of a", Type=SCP, Content=DENY_LIST)["Policy"]
    found = made["PolicySummary"]["Id"]
    assert made == {
        "PolicySummary": {
            "Id": found,
            "Arn": f"{arn}/{found}",
            "Name": "a",
            "Description": "of a",
            "Type": SCP,
            "AwsManaged": False,
        },
        "Content": DENY_LIST,
    }
    assert client.describe_policy(PolicyId=found)["Policy"] == made
    with refused("DuplicatePolicyException"):
        written(org, DENY_LIST, name="a")
    renamed = client.update_policy(PolicyId=found, Name="b", Description="")["Policy"]
    assert renamed["PolicySummary"]["Name"] == "b"
    assert renamed["Content"] == DENY_LIST
    listed = client.list_policies(Filter=SCP)["Policies"]
    assert [each["Name"] for each in listed] == ["FullAWSAccess", "b"]
    full = client.describe_policy(PolicyId="p-FullAWSAccess")["Policy"]
    arn = "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess"
    assert (full["PolicySummary"]["Arn"], full["PolicySummary"]["AwsManaged"]) == (arn, True)
    for change in (client.delete_policy, client.update_policy):
        with refused("InvalidInputException") as caught:
            change(PolicyId="p-FullAWSAccess")
        assert caught.value.response["Reason"] == "IMMUTABLE_POLICY"
    attach(org, found, org.root)
    with refused("PolicyInUseException"):
        client.delete_policy(PolicyId=found)
    detach(org, found, org.root)
    client.delete_policy(PolicyId=found)
    with refused("PolicyNotFoundException"):
        client.describe_policy(PolicyId=found)


@pytest.mark.parametrize(
    ("policy_type", "content"),
    [
        (SCP, "{"),
        (SCP, NO_STRANGERS),  # names principals
        (RCP, DENY_LIST),  # names none
        (RCP, NO_STRANGERS.replace("Deny", "Allow")),
        (RCP, NO_STRANGERS.replace("kms:Encrypt", "*")),
    ],
)
def test_documents_of_another_kind(org: Tree, policy_type: str, content: str) -> None:
    """What is no policy of its type is not stored; the right type of it is."""
    with refused("MalformedPolicyDocumentException", "does not meet the requirements"):
        written(org, content, policy_type)
    written(org, DENY_LIST)
    written(org, NO_STRANGERS, RCP)


def test_long_documents(org: Tree) -> None:
    """5,120 characters at most, white space among them."""
    fits = DENY_LIST + " " * (5120 - len(DENY_LIST))
    written(org, fits)
    with refused("ConstraintViolationException") as caught:
        written(org, f"{fits} ", name="q")
    assert caught.value.response["Reason"] == "POLICY_CONTENT_LIMIT_EXCEEDED"


def test_other_types(org: Tree) -> None:
    """Management policies are not offered; without all features no policy type is."""
    with refused("PolicyTypeNotAvailableForOrganizationException"):
        org.organizations.enable_policy_type(RootId=org.root, PolicyType="TAG_POLICY")
    billing = tree(org.management.server, FeatureSet="CONSOLIDATED_BILLING")
    with refused("PolicyTypeNotAvailableForOrganizationException"):
        billing.organizations.enable_policy_type(RootId=billing.root, PolicyType=SCP)
    assert org.organizations.list_policies(Filter="TAG_POLICY")["Policies"] == []


def test_how_many_are_attached(org: Tree) -> None:
    """One to five of a type at each target; RCPFullAWSAccess always."""
    unit, client = org.unit(), org.organizations
    for reason, policy_id in (
        ("MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED", "p-FullAWSAccess"),
        ("NON_DETACHABLE_POLICY", "p-RCPFullAWSAccess"),
    ):
        code = "InvalidInputException" if "NON" in reason else "ConstraintViolationException"
        with refused(code) as caught:
            detach(org, policy_id, unit)
        assert caught.value.response["Reason"] == reason
    more = [written(org, DENY_LIST, name=f"p{number}") for number in range(5)]
    for policy_id in more[:4]:
        attach(org, policy_id, unit)
    with refused("ConstraintViolationException", "attached the maximum number") as caught:
        attach(org, more[4], unit)
    assert caught.value.response["Reason"] == "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"
    with refused("DuplicatePolicyAttachmentException"):
        attach(org, more[0], unit)
    with refused("PolicyNotAttachedException"):
        detach(org, more[4], unit)
    listed = client.list_policies_for_target(TargetId=unit, Filter=SCP, MaxResults=3)
    assert len(listed["Policies"]) == 3
    assert listed["Policies"][0]["Id"] == "p-FullAWSAccess"
    detach(org, "p-FullAWSAccess", unit)
    attach(org, more[4], unit)


def test_targets(org: Tree) -> None:
    """What a policy is attached to: AWS's own to everything, but where it was detached."""
    unit, client = org.unit(), org.organizations
    member = org.member(unit)
    other = written(org, DENY_LIST)
    for target in (org.root, unit, member.account):
        attach(org, other, target)
    targets = client.list_targets_for_policy(PolicyId=other)["Targets"]
    arn = f"arn:aws:organizations::{org.management.account}"
    assert sorted(targets, key=lambda each: str(each["Type"])) == [
        {"TargetId": member.account, "Arn": f"{arn}:account/{org.id}/{member.account}",
         "Name": "member", "Type": "ACCOUNT"},
        {"TargetId": unit, "Arn": f"{arn}:ou/{org.id}/{unit}", "Name": "unit",
         "Type": "ORGANIZATIONAL_UNIT"},
        {"TargetId": org.root, "Arn": f"{arn}:root/{org.id}/{org.root}", "Name": "Root",
         "Type": "ROOT"},
    ]  # fmt: skip
    detach(org, "p-FullAWSAccess", unit)
    pages = client.get_paginator("list_targets_for_policy").paginate(
        PolicyId="p-FullAWSAccess", PaginationConfig={"PageSize": 2}
    )
    found = {each["TargetId"] for page in pages for each in page["Targets"]}
    assert found == {org.root, member.account, org.management.account}
    rcp = client.list_targets_for_policy(PolicyId="p-RCPFullAWSAccess")["Targets"]
    assert len(rcp) == 4


def test_policies_of_other_organizations(org: Tree) -> None:
    """Another organization's policy and tree are not there."""
    other = tree(org.management.server)
    other.organizations.enable_policy_type(RootId=other.root, PolicyType=SCP)
    foreign, own = written(other, DENY_LIST), written(org, DENY_LIST)
    with refused("PolicyNotFoundException"):
        org.organizations.describe_policy(PolicyId=foreign)
    with refused("PolicyNotFoundException"):
        attach(org, foreign, org.root)
    with refused("TargetNotFoundException"):
        attach(org, own, other.root)
    with refused("RootNotFoundException"):
        org.organizations.enable_policy_type(RootId=other.root, PolicyType=RCP)
    attach(other, foreign, other.root)


def test_after_a_restart(own_server: Server) -> None:
    """What was attached before a kill refuses after it."""
    org = tree(own_server)
    org.organizations.enable_policy_type(RootId=org.root, PolicyType=SCP)
    member = org.member()
    attach(org, written(org, DENY_LIST), member.account)
    own_server.kill()
    own_server.start()
    with refused("AccessDeniedException", "with an explicit deny in a service control policy"):
        member.client("kms").list_keys()
    member.client("kms").list_aliases()
