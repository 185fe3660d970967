"""May a document of this kind say this?  AWS's order of checks, and ours after them.

    (1) grammar, and principals where none belong
    (2) version
    (3) the legacy parser: effect, operands, variables, ARNs that name no service or account
    (4) Sids
    (5) are there actions, and resources?
    (6) resources, then actions
    (7) the other rules of the kind
    (8) condition keys that never have a value here (threat-model PE-2)

The rules stand in iam.md 4.2 to 4.6 and 4.9, and kms.md 10.3. `grammar` checks the grammar before
(1), and `principals` checks principals after (7).

A stored document is held to the rules of the time when it was stored (`Terms.stored`). A statement
that a later rule would refuse then matches nothing, as before.
"""

import re
from collections.abc import Callable, Iterator

import msgspec

from keystead.arns import PARTITIONS
from keystead.pauses import pausing
from keystead.policy.language import refused_documents as say
from keystead.policy.language.comparisons import BadOperand
from keystead.policy.language.condition_keys import family, is_supplied, refusal
from keystead.policy.language.grammar import (
    EVERYBODY,
    VERSION_2012,
    WrittenPolicy,
    WrittenStatement,
)
from keystead.policy.language.kinds import RULES, DocumentKind, Rules
from keystead.policy.language.operators import FOR_ALL
from keystead.policy.language.refused_documents import MalformedPolicy
from keystead.policy.language.statements import Elements, colons, misplaced_variable
from keystead.policy.language.variables import (
    MalformedVariable,
    PatternTooLong,
    Texts,
    Variable,
)
from keystead.policy.text import Wild, ascii_lower, glob, segments

SID = re.compile(r"[A-Za-z0-9]*")
_ACCOUNT = re.compile(r"(?:[0-9]{12}|aws|)|.*[*?].*", re.DOTALL)
ROOT_USER = "root"  # the resource of AssumeRoot, which the sentence about IAM's paths leaves out
VENDOR = re.compile(r"[A-Za-z0-9.-]*")
TRUST_ACTION = re.compile(r"sts:(?:assumerole[a-z*?]*|tagsession|setsourceidentity|setcontext)")
_PARTS_OF_S3 = ("accesspoint", "job/", "storage-lens", "access-grants", "async-request")
TOLD_APART_ONE_BY_ONE = frozenset({"kms:encryptioncontext:", "aws:requesttag/"})


class Terms(msgspec.Struct, frozen=True, gc=False):
    """On which terms is a document accepted?"""

    any_key: bool = False  # condition keys that never have a value here are accepted
    stored: bool = False  # the document was accepted once, perhaps before a rule was made
    partition: str = ""  # of its ARNs; "" accepts every known partition


def validate(policy: WrittenPolicy, kind: DocumentKind, elements: Elements, terms: Terms) -> None:
    """Raises MalformedPolicy if a document of this kind must not say this.

    `elements` keeps the elements that are compiled on the way.
    """
    rules, statements = RULES[kind], policy.statements
    _syntax(statements, rules)  # 1
    if rules.version_2012 and policy.version != VERSION_2012:  # 2
        raise MalformedPolicy(say.OLD_VERSION)
    for statement in pausing(statements, after=8):  # 3
        _legacy(statement, rules, elements)
    if rules.iam_sids:  # 4
        _sids(statements)
    for statement in statements:  # 5
        _complete(statement, kind, terms)
    for statement in pausing(statements, after=8):  # 6
        _resources(statement, kind, elements.texts, terms)
    for statement in statements:
        _actions(statement)
    own = _OWN_RULES.get(kind)
    for statement in statements:  # 7
        if own is not None:
            own(statement)
    if not terms.any_key:  # 8
        _require_supplied(statements, elements.texts)


def _syntax(statements: tuple[WrittenStatement, ...], rules: Rules) -> None:
    for statement in statements:
        if not rules.principal and statement.principals is not None:
            raise MalformedPolicy(say.NO_PRINCIPAL_HERE)


def _legacy(statement: WrittenStatement, rules: Rules, elements: Elements) -> None:
    """Has every value a meaning?  Only compiling the elements can tell."""
    if statement.effect not in ("Allow", "Deny"):
        raise MalformedPolicy(
            say.LEGACY, f"`Effect` is `{statement.effect}`, and has to be Allow or Deny"
        )
    allow = statement.effect == "Allow"
    try:
        for condition in statement.conditions:
            elements.condition(condition, allow=allow)
        if statement.resource is not None:
            elements.resources(statement.resource, allow=allow)
    except BadOperand as error:
        raise MalformedPolicy(
            say.LEGACY, f"a condition operator cannot compare with the value `{error}`"
        ) from None
    except MalformedVariable as error:
        raise MalformedPolicy(
            say.LEGACY, f"`{error}` has a malformed variable, and a variable is `${{KEY}}`"
        ) from None
    except PatternTooLong:
        raise MalformedPolicy(say.LEGACY, "a pattern has too many wildcards or variables") from None
    if rules.arns and statement.resource is not None:
        for resource in pausing(statement.resource.values):
            _legacy_arn(resource, elements.texts)


