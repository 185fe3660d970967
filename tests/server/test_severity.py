"""Which records are marked as of high severity?  (threat-model 7)"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.credentials import Credentials

from keystead.audit.records import jsontext
from keystead.audit.records.record import Recorder
from keystead.identity import accounts
from keystead.policy.evaluation import PrincipalType
from tests.identity.saml_documents import metadata
from tests.server.installations import Local, open_local


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    made = open_local(tmp_path_factory.mktemp("severity") / "data")
    yield made
    made.installation.close()


def severity(local: Local, action: str, who: Credentials | None = None, **members: str) -> str:
    """The severity in the event of a call, which is also in its record."""
    local.events.clear()
    local.iam(action, who, **members)
    [event] = local.events
    record = json.loads(jsontext.encode(Recorder("e" * 24).record(event, 0)))
    assert record["keystead"].get("severity", "") == event.severity
    return event.severity


def trust(*principals: dict[str, Any], effect: str = "Allow") -> str:
    ours = {"Condition": {"StringEquals": {"accounts.google.com:aud": "ours"}}}
    statements = [
        {
            "Effect": effect, "Principal": principal, "Action": "sts:AssumeRole",
            **(ours if "accounts.google.com" in principal.values() else {}),
        }
        for principal in principals
    ]  # fmt: skip
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def test_trust_policies(local: Local) -> None:
    """A role is marked if its trust policy is for everybody or somebody else, and only then."""
    own = local.founded.account_id
    local.iam("CreateUser", UserName="alice")
    alice = {"AWS": f"arn:aws:iam::{own}:user/alice"}
    provider = {"Federated": f"arn:aws:iam::{own}:saml-provider/idp"}
    closed = (
        {"AWS": own}, {"AWS": f"arn:aws:iam::{own}:root"}, alice, provider,
        {"AWS": f"arn:aws:sts::{own}:federated-user/jim"}, {"Service": "ec2.amazonaws.com"},
    )  # fmt: skip
    for number, principal in enumerate(closed):
        name, document = f"closed-{number}", trust(principal)
        found = severity(local, "CreateRole", RoleName=name, AssumeRolePolicyDocument=document)
        assert found == "", principal
    everybody: dict[str, Any] = {"AWS": "*"}
    local.organizations("CreateOrganization")
    made = local.organizations("CreateAccount", Email="o@example.com", AccountName="o").json
    other = made["CreateAccountStatus"]["AccountId"]
    opened = (
        everybody, {"AWS": other}, {"AWS": f"arn:aws:iam::{other}:root"},
        {"Federated": "accounts.google.com"},
        {"Federated": f"arn:aws:iam::{other}:saml-provider/idp"},
    )  # fmt: skip
    for number, principal in enumerate(opened):
        document = trust(alice, principal)
        name = f"open-{number}"
        found = severity(local, "CreateRole", RoleName=name, AssumeRolePolicyDocument=document)
        assert found == "high", principal
    update = {"RoleName": "closed-0"}
    named = trust(everybody, effect="Deny")
    assert severity(local, "UpdateAssumeRolePolicy", **update, PolicyDocument=named) == ""
    named = trust(everybody)
    assert severity(local, "UpdateAssumeRolePolicy", **update, PolicyDocument=named) == "high"
    assert severity(local, "GetRole", RoleName="closed-0") == ""


def test_providers(local: Local) -> None:
    """Whatever makes or changes a provider of identities is marked, also when it is refused."""
    own = local.founded.account_id
    oidc = {"OpenIDConnectProviderArn": f"arn:aws:iam::{own}:oidc-provider/idp.example"}
    saml = {"SAMLProviderArn": f"arn:aws:iam::{own}:saml-provider/idp"}
    marked: list[tuple[str, dict[str, str]]] = [
        ("CreateOpenIDConnectProvider", {"Url": "https://idp.example"}),
        ("AddClientIDToOpenIDConnectProvider", {**oidc, "ClientID": "a"}),
        ("RemoveClientIDFromOpenIDConnectProvider", {**oidc, "ClientID": "a"}),
        (
            "UpdateOpenIDConnectProviderThumbprint",
            {**oidc, "ThumbprintList.member.1": "a" * 40},
        ),
        ("CreateSAMLProvider", {"Name": "idp", "SAMLMetadataDocument": metadata()}),
        ("UpdateSAMLProvider", saml),
    ]
    for action, members in marked:
        assert severity(local, action, **members) == "high", action
        assert local.events[0].error_code == "", action
    assert severity(local, "CreateSAMLProvider", Name="idp", SAMLMetadataDocument="x" * 999) == ""
    for action, members in (("GetOpenIDConnectProvider", oidc), ("GetSAMLProvider", saml)):
        assert severity(local, action, **members) == ""


def test_what_root_does(local: Local) -> None:
    """Every call of a root user is marked, whatever it is; those of an administrator are not."""
    installation = local.installation
    with installation.store.write() as transaction:
        account = installation.identities.accounts.get(transaction, local.founded.account_id)
        assert account is not None
        key = accounts.create_root_access_key(
            transaction, installation.identities, account, now=local.time.wall()
        )
    root = Credentials(key.access_key_id, key.secret)
    assert severity(local, "ListUsers", root) == "high"
    principal = local.events[0].principal
    assert principal is not None
    assert principal.type is PrincipalType.ACCOUNT
    assert severity(local, "ListUsers") == ""
