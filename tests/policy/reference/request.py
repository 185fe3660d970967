"""A scenario, read: who asks, for what, under which policies.

The scenario is the JSON object of `keystead decide`. What follows from its caller and its
resource alone is derived here, once; a key that the scenario gives itself is kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.policy.reference import documents, patterns, principals

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    caller: principals.Caller
    action: str  # in lower case
    resource: str
    resource_account: str | None
    context: Mapping[str, str | list[str]]  # names in lower case
    identity: list[Document]
    resource_policy: Document | None
    scps: list[list[Document]] | None
    rcps: list[list[Document]] | None
    boundary: Document | None
    session: list[list[Document]] | None  # every level must allow
    endpoint: Document | None
    scopes: list[Document]  # each of them must allow
    grants: list[Document]  # on the key, as CreateGrant was asked for them

    @property
    def resource_kind(self) -> str:
        """`key` and `trust` need an allow of their own policy; `resource` does not."""
        service, path = _service_and_path(self.resource)
        if service == "kms" and path.startswith("key/"):
            return "key"
        if service == "iam" and path.startswith("role/") and self.action.startswith("sts:"):
            return "trust"
        return "resource"

    @property
    def cross_account(self) -> bool:
        owner = self.resource_account
        return (
            self.caller.account is not None and owner is not None and owner != self.caller.account
        )

    def refusal(self) -> str | None:
        """Why one of the documents could not be stored."""
        kinds: list[tuple[str, list[Document]]] = [
            ("identity", self.identity),
            (self.resource_kind, [self.resource_policy] if self.resource_policy else []),
            ("scp", [document for level in self.scps or [] for document in level]),
            ("rcp", [document for level in self.rcps or [] for document in level]),
            ("boundary", [self.boundary] if self.boundary else []),
            ("session", [document for level in self.session or [] for document in level]),
            ("session", self.scopes),
            ("endpoint", [self.endpoint] if self.endpoint else []),
        ]
        for kind, found in kinds:
            for document in found:
                reason = documents.refusal(document, kind)
                if reason is not None:
                    return f"{kind}: {reason}"
        return None


def read(scenario: Mapping[str, Any]) -> Request:
    caller = principals.parse(scenario["principal"], scenario.get("principalRole"))
    resource = scenario["resource"]
    owner = scenario.get("resourceAccount") or _account_of(resource)
    keys: dict[str, Any] = dict(principals.derived_keys(caller))
    if owner is not None:
        keys["aws:ResourceAccount"] = owner
    context = {patterns.ascii_lower(key): value for key, value in keys.items()}
    given = scenario.get("context") or {}
    context |= {patterns.ascii_lower(key): value for key, value in given.items()}
    return Request(
        caller=caller,
        action=patterns.ascii_lower(scenario["action"]),
        resource=resource,
        resource_account=owner,
        context=context,
        identity=scenario.get("identityPolicies") or [],
        resource_policy=scenario.get("resourcePolicy"),
        scps=scenario.get("scps"),
        rcps=scenario.get("rcps"),
        boundary=scenario.get("boundary"),
        session=_levels(scenario.get("sessionPolicy")),
        endpoint=scenario.get("vpcEndpointPolicy"),
        scopes=scenario.get("scopeDownPolicies") or [],
        grants=scenario.get("grants") or [],
    )


def _levels(given: Any) -> list[list[Document]] | None:
    """One document, a list of them, or a list for each level."""
    if given is None or (isinstance(given, list) and given and isinstance(given[0], list)):
        return given
    return [given] if isinstance(given, list) else [[given]]


def _service_and_path(resource: str) -> tuple[str, str]:
    parts = resource.split(":", 5)
    return (parts[2], parts[5]) if len(parts) == 6 else ("", "")


def _account_of(resource: str) -> str | None:
    parts = resource.split(":", 5)
    known = len(parts) == 6 and principals.ACCOUNT_ID.fullmatch(parts[4])
    return parts[4] if known else None