def _legacy_arn(resource: str, texts: Texts) -> None:
    """An ARN names a service. If it ends with an account, that account is valid (iam.md 4.6)."""
    if not_an_arn(resource):
        return  # it is `*`, or (6) refuses it with a better sentence
    parts = resource.split(":", 5)
    if parts[2] == "":
        raise MalformedPolicy(say.LEGACY, f"the ARN `{resource}` names no service")
    if colons(texts.template(resource, wild=False)) >= 5:
        return
    if not texts.dialect.short_arns:
        raise MalformedPolicy(say.LEGACY, f"the ARN `{resource}` has fewer than six parts")
    if len(parts) == 5 and not _ACCOUNT.fullmatch(parts[4]):
        raise MalformedPolicy(say.LEGACY, f"`{parts[4]}` in `{resource}` is not an account id")


def _sids(statements: tuple[WrittenStatement, ...]) -> None:
    sids = [statement.sid for statement in statements if statement.sid]
    for sid in sids:
        if not SID.fullmatch(sid):
            raise MalformedPolicy(
                say.SID, f"the Sid `{sid}` has characters other than letters and digits"
            )
    if len(set(sids)) != len(sids):
        raise MalformedPolicy(say.DUPLICATE_SID)


def _complete(statement: WrittenStatement, kind: DocumentKind, terms: Terms) -> None:
    """Every statement has actions. It also has resources, if its kind has any.

    Before August 2025, KMS accepted key policies without them (kms.md 10.3).
    """
    if kind is DocumentKind.KEY and terms.stored:
        return
    if statement.action is None or not statement.action.values:
        raise MalformedPolicy(say.NO_ACTIONS)
    if RULES[kind].resource and (statement.resource is None or not statement.resource.values):
        raise MalformedPolicy(say.NO_RESOURCES)


def _actions(statement: WrittenStatement) -> None:
    """Every action but `*` begins with the name of a service."""
    for action in pausing(statement.action.values) if statement.action is not None else ():
        vendor, colon, name = action.partition(":")
        if action == "*":
            continue
        if not colon:
            raise MalformedPolicy(say.NO_VENDOR)
        if ":" in name:
            raise MalformedPolicy(say.TWO_COLONS)
        if not VENDOR.fullmatch(vendor):
            raise MalformedPolicy(f"Vendor {vendor} is not valid")


def _resources(statement: WrittenStatement, kind: DocumentKind, texts: Texts, terms: Terms) -> None:
    element, rules = statement.resource, RULES[kind]
    if element is None:
        return
    if not rules.resource:
        raise MalformedPolicy(say.NO_RESOURCE_HERE)
    for resource in pausing(element.values):
        if resource == "*":
            continue
        if rules.reachable and not terms.stored:
            _reachable(resource, texts)
        sentence = not_an_arn(resource, terms.partition) if rules.arns else ""
        if not sentence and rules.iam_arns:
            sentence = not_in_iams_form(resource, stored=terms.stored)
        if sentence:
            raise MalformedPolicy(sentence)


def _reachable(resource: str, texts: Texts) -> None:
    """A pattern of a resource policy must be able to match some ARN.

    A pattern of fewer than six parts can match if it ends in `*`, which takes the rest. A Deny that
    can never match would look as if it denied.
    """
    parsed = texts.template(resource, wild=True)
    parts = [part for part in parsed.parts if not isinstance(part, Variable)]
    first, *rest = segments(tuple(parts))
    if not (first == ("arn",) or glob(first)("arn")) or (not rest and first[-1:] != (Wild.ANY,)):
        raise MalformedPolicy(f'Resource {resource} must be in ARN format or "*".')
    if misplaced_variable(parsed):
        raise MalformedPolicy(
            say.LEGACY, f"`{resource}` has a variable in one of its first five parts"
        )
    if colons(parsed) < 5 and parsed.parts[-1] is not Wild.ANY:
        raise MalformedPolicy(
            say.LEGACY, f"the ARN `{resource}` has fewer than six parts and does not end with `*`"
        )


