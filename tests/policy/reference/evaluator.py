"""May they?  The decision flow, in the order of the documentation.

    decide(scenario) → {"id", "decision", "kind", "statements"} or {"id", "error"}

The steps are those of IAM's flow within one account: (1) explicit denies; (2) resource control
policies; (3) service control policies; (4) VPC endpoint policy; (5) the resource's own policy;
(6) identity policies; (7) permissions boundary; (8) session policy. Across accounts (5) must
allow, and so must (6) to (8). What is allowed by then is (9) intersected with each of the policies
by which the session was scoped down.

`kind` is the policy kind that decided, `statements` the Sids of its statements that did.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.policy.reference import grants, services
from tests.policy.reference.request import Document, Request, read
from tests.policy.reference.statements import matching, named_forms

IDENTITY = "identity-based policy"
RESOURCE = "resource-based policy"
BOUNDARY = "permissions boundary"
SESSION = "session policy"
SCOPE_DOWN = "scope-down policy"
SCP = "service control policy"
RCP = "resource control policy"
ENDPOINT = "VPC endpoint policy"
TRUST = "role trust policy"

# Interplay table: a resource policy that names the caller in this form is not limited by an
# implicit denial in these kinds (same account). Naming the account only delegates.
UNLIMITED: Mapping[tuple[str, str], frozenset[str]] = {
    ("User", "User"): frozenset({IDENTITY, BOUNDARY, SESSION}),
    ("User", "everyone"): frozenset({IDENTITY, BOUNDARY, SESSION}),
    ("AssumedRole", "role"): frozenset({IDENTITY}),
    ("AssumedRole", "session"): frozenset({IDENTITY, BOUNDARY, SESSION}),
    ("AssumedRole", "everyone"): frozenset({IDENTITY, BOUNDARY, SESSION}),
    ("FederatedUser", "FederatedUser"): frozenset({IDENTITY, BOUNDARY, SESSION}),
    ("FederatedUser", "federating user"): frozenset({IDENTITY}),
    ("FederatedUser", "everyone"): frozenset({IDENTITY, BOUNDARY, SESSION}),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    decision: str
    kind: str | None = None
    statements: tuple[str, ...] = ()


def decide(scenario: Mapping[str, Any]) -> dict[str, Any]:
    request = read(scenario)
    refusal = request.refusal()
    if refusal is not None:
        return {"id": scenario.get("id"), "error": refusal}
    verdict = evaluate(request)
    return {
        "id": scenario.get("id"),
        "decision": verdict.decision,
        "kind": verdict.kind,
        "statements": list(verdict.statements),
    }


def evaluate(request: Request) -> Verdict:
    # No policy speaks about these, but for that of the endpoint through which they come.
    if request.action in ("sts:getcalleridentity", "sts:getsessiontoken"):
        if request.endpoint is None:
            return Verdict("Allowed")
        if found := sids(naming([request.endpoint], "Deny", request, "endpoint")):
            return Verdict("ExplicitlyDenied", ENDPOINT, found)
        if naming([request.endpoint], "Allow", request, "endpoint"):
            return Verdict("Allowed")
        return Verdict("ImplicitlyDenied", ENDPOINT)
    verdict = before_scopes(request)
    if verdict.decision == "Allowed":
        for scope in request.scopes:  # (9)
            if not allowing([scope], request):
                return implicit(SCOPE_DOWN)
    return verdict


def before_scopes(request: Request) -> Verdict:
    """Steps (1) to (8), and the Denies of (9)."""
    # (1) An explicit Deny anywhere.
    denied = explicit_deny(request)
    if denied is not None:
        return denied
    # What nobody may change, whatever is allowed.
    if services.protected(request):
        return Verdict("ImplicitlyDenied")
    # (2) RCPs: RCPFullAWSAccess is attached everywhere, so without a Deny they allow.
    # (3) SCPs: every level allows.
    for level in scps(request):
        if not allowing(level, request):
            return Verdict("ImplicitlyDenied", SCP)
    # (4) The endpoint's policy allows.
    if request.endpoint is not None and not naming(
        [request.endpoint], "Allow", request, "endpoint"
    ):
        return Verdict("ImplicitlyDenied", ENDPOINT)
    # (5) The resource's own policy.
    own = naming(resource_policies(request), "Allow", request, request.resource_kind)
    granted = grants.forms(request)
    named = {form for forms, _ in own for form in forms} | granted
    if request.caller.type in ("Service", "Anonymous"):
        return (
            Verdict("Allowed", own_kind(request), sids(own))
            if named
            else implicit(own_kind(request))
        )
    if request.cross_account:
        return across_accounts(request, named, granted)
    if request.caller.type == "Account":
        # Root is allowed by default, except where the resource's own policy must allow, or where a
        # policy of its session does not.
        needed = request.resource_kind != "resource"
        if needed and not named:
            return implicit(own_kind(request))
        if (blocked := root_session(request)) is not None:
            return blocked
        return Verdict("Allowed", own_kind(request), sids(own)) if named else Verdict("Allowed")
    if request.resource_kind != "resource" and not named:
        # A key or a role: identity policies count only where its own policy delegates.
        return implicit(own_kind(request))
    # Of several forms the one that is limited least counts; the account's only delegates.
    spared = [UNLIMITED.get((request.caller.type, form), frozenset()) for form in named]
    ignored = max(spared, key=len, default=frozenset())
    # (6) (7) (8) The caller's own policies.
    blocked = blocking(request, ignored)
    if blocked is not None:
        return blocked
    if ignored:
        return Verdict("Allowed", own_kind(request), sids(own))
    return Verdict("Allowed", IDENTITY, allowing(request.identity, request))


def across_accounts(request: Request, named: set[str], granted: set[str]) -> Verdict:
    """Both sides must allow; nothing that the resource's policy names is spared the rest.

    A grant to the caller, and not only to its account, stands in for the identity policy.
    """
    if not named or services.not_across_accounts(request):
        return implicit(own_kind(request))
    if request.caller.type == "Account":
        return root_session(request) or Verdict("Allowed", own_kind(request))
    if granted - {"account"}:
        return blocking(request, frozenset({IDENTITY})) or Verdict("Allowed", own_kind(request))
    blocked = blocking(request, frozenset())
    return blocked or Verdict("Allowed", IDENTITY, allowing(request.identity, request))


def root_session(request: Request) -> Verdict | None:
    """(8) for root: nothing spares it from the policies of its session."""
    return blocking(request, frozenset({IDENTITY, BOUNDARY}))


def blocking(request: Request, ignored: frozenset[str]) -> Verdict | None:
    """The first of (6) identity, (7) boundary, (8) session that is not ignored and allows not."""
    # (6) Some identity policy allows.
    if IDENTITY not in ignored and not allowing(request.identity, request):
        return implicit(IDENTITY)
    # (7) A boundary, where there is one, allows.
    if (
        BOUNDARY not in ignored
        and request.boundary is not None
        and not allowing([request.boundary], request)
    ):
        return implicit(BOUNDARY)
    # (8) Each level of session policies, where there are any, allows; a federated user has nothing
    # without.
    if SESSION not in ignored:
        for level in request.session or []:
            if not allowing(level, request):
                return implicit(SESSION)
        if request.session is None and request.caller.type == "FederatedUser":
            return implicit(SESSION)
    return None


def own_kind(request: Request) -> str:
    """What the resource's own policy is called."""
    return TRUST if request.resource_kind == "trust" else RESOURCE


