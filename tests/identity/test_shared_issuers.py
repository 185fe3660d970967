"""A trust policy for a provider that serves many tenants tells which one is meant (ST-9)."""

from typing import Any

import pytest

from keystead.identity.permissions.shared_issuers import SHARED, require_tenants
from keystead.policy.language import MalformedPolicy
from keystead.wire.models import iam as api
from tests.identity.refusals import refused
from tests.identity.world import Person, Tenant, document

GITHUB = "token.actions.githubusercontent.com"
SUB, AUD = f"{GITHUB}:sub", f"{GITHUB}:aud"
WEB = "sts:AssumeRoleWithWebIdentity"
ONE = "repo:example/orders:ref:refs/heads/main"


def trust(provider: str, condition: Any = None, **statement: Any) -> str:
    """An Allow for a provider; a bare name for its ARN."""
    bare = provider in {"accounts.google.com", "cognito-identity.amazonaws.com",
                        "graph.facebook.com", "www.amazon.com"}  # fmt: skip
    name = provider if bare else f"arn:aws:iam::111122223333:oidc-provider/{provider}"
    conditions = {} if condition is None else {"Condition": condition}
    allow = {"Effect": "Allow", "Principal": {"Federated": name}, "Action": WEB}
    return document({**allow, **conditions, **statement})


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        (None, False),
        ({"StringEquals": {AUD: "sts.amazonaws.com"}}, False),  # all tenants have this
        ({"StringEquals": {SUB: ONE}}, True),
        ({"StringEquals": {AUD: "sts.amazonaws.com", SUB.upper(): [ONE, f"{ONE}2"]}}, True),
        ({"StringLike": {SUB: "repo:example/*"}}, True),
        ({"ForAnyValue:StringLike": {SUB: "repo:example/*"}}, True),
        ({"stringequalsignorecase": {SUB: ONE}}, True),
        ({"StringLike": {SUB: "*"}}, False),
        ({"StringLike": {SUB: "repo:*"}}, False),
        ({"StringLike": {SUB: "repo:*/orders:*"}}, False),
        ({"StringLike": {SUB: "repo:exam*"}}, False),  # others begin like this
        ({"StringLike": {SUB: "repo:example?orders:*"}}, False),
        ({"StringLike": {SUB: "repo:/*"}}, False),
        ({"StringLike": {SUB: "repo:?xample/orders:*"}}, False),
        ({"StringLike": {SUB: "repo:${aws:username}/*"}}, False),
        ({"StringLike": {SUB: ["repo:example/*", "*"]}}, False),
        ({"StringEquals": {SUB: [ONE, 5, True]}}, False),  # read as texts, which no tenant has
        ({"StringEquals": {SUB: "other"}}, False),  # no tenant has it: a typing error
        ({"StringLikeIfExists": {SUB: "repo:example/*"}}, False),
        ({"ForAllValues:StringLike": {SUB: "repo:example/*"}}, False),
        ({"StringNotEquals": {SUB: ONE}}, False),
        ({"Null": {SUB: "false"}}, False),
        ({"StringEquals": {"gitlab.com:sub": ONE}}, False),
    ],
)
def test_the_subject_tells_the_tenant(condition: Any, told: bool) -> None:
    """A condition counts that fails without the claim, and fixes the tenant in each value."""
    if told:
        require_tenants(trust(GITHUB, condition))
    else:
        with pytest.raises(MalformedPolicy, match="serves many tenants"):
            require_tenants(trust(GITHUB, condition))


@pytest.mark.parametrize("provider", SHARED)
def test_every_shared_provider(provider: str) -> None:
    """Each needs one of its claims; another provider, or a Deny, needs none."""
    issuer = SHARED[provider]
    for claim in issuer.claims:
        value = f"{issuer.begins}tenant"
        require_tenants(trust(provider, {"StringEquals": {f"{provider}:{claim}": value}}))
    for asked in (trust(provider), trust(provider.upper()), trust(f"{provider}/")):
        with pytest.raises(MalformedPolicy):
            require_tenants(asked)
    require_tenants(trust(provider, Effect="Deny"))
    require_tenants(trust("idp.example"))


@pytest.mark.parametrize(
    ("provider", "value"),
    [
        ("agent.buildkite.com", "organization:example:pipeline:*"),
        ("app.terraform.io", "organization:example:project:*:workspace:*"),
        ("gitlab.com", "project_path:example/*:ref_type:branch:ref:main"),
        ("oidc.codefresh.io", "account:5f9d:*"),
        ("scalr.io", "account:example:*"),
    ],
)
def test_a_name_of_a_tenant_ends_before_a_wildcard(provider: str, value: str) -> None:
    """What follows the tenant's name may vary; a name that goes on is another tenant's."""
    require_tenants(trust(provider, {"StringLike": {f"{provider}:sub": value}}))
    begin = SHARED[provider].begins
    cut = f"{begin}{value.removeprefix(begin)[:3]}*"
    with pytest.raises(MalformedPolicy, match="serves many tenants"):
        require_tenants(trust(provider, {"StringLike": {f"{provider}:sub": cut}}))


def test_each_statement_and_each_provider_counts() -> None:
    """One good statement does not speak for another, nor one provider for the next."""
    good = {"StringEquals": {SUB: ONE}}
    name = "arn:aws:iam::111122223333:oidc-provider/"
    both = {"Federated": [f"{name}{GITHUB}", f"{name}gitlab.com"]}
    with pytest.raises(MalformedPolicy, match=r"gitlab\.com"):
        require_tenants(trust(GITHUB, good, Principal=both))


@pytest.mark.parametrize("claim", ["aud", "app_id"])
def test_a_claim_may_be_a_number(claim: str) -> None:
    """An audience without quotation marks is the same text as with them."""
    provider = "www.amazon.com" if claim == "app_id" else "accounts.google.com"
    for value in (1234567890, "1234567890"):
        require_tenants(trust(provider, {"StringEquals": {f"{provider}:{claim}": value}}))


def test_roles_are_held_to_it(tenant: Tenant, admin: Person) -> None:
    """CreateRole and UpdateAssumeRolePolicy refuse it; with the condition they do not."""
    tenant.root(api.CreateOpenIDConnectProvider, url=f"https://{GITHUB}")
    arn = f"arn:aws:iam::{tenant.id}:oidc-provider/{GITHUB}"
    loose = trust(GITHUB, Principal={"Federated": arn})
    good = trust(GITHUB, {"StringEquals": {SUB: ONE}}, Principal={"Federated": arn})
    with refused("MalformedPolicyDocument", f"needs a condition on {GITHUB}:sub"):
        admin(api.CreateRole, role_name="ci", assume_role_policy_document=loose)
    admin(api.CreateRole, role_name="ci", assume_role_policy_document=good)
    with refused("MalformedPolicyDocument", f"needs a condition on {GITHUB}:sub"):
        admin(api.UpdateAssumeRolePolicy, role_name="ci", policy_document=loose)
    admin(api.UpdateAssumeRolePolicy, role_name="ci", policy_document=good)