def not_an_arn(resource: str, partition: str = "") -> str:
    """The sentence that refuses a text which does not begin as an ARN of this partition, or "".

    A `partition` of "" accepts every known partition.
    """
    if ":" not in resource:
        return f'Resource {resource} must be in ARN format or "*".'
    _, written, *rest = resource.split(":", 5)
    known = (partition,) if partition else PARTITIONS
    if written not in known and not set(written) & {"*", "?"}:
        arn = ":".join([*rest, *("*" for _ in range(4 - len(rest)))])
        return f'Partition "{written}" is not valid for resource "arn:{written}:{arn}".'
    if not rest or "*" in rest[0] or "?" in rest[0]:
        return say.RESOURCE_VENDOR
    return ""


def not_in_iams_form(resource: str, *, stored: bool = False) -> str:
    """The sentence that refuses an ARN whose form IAM does not accept for its service, or "".

    `stored`: the document may be older than the rule about Regions in S3's ARNs.
    """
    parts = resource.split(":", 5)
    whole = len(parts) == 6
    service, region, name = parts[2], "".join(parts[3:4]), parts[5] if whole else "*"
    if service == "s3" and not stored and region not in ("", "*") and not has_region_in_s3(name):
        return f"Resource {resource} can not contain region information."
    if service != "iam":
        return ""
    if region and (whole or region != "*"):
        return f"IAM resource {resource} cannot contain region information."
    if name in {"*", ROOT_USER} or name.startswith(say.IAM_PATHS):
        return ""
    return say.IAM_PATH


def has_region_in_s3(name: str) -> bool:
    """May the ARN of this S3 resource have a Region?  `name` may be a pattern."""
    return name.startswith(_PARTS_OF_S3) or name[:1] in ("*", "?", "$")


def _trust(statement: WrittenStatement) -> None:
    if statement.principals is None or statement.not_principal:
        raise MalformedPolicy(say.PRINCIPAL_MISSING)
    action = statement.action
    if action is None or action.negated:
        raise MalformedPolicy(say.TRUST_ACTIONS)
    if not all(TRUST_ACTION.fullmatch(ascii_lower(name)) for name in action.values):
        raise MalformedPolicy(say.TRUST_ACTIONS)


def _key(statement: WrittenStatement) -> None:
    _endpoint(statement)
    for condition in statement.conditions:
        name = ascii_lower(condition.key)
        if condition.usage.quantifier == FOR_ALL and family(name) in TOLD_APART_ONE_BY_ONE:
            raise MalformedPolicy(say.overly_permissive(name))


def _endpoint(statement: WrittenStatement) -> None:
    """A stored document names the callers whom it means.

    So an Allow with NotPrincipal, which allows everybody else, is refused (PE-2).
    """
    if statement.principals is None:
        raise MalformedPolicy(say.PRINCIPAL_MISSING)
    if statement.not_principal and statement.effect == "Allow":
        raise MalformedPolicy(say.SYNTAX, "`NotPrincipal` with `Allow` allows everybody else")


def _resource_control(statement: WrittenStatement) -> None:
    """An RCP only denies, to everybody, service by service. AWS's own full access is allowed."""
    action, resource = statement.action, statement.resource
    if statement.source.get("Principal") != EVERYBODY:
        raise MalformedPolicy(say.SYNTAX, 'the `Principal` of an RCP has to be `"*"`')
    if action is None or action.negated:
        raise MalformedPolicy(say.SYNTAX, "an RCP cannot have `NotAction`")
    if statement.effect == "Allow":
        everything = resource is not None and not resource.negated and resource.values == ("*",)
        if action.values != ("*",) or not everything or statement.conditions:
            raise MalformedPolicy(say.SYNTAX, "a statement of an RCP has to be a Deny")
    elif "*" in action.values:
        raise MalformedPolicy(say.SYNTAX, "an action of an RCP has to name its service")


_OWN_RULES: dict[DocumentKind, Callable[[WrittenStatement], None]] = {
    DocumentKind.TRUST: _trust,
    DocumentKind.KEY: _key,
    DocumentKind.ENDPOINT: _endpoint,
    DocumentKind.RCP: _resource_control,
}


def _require_supplied(statements: tuple[WrittenStatement, ...], texts: Texts) -> None:
    """Every key that a condition or a variable uses must be able to have a value."""
    for statement in statements:
        for key in pausing(_keys(statement, texts)):
            name = texts.dialect.name(key)
            if not name:
                raise MalformedPolicy(
                    f"Condition key {key} is not supported: a key policy never sees it."
                )
            if not is_supplied(name):
                raise MalformedPolicy(refusal(key))


def _keys(statement: WrittenStatement, within: Texts) -> Iterator[str]:
    texts = list(statement.resource.values) if statement.resource is not None else []
    for condition in statement.conditions:
        yield condition.key
        texts += condition.values
    for text in pausing(texts):
        if "${" not in text:
            continue
        for variable in within.template(text, wild=False).variables:
            yield variable.key
