"""Which principals outside of this installation does a resource's policy let in?

    *                          everybody
    a service                  no service asks here
    a user or role             of an account that is not here, or one that was deleted: a policy
                               means the user that had the name when it was stored (threat-model
                               ST-8)
    an account                 that is not here; its own policies are not known
    a provider                 whose people bear its proofs

We assume that a stranger's own account allows everything. Only policies of this installation can
refuse it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from keystead.call import Resource
from keystead.identity.authentication import Caller
from keystead.identity.principals import StoredPrincipals
from keystead.inquiry.view import InstallationView
from keystead.policy.evaluation import (
    PolicySource,
    Principal,
    PrincipalPolicies,
    PrincipalType,
    is_by_proof,
)
from keystead.policy.language import (
    EVERYBODY,
    DocumentKind,
    Policy,
    account_named,
    compile_policy,
    root_arn,
)
from keystead.policy.reasons import BadScenario, principal_named
from keystead.policy.text import ascii_lower

_EVERYTHING = compile_policy(
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
    DocumentKind.IDENTITY,
)
_OWN = PrincipalPolicies(identity_based=(PolicySource(_EVERYTHING, "assumed"),))
_EVERYBODY = Principal(PrincipalType.ANONYMOUS, "anonymous", "", "anonymous")


class Stranger(msgspec.Struct, frozen=True):
    """A name in a policy, and the caller that it would be."""

    name: str  # as the policy writes it; the unique id of a principal that is gone
    caller: Caller
    former: str = ""  # the name of a principal that is gone; a namesake may have it now

    @property
    def gone(self) -> bool:
        """Was the principal that the policy means deleted?"""
        return self.former != ""


def named(installation: InstallationView, resource: Resource, action: str) -> Iterator[Stranger]:
    """The strangers that the Allows about this action name, each once."""
    principals = StoredPrincipals(installation.identities, installation.store.read())
    seen: set[str] = set()
    for source in resource.resource_policies:
        meant = dict(source.policy.meant or ())
        for kind, name in _names(source.policy, action):
            if name not in seen:
                seen.add(name)
                stranger = _stranger(kind, name, meant, principals, action)
                if stranger is not None and _may_ask(stranger.caller.principal, action):
                    yield stranger


def _may_ask(who: Principal, action: str) -> bool:
    """What is asked with a proof, only who bears one asks."""
    return who.type is PrincipalType.FEDERATED or not is_by_proof(ascii_lower(action))


def _names(policy: Policy, action: str) -> Iterator[tuple[str, str]]:
    """The principals in the Allows about this action: their types, and the names as written."""
    for statement in policy.statements:
        if not (statement.allow and statement.actions.matches(ascii_lower(action))):
            continue
        written = statement.source.get("Principal", {})
        if written == EVERYBODY:
            yield "AWS", EVERYBODY
            continue
        for kind, names in written.items():
            for name in _listed(names):
                yield kind, name


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _stranger(
    kind: str,
    name: str,
    meant: Mapping[str, str],
    principals: StoredPrincipals,
    action: str,
) -> Stranger | None:
    """The stranger with this name; None for a principal of the installation."""
    if name == EVERYBODY:
        return Stranger(name, Caller(_EVERYBODY, PrincipalPolicies(), {}))
    if kind != "AWS":
        return _caller(name, "", action)
    account = account_named(name)
    written = root_arn(account) if account else name
    unique_id = meant.get(written, "")
    if principals.arn(unique_id) is not None:
        # A session or a federated user, of a principal that is known here.
        outside = ":sts:" in written
        return _caller(written, unique_id, action) if outside else None
    return _caller(written, unique_id, action, gone=unique_id != "")


def _caller(arn: str, unique_id: str, action: str, *, gone: bool = False) -> Stranger:
    try:
        who = principal_named(arn, "", action)
    except BadScenario:  # only an id, of a principal that is gone: it has no ARN
        who = Principal(PrincipalType.USER, arn, "", arn)
    if unique_id and who.type is not PrincipalType.ACCOUNT:
        who = replace(who, unique_id=unique_id, issuer_id=unique_id)
    own = PrincipalPolicies() if who.type is PrincipalType.SERVICE else _OWN
    caller = Caller(who, own, {})
    return Stranger(unique_id, caller, former=arn) if gone else Stranger(arn, caller)
