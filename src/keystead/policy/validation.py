"""May a document of this kind say this?  AWS's order of checks, and ours after them.

    (1) grammar, and principals where none belong   (2) version
    (3) the legacy parser: effect, operands, variables, ARNs with too few parts
    (4) Sids   (5) actions   (6) resources   (7) what else the kind forbids and demands
    (8) condition keys that never have a value here (threat-model PE-2)

iam.md 4.2 to 4.6 and 4.9, kms.md 10.3. The grammar is checked by `grammar`, principals by
`principals` after (7).
"""

import re
from collections.abc import Callable, Iterator

from keystead.policy import malformed as say
from keystead.policy.comparisons import BadOperand
from keystead.policy.conditions import compile_condition
from keystead.policy.grammar import EVERYBODY, VERSION_2012, WrittenPolicy, WrittenStatement
from keystead.policy.keys import family, is_supplied
from keystead.policy.kinds import RULES, DocumentKind, Rules
from keystead.policy.malformed import MalformedPolicy
from keystead.policy.operators import FOR_ALL
from keystead.policy.patterns import ascii_lower
from keystead.policy.statements import compile_resources
from keystead.policy.variables import Dialect, MalformedVariable, PatternTooLong, template

SID = re.compile(r"[A-Za-z0-9]*")
VENDOR = re.compile(r"[A-Za-z0-9.-]*")
TRUST_ACTION = re.compile(r"sts:(?:assumerole[a-z*?]*|tagsession|setsourceidentity|setcontext)")
TOLD_APART_ONE_BY_ONE = frozenset({"kms:encryptioncontext:", "aws:requesttag/"})


def validate(policy: WrittenPolicy, kind: DocumentKind, dialect: Dialect, *, any_key: bool) -> None:
    """Refuse what this kind must not say; raises MalformedPolicy.

    `any_key`: condition keys that never have a value here are accepted.
    """
    rules, statements = RULES[kind], policy.statements
    _syntax(statements, rules)  # 1
    if rules.version_2012 and policy.version != VERSION_2012:  # 2
        raise MalformedPolicy(say.OLD_VERSION)
    for statement in statements:  # 3
        _legacy(statement, rules, dialect)
    if rules.iam_sids:  # 4
        _unique_sids(statements)
    for statement in statements:  # 5
        _actions(statement, rules)
    for statement in statements:  # 6
        _resources(statement, rules)
    own = _OWN_RULES.get(kind)
    for statement in statements:  # 7
        if own is not None:
            own(statement)
    if not any_key:  # 8
        _require_supplied(statements, dialect)


def _syntax(statements: tuple[WrittenStatement, ...], rules: Rules) -> None:
    for statement in statements:
        if rules.iam_sids and not SID.fullmatch(statement.sid):
            raise MalformedPolicy(say.SYNTAX, f"the Sid `{statement.sid}` has other characters")
        if not rules.principal and statement.principals is not None:
            raise MalformedPolicy(say.NO_PRINCIPAL_HERE)


def _legacy(statement: WrittenStatement, rules: Rules, dialect: Dialect) -> None:
    """What only compiling can tell: does every value mean something?"""
    if statement.effect not in ("Allow", "Deny"):
        raise MalformedPolicy(say.LEGACY, f"`Effect` is {statement.effect}")
    allow = statement.effect == "Allow"
    try:
        for one in statement.conditions:
            compile_condition(one.usage, one.key, one.values, dialect, allow=allow)
        if statement.resource is not None:
            compile_resources(statement.resource, dialect, allow=allow)
    except BadOperand as error:
        raise MalformedPolicy(say.LEGACY, f"an operator cannot compare with `{error}`") from None
    except MalformedVariable as error:
        raise MalformedPolicy(say.LEGACY, f"`{error}` has a malformed variable") from None
    except PatternTooLong:
        raise MalformedPolicy(say.LEGACY, "a pattern has too many wildcards or variables") from None
    if rules.arns and statement.resource is not None:
        for resource in statement.resource.values:
            _six_parts(resource)


def _six_parts(resource: str) -> None:
    if not_an_arn(resource):
        return  # `*`, or refused later with a better sentence
    if resource.count(":") < 5 or resource.split(":")[2] == "":
        raise MalformedPolicy(say.LEGACY, f"the ARN `{resource}` has fewer than six parts")


def _unique_sids(statements: tuple[WrittenStatement, ...]) -> None:
    sids = [statement.sid for statement in statements if statement.sid]
    if len(set(sids)) != len(sids):
        raise MalformedPolicy(say.DUPLICATE_SID)


