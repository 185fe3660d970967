"""What does a grant allow?  It is an Allow statement, so that there is one evaluator.

A grant gives one to three statements, because its constraints are not about all of its operations
(kms.md 10.6):

    use     the operations of the key. A constraint on the encryption context is about those that
            take one.
    view    the other operations of such a grant: DescribeKey
    grant   CreateGrant. It allows only grants that are equal or narrower (threat-model GR-2).

RetireGrant is about the grant, not about the key: see `retiring`.

Every statement is a document of the policy language, of Version 2008-10-17. There `${…}` is literal
text. The names of pairs are compared without regard to case, as in `kms:EncryptionContext:` and as
AWS's API reference has it; values are compared exactly.
"""

from collections.abc import Mapping
from enum import StrEnum
from sys import getsizeof
from typing import Any

import msgspec

from keystead.kms.grants.records import NO_PAIR, GrantRecord, Pair, digest
from keystead.policy.evaluation import PolicySource
from keystead.policy.language import VERSION_2008, DocumentKind, own_policy, root_arn
from keystead.policy.text import ascii_lower

EQUALS, SUBSET = "EncryptionContextEquals", "EncryptionContextSubset"
CREATE, RETIRE = "CreateGrant", "RetireGrant"

WITH_CONTEXT = frozenset(
    {
        "Decrypt",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "GenerateDataKeyWithoutPlaintext",
        "ReEncryptFrom",
        "ReEncryptTo",
    }
)
"""The operations that take an encryption context."""

_NAMES = "kms:EncryptionContextKeys"
_SOURCE = "aws:SourceArn"

_STATEMENT, _CONDITION = 3500, 2500  # bytes of a compiled statement, and of each condition in it

Conditions = dict[str, dict[str, Any]]


class Part(StrEnum):
    """The statements of a grant."""

    USE = "use"
    VIEW = "view"
    GRANT = "grant"


def parts(grant: GrantRecord) -> tuple[Part, ...]:
    """The statements that this grant has."""
    return tuple(part for part in Part if actions_of(grant, part))


def pairs_of(grant: GrantRecord, part: Part) -> tuple[Pair, ...]:
    """The pairs that a request must have for this statement; it is found by one of them."""
    pairs = [] if part is Part.VIEW else sorted(grant.pairs.items())
    named = [(f"kms:encryptioncontext:{ascii_lower(name)}", value) for name, value in pairs]
    if grant.source_arn:
        named.append((ascii_lower(_SOURCE), grant.source_arn))
    return tuple(named) or (NO_PAIR,)


def permission(grant: GrantRecord, part: Part) -> str:
    """The same for two statements exactly if they allow the same to the same grantee.

    `Part.VIEW` does not depend on the pairs of a constraint. So a grantee with a grant for each of
    many pairs has one such statement.
    """
    if part is not Part.VIEW:
        return grant.permission
    return digest(part, grant.grantee_id, grant.operations, grant.source_arn)


def as_statement(grant: GrantRecord, part: Part, key_arn: str) -> PolicySource:
    """A statement of the grant, as a policy on its key."""
    statement = {
        **_allow(_principal(grant.grantee, grant.grantee_meant), actions_of(grant, part)),
        **({"Condition": conditions} if (conditions := _conditions(grant, part)) else {}),
    }
    return _source(statement, {grant.grantee: grant.grantee_meant}, grant.grant_id, key_arn)


def retiring(grant: GrantRecord, key_arn: str, partition: str) -> tuple[PolicySource, ...]:
    """Who may retire the grant: its own statements about that (kms.md 10.6).

    Its retiring principal; its grantee if it lists RetireGrant; and the account of the key, and
    the account that made the grant, which may leave it to their own principals.
    """
    may = []
    if grant.retirer:
        may.append((grant.retirer, grant.retirer_meant))
    if RETIRE in grant.allowed:
        may.append((grant.grantee, grant.grantee_meant))
    accounts = dict.fromkeys((grant.account, grant.issuer))
    may += [(root_arn(account, partition), account) for account in accounts]
    return tuple(
        _source(_allow(_principal(name, meant), (RETIRE,)), {name: meant}, grant.grant_id, key_arn)
        for name, meant in may
    )


def actions_of(grant: GrantRecord, part: Part) -> tuple[str, ...]:
    """The operations of a statement."""
    allowed = grant.allowed
    if part is Part.GRANT:
        return (CREATE,) if CREATE in allowed else ()
    others = tuple(name for name in allowed if name not in (CREATE, RETIRE))
    if not grant.context_type:
        return others if part is Part.USE else ()
    return tuple(name for name in others if (name in WITH_CONTEXT) is (part is Part.USE))


def _conditions(grant: GrantRecord, part: Part) -> Conditions:
    """What a request must have."""
    conditions: Conditions = {}
    if grant.source_arn:
        conditions["StringEquals"] = {_SOURCE: grant.source_arn}
    if part is not Part.VIEW and grant.context_type:
        _constrain_context(conditions, grant)
    if part is Part.GRANT:
        _constrain_grants(conditions, grant)
    return conditions


def _constrain_context(conditions: Conditions, grant: GrantRecord) -> None:
    """The pairs of the constraint, and with Equals no others."""
    pairs = grant.pairs
    equal = conditions.setdefault("StringEquals", {})
    equal.update({f"kms:EncryptionContext:{name}": value for name, value in pairs.items()})
    if grant.context_type == EQUALS:
        conditions["ForAllValues:StringEqualsIgnoreCase"] = {_NAMES: list(pairs)}


def _constrain_grants(conditions: Conditions, grant: GrantRecord) -> None:
    """A grant that is made through this one allows no more than it (GR-2).

    The encryption context of a CreateGrant request is that of the constraint in it.
    """
    conditions["ForAllValues:StringEquals"] = {"kms:GrantOperations": list(grant.allowed)}
    conditions["Null"] = {"kms:GrantOperations": "false"}
    equal = conditions.setdefault("StringEquals", {})
    if grant.context_type == EQUALS:
        equal["kms:GrantConstraintType"] = EQUALS
    if grant.source_arn:
        equal["kms:GrantConstraintSourceArn"] = grant.source_arn
    if not equal:
        del conditions["StringEquals"]


def _principal(name: str, meant: str) -> Mapping[str, str]:
    return {"AWS" if meant else "Service": name}


def _allow(principal: Mapping[str, str], operations: tuple[str, ...]) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": principal,
        "Action": [f"kms:{name}" for name in operations],
        "Resource": "*",
    }


def _source(
    statement: Mapping[str, Any], meant: Mapping[str, str], grant_id: str, key_arn: str
) -> PolicySource:
    text = msgspec.json.encode({"Version": VERSION_2008, "Statement": [statement]}).decode()
    known = {name: unique_id for name, unique_id in meant.items() if unique_id}
    conditions = sum(map(len, statement.get("Condition", {}).values()))
    weight = _STATEMENT + _CONDITION * conditions + 4 * getsizeof(text)
    return PolicySource(own_policy(text, DocumentKind.RESOURCE, known, weight), grant_id, key_arn)
