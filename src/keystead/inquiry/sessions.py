"""Which session does a question suppose?  One with policies of its own (iam.md 1.10, 5.8).

Session policies are those that `AssumeRole` is passed: together they allow. Scope-down policies are
those that `GetScopedCredentials` is passed, one for each call: each of them must allow.
"""

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from keystead.arns import spoken
from keystead.failures import Failure
from keystead.identity.authentication import Caller
from keystead.policy.evaluation import PolicySource, PrincipalType
from keystead.policy.language import (
    GREATEST_SIZES,
    OUTSIDERS,
    DocumentKind,
    MalformedPolicy,
    compile_policy,
    is_too_long,
)

MOST = 10  # policies of each sort

_WRONG = 2


def supposed(caller: Caller, session: Sequence[str], scope_down: Sequence[str]) -> Caller:
    """The caller with these policies of its session; raises Failure.

    A session of a role may have both. A user and root have sessions with scope-down policies only.
    """
    if session:
        if caller.principal.type is not PrincipalType.ASSUMED_ROLE:
            raise Failure(
                f"`{caller.principal.arn}` has no sessions with session policies",
                "name a role or its session, or pass scope-down policies",
                status=_WRONG,
            )
        passed = (_sources("session policy", session),)
        policies = msgspec.structs.replace(caller.policies, session=passed)
        caller = replace(caller, policies=policies)
    return narrowed(caller, scopes(scope_down))


def scopes(documents: Sequence[str]) -> tuple[PolicySource, ...]:
    """The scope-down policies of a question; raises Failure."""
    return _sources("scope-down policy", documents)


def narrowed(caller: Caller, by: Sequence[PolicySource]) -> Caller:
    """A session of the caller, narrowed by each of these; services have no sessions."""
    if not by or caller.principal.type in OUTSIDERS:
        return caller
    levels = tuple((each,) for each in by)
    policies = msgspec.structs.replace(caller.policies, scope_down=levels)
    return replace(caller, policies=policies)


def _sources(what: str, documents: Sequence[str]) -> tuple[PolicySource, ...]:
    if len(documents) > MOST:
        raise Failure(f"there are more than {MOST} policies", "pass fewer", status=_WRONG)
    return tuple(
        _source(f"{what} {number}", document) for number, document in enumerate(documents, 1)
    )


def _source(name: str, document: str) -> PolicySource:
    kind, hint = DocumentKind.SESSION, "it is written as for AssumeRole"
    if is_too_long(document, kind):
        text = f"the {name} is longer than {GREATEST_SIZES[kind]}"
        raise Failure(text, hint, status=_WRONG)
    try:
        policy = compile_policy(
            document, kind, accept_unsupported_condition_keys=True, partition=spoken().name
        )
    except MalformedPolicy as refused:
        raise Failure(f"the {name}: {refused.message}", hint, status=_WRONG) from None
    return PolicySource(policy, name)
