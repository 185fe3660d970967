"""What does this document mean?  The text of a policy of any kind is checked and compiled.

`compile_policy(text, kind, principals)` serves a document that is being written. It refuses with
MalformedPolicy every text that it does not understand.

`stored_policy(text, kind, principals)` serves a document that is read again. If its text is refused
now, the policy denies everything (threat-model PE-2).

The `id` of a Policy is a hash of everything that its meaning depends on. Equal ids mean equal
policies. The caller resolves the principals: `named_principals` lists them.

Nothing is kept here, so a document that is only examined leaves nothing behind. The callers that
read stored documents keep them, within the cache room of the account that has them (`caches`).
"""

import hashlib
import re
from collections.abc import Mapping

import msgspec

from keystead.caches import weigh
from keystead.pauses import pausing
from keystead.policy.language import grammar
from keystead.policy.language import refused_documents as say
from keystead.policy.language.kinds import RULES, DocumentKind
from keystead.policy.language.principals import (
    AllBut,
    InvalidPrincipal,
    Others,
    PrincipalElement,
    Principals,
    account_named,
    compile_principals,
    root_arn,
)
from keystead.policy.language.refused_documents import MalformedPolicy
from keystead.policy.language.statements import Elements, Statement, compile_statement
from keystead.policy.language.validation import Terms, validate
from keystead.policy.language.variables import Dialect, dialect_of

__all__ = [
    "GREATEST_SIZES",
    "DocumentKind",
    "MalformedPolicy",
    "Policy",
    "compile_policy",
    "document_size",
    "is_too_long",
    "named_principals",
    "own_policy",
    "stored_policy",
    "weighed",
]

# Greatest sizes (iam.md 2.5, kms.md 10.3). Managed policies, sessions and trust policies have a
# limit for each document. Inline policies have a limit for the sum of one entity's documents.
MANAGED_POLICY_SIZE, SESSION_POLICY_SIZE, TRUST_POLICY_SIZE = 6144, 2048, 2048
USER_POLICIES_SIZE, GROUP_POLICIES_SIZE, ROLE_POLICIES_SIZE = 2048, 5120, 10240
KEY_POLICY_BYTES = 32768

GREATEST_SIZES: Mapping[DocumentKind, int] = {
    DocumentKind.IDENTITY: ROLE_POLICIES_SIZE,
    DocumentKind.BOUNDARY: MANAGED_POLICY_SIZE,
    DocumentKind.SESSION: SESSION_POLICY_SIZE,
    DocumentKind.KEY: KEY_POLICY_BYTES,
    DocumentKind.TRUST: 8192,  # with the highest quota
    DocumentKind.SCP: 5120,
    DocumentKind.RCP: 5120,
}
"""The greatest size of any document of a kind, as `document_size` counts it."""

_OUTER_SPACE = re.compile(r'"(?:[^"\\]|\\.)*+"|([ \t\r\n]+)')
_AS_STORED = Terms(any_key=True, stored=True)


class Policy(msgspec.Struct, frozen=True):
    """A document, compiled."""

    id: str
    kind: DocumentKind
    version: str
    statements: tuple[Statement, ...]
    text: str
    broken: str = ""  # why a stored text could not be read; the policy then denies everything
    meant: tuple[tuple[str, str], ...] | None = None  # AWS principal -> unique id, as resolved
    weight: int = 0  # bytes in memory; only of a policy that a cache may keep (`weighed`)


def compile_policy(
    text: str,
    kind: DocumentKind,
    principals: Mapping[str, str] | None = None,
    *,
    accept_unsupported_condition_keys: bool = False,
    partition: str = "",
) -> Policy:
    """The meaning of a document; raises MalformedPolicy with AWS's sentence.

    `principals` gives the unique id of every AWS principal that a resource policy names
    (`named_principals`). With None, each name stands for itself. `partition` is the partition of
    the document's ARNs; "" accepts every known partition.
    """
    return _policy(
        text, kind, principals, Terms(accept_unsupported_condition_keys, partition=partition)
    )


def _policy(
    text: str, kind: DocumentKind, principals: Mapping[str, str] | None, terms: Terms
) -> Policy:
    resolved = None if principals is None else tuple(sorted(principals.items()))
    try:
        return _compile(text, kind, resolved, terms)
    except MalformedPolicy as refused:
        if RULES[kind].organizations:
            raise MalformedPolicy(say.ORGANIZATIONS, refused.detail) from None
        raise


def stored_policy(
    text: str, kind: DocumentKind, principals: Mapping[str, str] | None = None
) -> Policy:
    """The meaning of a document that was accepted when it was written; never raises.

    Condition keys are not checked again, since the installation may have accepted any key. No rule
    is applied that may be younger than the document. The caller raises an alarm when the policy is
    `broken`.
    """
    try:
        policy = _policy(text, kind, principals, _AS_STORED)
    except MalformedPolicy as refused:
        policy = _denies_everything(text, kind, refused.detail)
    return weighed(policy)


def own_policy(text: str, kind: DocumentKind, principals: Mapping[str, str], weight: int) -> Policy:
    """The meaning of a document of ours, such as a grant's: not validated, as we wrote it.

    It is the same as `stored_policy` gives. `weight` is an estimate of its bytes in memory.
    """
    policy = _compile(text, kind, tuple(sorted(principals.items())), None)
    return msgspec.structs.replace(policy, weight=weight)