def _actions(statement: WrittenStatement, rules: Rules) -> None:
    """Actions, and the keys of conditions, begin with the name of a service."""
    for one in statement.conditions:
        if not all(one.key.partition(":")):
            raise MalformedPolicy(say.NO_VENDOR, f"`{one.key}` is no condition key")
    element = statement.action
    if element is None or not element.values:
        if rules.actions_demanded:
            raise MalformedPolicy(say.NO_ACTIONS)
        return
    for action in element.values:
        vendor, colon, name = action.partition(":")
        if action == "*":
            continue
        if not colon:
            raise MalformedPolicy(say.NO_VENDOR)
        if ":" in name:
            raise MalformedPolicy(say.TWO_COLONS)
        if not VENDOR.fullmatch(vendor):
            raise MalformedPolicy(f"Vendor {vendor} is not valid")


def _resources(statement: WrittenStatement, rules: Rules) -> None:
    element = statement.resource
    if not rules.resource:
        if element is not None:
            raise MalformedPolicy(say.NO_RESOURCE_HERE)
        return
    if element is None or not element.values:
        if rules.resource_demanded:
            raise MalformedPolicy(say.NO_RESOURCES)
        return
    if not rules.arns:
        return
    for resource in element.values:
        sentence = resource != "*" and (
            not_an_arn(resource) or (rules.iam_arns and not_an_iam_arn(resource))
        )
        if sentence:
            raise MalformedPolicy(sentence)


def not_an_arn(resource: str) -> str:
    """The sentence for a text that does not begin as an ARN does; "" when it does."""
    if ":" not in resource:
        return f'Resource {resource} must be in ARN format or "*".'
    _, partition, *rest = resource.split(":")
    if partition != "aws" and not set(partition) & {"*", "?"}:
        parts = [*rest[:3], ":".join(rest[3:])]
        arn = ":".join(part or "*" for part in (parts + ["*"] * 4)[:4])
        return f'Partition "{partition}" is not valid for resource "arn:{partition}:{arn}".'
    if not rest or "*" in rest[0] or "?" in rest[0]:
        return say.RESOURCE_VENDOR
    return ""


def not_an_iam_arn(resource: str) -> str:
    """The sentence for an ARN of IAM that cannot be one; "" for every other ARN."""
    _, _, service, region, _, name = resource.split(":", 5)
    if service != "iam":
        return ""
    if region:
        return f"IAM resource {resource} cannot contain region information."
    return "" if name == "*" or name.startswith(say.IAM_PATHS) else say.IAM_PATH


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
    for one in statement.conditions:
        name = ascii_lower(one.key)
        if one.usage.quantifier == FOR_ALL and family(name) in TOLD_APART_ONE_BY_ONE:
            raise MalformedPolicy(
                f"Policy contains an overly permissive condition: {one.usage.name} on {one.key}."
            )


def _endpoint(statement: WrittenStatement) -> None:
    """What we store says whom it means: an Allow for everybody else is refused (PE-2)."""
    if statement.principals is None:
        raise MalformedPolicy(say.PRINCIPAL_MISSING)
    if statement.not_principal and statement.effect == "Allow":
        raise MalformedPolicy(say.SYNTAX, "`NotPrincipal` with `Allow` allows everybody else")


def _resource_control(statement: WrittenStatement) -> None:
    """Deny only, for everybody, service by service: or AWS's own full access."""
    action, resource = statement.action, statement.resource
    if statement.source.get("Principal") != EVERYBODY:
        raise MalformedPolicy(say.SYNTAX, 'the principal of an RCP is `"*"`')
    if action is None or action.negated:
        raise MalformedPolicy(say.SYNTAX, "an RCP has no `NotAction`")
    if statement.effect == "Allow":
        everything = resource is not None and not resource.negated and resource.values == ("*",)
        if action.values != ("*",) or not everything or statement.conditions:
            raise MalformedPolicy(say.SYNTAX, "an RCP only denies")
    elif "*" in action.values:
        raise MalformedPolicy(say.SYNTAX, "an RCP names the service of its actions")


_OWN_RULES: dict[DocumentKind, Callable[[WrittenStatement], None]] = {
    DocumentKind.TRUST: _trust,
    DocumentKind.KEY: _key,
    DocumentKind.ENDPOINT: _endpoint,
    DocumentKind.RCP: _resource_control,
}


def _require_supplied(statements: tuple[WrittenStatement, ...], dialect: Dialect) -> None:
    """Every key that a condition or a variable asks for can have a value."""
    for statement in statements:
        for key in _keys(statement, dialect):
            name = dialect.name(key)
            if not name or not is_supplied(name):
                raise MalformedPolicy(f"Condition key {key} is not supported.")


def _keys(statement: WrittenStatement, dialect: Dialect) -> Iterator[str]:
    texts = list(statement.resource.values) if statement.resource is not None else []
    for one in statement.conditions:
        yield one.key
        texts += one.values
    for text in texts:
        for variable in template(text, dialect, wild=False).variables:
            yield variable.key