def implicit(kind: str) -> Verdict:
    return Verdict("ImplicitlyDenied", kind)


def explicit_deny(request: Request) -> Verdict | None:
    """(1) The first kind with a Deny, in the order in which reasons are reported."""
    outside = request.caller.type in ("Service", "Anonymous")
    personal = not outside and request.caller.type != "Account"
    identity_kinds = [
        (IDENTITY, request.identity),
        (BOUNDARY, [request.boundary] if request.boundary else []),
        (SESSION, [document for level in request.session or [] for document in level]),
    ]
    if found := denying([each for level in scps(request) for each in level], request):
        return Verdict("ExplicitlyDenied", SCP, found)
    everywhere = [each for level in rcps(request) for each in level]
    if found := sids(naming(everywhere, "Deny", request, "rcp")):
        return Verdict("ExplicitlyDenied", RCP, found)
    endpoint = [request.endpoint] if request.endpoint else []
    if found := sids(naming(endpoint, "Deny", request, "endpoint")):
        return Verdict("ExplicitlyDenied", ENDPOINT, found)
    if found := sids(naming(resource_policies(request), "Deny", request, request.resource_kind)):
        return Verdict("ExplicitlyDenied", own_kind(request), found)
    for kind, found_documents in identity_kinds:
        has_it = personal or (kind == SESSION and not outside)
        if has_it and (found := denying(found_documents, request)):
            return Verdict("ExplicitlyDenied", kind, found)
    if found := denying(request.scopes, request):
        return Verdict("ExplicitlyDenied", SCOPE_DOWN, found)
    return None


def allowing(documents: list[Document], request: Request) -> tuple[str, ...]:
    """The Sids of the statements that allow; empty if none does."""
    return _sids_of(documents, "Allow", request)


def denying(documents: list[Document], request: Request) -> tuple[str, ...]:
    return _sids_of(documents, "Deny", request)


def _sids_of(documents: list[Document], effect: str, request: Request) -> tuple[str, ...]:
    return tuple(
        statement.get("Sid", "")
        for document in documents
        for statement in matching(document, effect, request, "identity")
    )


def naming(
    documents: list[Document], effect: str, request: Request, kind: str
) -> list[tuple[set[str], dict[str, Any]]]:
    """The matching statements that name the caller, each with the forms in which it does."""
    found = [
        (named_forms(statement, request), statement)
        for document in documents
        for statement in matching(document, effect, request, kind)
    ]
    return [(forms, statement) for forms, statement in found if forms]


def sids(found: list[tuple[set[str], dict[str, Any]]]) -> tuple[str, ...]:
    return tuple(statement.get("Sid", "") for _, statement in found)


def resource_policies(request: Request) -> list[Document]:
    return [] if request.resource_policy is None else [request.resource_policy]


def scps(request: Request) -> list[list[Document]]:
    """SCPs hold for everyone in the account, root too, but for no service-linked role."""
    if request.caller.account is None or request.caller.service_linked:
        return []
    return request.scps or []


def rcps(request: Request) -> list[list[Document]]:
    """RCPs hold for every caller, but for no service-linked role and not for RetireGrant.

    They reach only some services, and do not keep anybody from assuming a service-linked role.
    """
    if request.caller.service_linked or request.action == "kms:retiregrant":
        return []
    service = request.action.split(":")[0]
    if service not in services.RCP_SERVICES:
        return []
    if service == "sts" and ":role/aws-service-role/" in request.resource:
        return []
    return request.rcps or []