def weighed(policy: Policy) -> Policy:
    """The policy with its weight, as a cache may keep it."""
    return msgspec.structs.replace(policy, weight=weigh(policy))


def named_principals(
    text: str, kind: DocumentKind = DocumentKind.KEY, partition: str = "aws"
) -> list[str]:
    """The AWS principals that a resource policy names, as `compile_policy` wants them resolved.

    An account is listed as its root ARN in this partition, however it is written. `*` is left out,
    because it names nobody in particular. Raises MalformedPolicy for a text that is no policy.
    """
    policy = _read(text, kind)
    names = {
        root_arn(name, partition) if name == account_named(name) else name: None
        for statement in policy.statements
        for name in (statement.principals or {}).get("AWS", ())
        if name != grammar.EVERYBODY
    }
    return list(names)


def document_size(text: str, kind: DocumentKind) -> int:
    """The size that counts against a quota: bytes for a key policy, characters for every other.

    IAM does not count white space outside of strings; Organizations does (iam.md 1.12).
    """
    if kind is DocumentKind.KEY:
        return len(text.encode())
    if RULES[kind].organizations:
        return len(text)
    return len(text) - sum(map(len, _OUTER_SPACE.findall(text)))


def is_too_long(text: str, kind: DocumentKind) -> bool:
    """Does the document exceed the greatest size of its kind?"""
    most = GREATEST_SIZES.get(kind)
    # `2 * len(text)` is a quick first test: most documents are far below the limit, and IAM's text
    # has no character of more than two bytes.
    return most is not None and 2 * len(text) > most and document_size(text, kind) > most


def _compile(
    text: str,
    kind: DocumentKind,
    resolved: tuple[tuple[str, str], ...] | None,
    terms: Terms | None,
) -> Policy:
    """The compiled document. Without terms it is not validated."""
    written = _read(text, kind)
    dialect = dialect_of(kind, variables=written.version == grammar.VERSION_2012)
    elements = Elements(dialect)
    if terms is not None:
        validate(written, kind, elements, terms)
    partition = "" if terms is None else terms.partition
    names = None if resolved is None else dict(resolved)
    return Policy(
        id=_identity(text, kind, resolved),
        kind=kind,
        version=written.version,
        statements=tuple(
            compile_statement(
                statement,
                _principals(statement, kind, names, partition),
                elements,
                void=_void(statement, kind),
            )
            for statement in pausing(written.statements)
        ),
        text=text,
        meant=resolved,
    )


def _read(text: str, kind: DocumentKind) -> grammar.WrittenPolicy:
    try:
        return grammar.read(text, iam_characters=RULES[kind].iam_text)
    except grammar.NotAPolicy as error:
        invalid_json = kind is DocumentKind.TRUST and not error.json
        raise MalformedPolicy(say.TRUST_JSON if invalid_json else say.SYNTAX, str(error)) from None


def _principals(
    statement: grammar.WrittenStatement,
    kind: DocumentKind,
    names: Mapping[str, str] | None,
    partition: str,
) -> PrincipalElement | None:
    if statement.principals is None:
        return None
    try:
        named = compile_principals(
            statement.principals, names, RULES[kind].principal_types, partition
        )
    except InvalidPrincipal as invalid:
        detail = f'Invalid principal in policy: "{invalid.kind.upper()}":"{invalid.name}"'
        message = say.KEY_PRINCIPALS if kind is DocumentKind.KEY else detail
        raise MalformedPolicy(message, detail) from None
    if statement.not_principal:
        return AllBut(named) if statement.effect == "Allow" else Others(named)
    if kind is DocumentKind.TRUST and statement.effect == "Allow":
        return msgspec.structs.replace(named, bearers=False)
    return named


def _void(statement: grammar.WrittenStatement, kind: DocumentKind) -> str:
    """Why a stored statement matches nothing: it lacks an element that is demanded now, or ""."""
    rules = RULES[kind]
    if statement.action is None or not statement.action.values:
        return "it has no Action"
    if rules.resource and (statement.resource is None or not statement.resource.values):
        return "it has no Resource"
    if rules.principal and statement.principals is None:
        return "it has no Principal"
    return ""


def _identity(text: str, kind: DocumentKind, resolved: tuple[tuple[str, str], ...] | None) -> str:
    """A hash of everything that the meaning depends on, in an unambiguous encoding."""
    return hashlib.sha256(msgspec.json.encode((kind.value, text, resolved))).hexdigest()


def _denies_everything(text: str, kind: DocumentKind, why: str) -> Policy:
    principal = '"Principal":"*",' if RULES[kind].principal else ""
    statement = (
        f'{{"Sid":"StoredPolicyIsInvalid","Effect":"Deny",{principal}"Action":"*","Resource":"*"}}'
    )
    readable = f'{{"Version":"2012-10-17","Statement":[{statement}]}}'
    written = grammar.read(readable, iam_characters=True)
    everybody = None
    if principal:
        everybody = Principals(frozenset(), everybody=True)
    compiled = compile_statement(written.statements[0], everybody, Elements(Dialect()))
    return Policy(
        id=_identity(readable, kind, None),
        kind=kind,
        version=written.version,
        statements=(compiled,),
        text=text,
        broken=why,
    )
