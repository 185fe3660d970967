"""Short ways to write a question: policies as dictionaries, callers, one key, one role."""

import json
from collections.abc import Mapping
from typing import Any

from keystead.policy.evaluation.decision import Decision
from keystead.policy.evaluation.evaluate import evaluate as decided
from keystead.policy.evaluation.question import (
    ApplicablePolicies,
    ContextValue,
    PolicySource,
    Principal,
    PrincipalPolicies,
    PrincipalType,
    Question,
    RequestContext,
)
from keystead.policy.language.document import DocumentKind, Policy, compile_policy

ACCOUNT, OTHER = "111122223333", "444455556666"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/service/App"
USER = f"arn:aws:iam::{ACCOUNT}:user/alice"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/App/job-1"
FEDERATED = f"arn:aws:sts::{ACCOUNT}:federated-user/bob"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"

Statement = Mapping[str, Any]

ALICE = Principal(
    PrincipalType.USER, USER, ACCOUNT, "AIDAALICEEXAMPLE1", "AIDAALICEEXAMPLE1", "alice"
)
APP = Principal(
    PrincipalType.ASSUMED_ROLE,
    SESSION,
    ACCOUNT,
    "AROAAPPEXAMPLE123:job-1",
    "AROAAPPEXAMPLE123",
    principal_arn=ROLE,
    issuer_arn=ROLE,
    issuer_id="AROAAPPEXAMPLE123",
)
BOB = Principal(
    PrincipalType.FEDERATED_USER,
    FEDERATED,
    ACCOUNT,
    f"{ACCOUNT}:bob",
    principal_arn=FEDERATED,
    issuer_arn=USER,
    issuer_id="AIDAALICEEXAMPLE1",
)
OWNER = Principal(PrincipalType.ACCOUNT, ROOT, ACCOUNT, ACCOUNT, principal_arn=ROOT)
LOGS = Principal(
    PrincipalType.SERVICE,
    "logs.amazonaws.com",
    "",
    "logs.amazonaws.com",
    service_names=("logs.amazonaws.com", "logs.eu-central-1.amazonaws.com"),
)
NOBODY = Principal(PrincipalType.ANONYMOUS, "anonymous", "", "anonymous")


def allow(action: Any = "kms:*", resource: Any = "*", **elements: Any) -> Statement:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **elements}


def deny(action: Any = "kms:*", resource: Any = "*", **elements: Any) -> Statement:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **elements}


def text(*statements: Statement, version: str | None = "2012-10-17") -> str:
    document: dict[str, Any] = {"Version": version} if version else {}
    return json.dumps({**document, "Statement": statements})


def policy(
    *statements: Statement,
    kind: DocumentKind = DocumentKind.IDENTITY,
    principals: Mapping[str, str] | None = None,
    version: str | None = "2012-10-17",
) -> Policy:
    return compile_policy(text(*statements, version=version), kind, principals)


def source(
    *statements: Statement, kind: DocumentKind = DocumentKind.IDENTITY, name: str = "p"
) -> PolicySource:
    return PolicySource(policy(*statements, kind=kind), name)


def own(*statements: Statement) -> PolicySource:
    """An identity-based policy."""
    return source(*statements, name="own")


def ceiling(*statements: Statement, kind: DocumentKind = DocumentKind.BOUNDARY) -> PolicySource:
    return source(*statements, kind=kind, name=kind.name.lower())


def key_policy(*statements: Statement) -> PolicySource:
    return source(*statements, kind=DocumentKind.KEY, name="default")


def trust_policy(principal: Any, action: Any = "sts:AssumeRole", **more: Any) -> PolicySource:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, **more}
    return source(statement, kind=DocumentKind.TRUST, name="trust")


def to(name: str) -> dict[str, Any]:
    """A Principal element for an AWS name."""
    return {"Principal": {"AWS": name}}


def ask(
    who: Principal = ALICE,
    action: str = "kms:Encrypt",
    resource: str = KEY,
    account: str = ACCOUNT,
    **keys: ContextValue,
) -> RequestContext:
    """A question; `aws__username="alice"` gives a value to `aws:username`."""
    named = {name.replace("__", ":").replace("_SLASH_", "/"): value for name, value in keys.items()}
    return RequestContext(who, action, resource, account, named)


def about_key(
    identity: tuple[PolicySource, ...] = (),
    resource: tuple[PolicySource, ...] = (),
    *,
    boundary: PolicySource | None = None,
    session: tuple[PolicySource, ...] | None = None,
    scps: tuple[tuple[PolicySource, ...], ...] = (),
    **more: Any,
) -> ApplicablePolicies:
    """The policies of a question about a KMS key."""
    return ApplicablePolicies(
        principal=PrincipalPolicies(
            identity, boundary, () if session is None else (session,), scps
        ),
        resource_based=resource,
        resource_policy_required=True,
        **more,
    )


def elsewhere(identity: tuple[PolicySource, ...] = (), **more: Any) -> ApplicablePolicies:
    """The policies of a question about something without a policy of its own."""
    return ApplicablePolicies(principal=PrincipalPolicies(identity), **more)


def evaluate(context: RequestContext, policies: ApplicablePolicies) -> Decision:
    """What is decided on a question whose parts were written by themselves."""
    return decided(Question(context, policies))
