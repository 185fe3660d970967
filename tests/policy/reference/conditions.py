"""Does a condition hold for a request?  (IAM: condition operators, set operators, Null)

Steps: (1) the operator's parts; (2) Null; (3) a key without value; (4) set operators;
(5) a multi-valued key without set operator; (6) one value against the policy's values.

An empty text is a null data set to Null and to ForAllValues. To ForAnyValue it may be one or a
value, and so may a list of nothing but empty texts to all three: an Allow wants both readings to
hold, a Deny is content with one.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.policy.reference import patterns, values

# A key's value in the request: one text, or the texts of a multi-valued key.
Context = Mapping[str, str | list[str]]
# One policy value and one request value → do they match? None: the request value is not of
# the operator's type.
Test = Callable[[str, str, "Question"], bool | None]


@dataclass(frozen=True, slots=True)
class Question:
    """What a test may look at beside the two values."""

    context: Context
    variables: bool  # Version 2012-10-17: `${…}` is replaced
    effect: str


@dataclass(frozen=True, slots=True)
class Operator:
    test: Test
    negated: bool = False


def value_of(context: Context, key: str) -> str | list[str] | None:
    """The key's value; names compare without regard to case, an empty list is no value."""
    found = context.get(patterns.ascii_lower(key))
    return None if found == [] else found


def single_value(context: Context) -> Callable[[str], str | None]:
    """What a variable stands for: only single-valued keys can be used."""

    def lookup(key: str) -> str | None:
        found = value_of(context, key)
        return found if isinstance(found, str) else None

    return lookup


def _read(
    text: str, question: Question, read: Callable[[str], patterns.Pattern]
) -> patterns.Pattern:
    if not question.variables:
        return read(text)
    return patterns.substituted(text, read, single_value(question.context))


def _text(text: str, question: Question) -> str:
    return "".join(character for character, _ in _read(text, question, patterns.literal))


def _string_equals(policy: str, request: str, question: Question) -> bool:
    return _text(policy, question) == request


def _string_equals_ignore_case(policy: str, request: str, question: Question) -> bool:
    return _text(policy, question).lower() == request.lower()


def _string_like(policy: str, request: str, question: Question) -> bool:
    return patterns.matches(_read(policy, question, patterns.wildcards), request)


def _bool(policy: str, request: str, question: Question) -> bool:
    wanted = values.truth(_text(policy, question))
    return wanted is not None and wanted == values.truth(request)


def _arn(policy: str, request: str, question: Question) -> bool:
    wanted = patterns.arn_parts(_read(policy, question, patterns.wildcards))
    given = request.split(":", 5)
    return len(wanted) == len(given) == 6 and all(
        patterns.matches(want, part) for want, part in zip(wanted, given, strict=True)
    )


def _binary(policy: str, request: str, _: Question) -> bool | None:
    given = values.octets(request)
    return None if given is None else values.octets(policy) == given


def _ip(policy: str, request: str, _: Question) -> bool | None:
    given, block = values.address(request), values.network(policy)
    if given is None:
        return None
    return block is not None and given.version == block.version and given in block


def _numeric(relation: Callable[[int], bool]) -> Test:
    def test(policy: str, request: str, _: Question) -> bool | None:
        wanted, given = values.number(policy), values.number(request)
        if given is None:
            return None
        return wanted is not None and relation((given > wanted) - (given < wanted))

    return test


def _date(relation: Callable[[int], bool]) -> Test:
    def test(policy: str, request: str, _: Question) -> bool | None:
        wanted, given = values.moment(policy), values.moment(request)
        if given is None:
            return None
        return wanted is not None and relation((given > wanted) - (given < wanted))

    return test


RELATIONS: Mapping[str, Callable[[int], bool]] = {
    "Equals": lambda order: order == 0,
    "LessThan": lambda order: order < 0,
    "LessThanEquals": lambda order: order <= 0,
    "GreaterThan": lambda order: order > 0,
    "GreaterThanEquals": lambda order: order >= 0,
}

OPERATORS: Mapping[str, Operator] = {
    "StringEquals": Operator(_string_equals),
    "StringNotEquals": Operator(_string_equals, negated=True),
    "StringEqualsIgnoreCase": Operator(_string_equals_ignore_case),
    "StringNotEqualsIgnoreCase": Operator(_string_equals_ignore_case, negated=True),
    "StringLike": Operator(_string_like),
    "StringNotLike": Operator(_string_like, negated=True),
    **{f"Numeric{name}": Operator(_numeric(relation)) for name, relation in RELATIONS.items()},
    "NumericNotEquals": Operator(_numeric(RELATIONS["Equals"]), negated=True),
    **{f"Date{name}": Operator(_date(relation)) for name, relation in RELATIONS.items()},
    "DateNotEquals": Operator(_date(RELATIONS["Equals"]), negated=True),
    "Bool": Operator(_bool),
    "BinaryEquals": Operator(_binary),
    "IpAddress": Operator(_ip),
    "NotIpAddress": Operator(_ip, negated=True),
    "ArnEquals": Operator(_arn),
    "ArnLike": Operator(_arn),
    "ArnNotEquals": Operator(_arn, negated=True),
    "ArnNotLike": Operator(_arn, negated=True),
}

BY_LOWER_NAME = {name.lower(): operator for name, operator in OPERATORS.items()}
OPERATOR_NAME = re.compile(r"(?:(forallvalues|foranyvalue):)?([a-z]+?)(ifexists)?")


def operator_parts(name: str) -> tuple[str, str, bool] | None:
    """(1) `ForAllValues:StringLikeIfExists` → its set operator, operator, IfExists; or None."""
    found = OPERATOR_NAME.fullmatch(patterns.ascii_lower(name))
    if found is None:
        return None
    quantifier, base, if_exists = found.groups()
    if base == "null":
        return None if if_exists else (quantifier or "", base, False)
    return (quantifier or "", base, if_exists is not None) if base in BY_LOWER_NAME else None


def holds(name: str, key: str, policy_values: list[str], question: Question) -> bool:
    parts = operator_parts(name)
    if parts is None:
        raise ValueError(name)  # a document with such an operator is not stored
    quantifier, base, if_exists = parts
    found = value_of(question.context, key)
    # (2) Null asks only whether the key has a value.
    if base == "null":
        wanted = {values.truth(value) for value in policy_values}
        if found is None or found == "":
            return True in wanted
        return _either_way(found, {True} <= wanted, {False} <= wanted, question)
    operator = BY_LOWER_NAME[base]
    # (3) The key is missing. ForAnyValue ignores IfExists.
    if found is None or (found == "" and quantifier == "forallvalues"):
        if quantifier:
            return quantifier == "forallvalues"
        return if_exists or operator.negated
    # (4) Set operators: every, or at least one, of the request's values.
    if quantifier:
        given = [found] if isinstance(found, str) else found
        verdicts = [satisfies(operator, value, policy_values, question) for value in given]
        if quantifier == "forallvalues":
            return _either_way(found, True, all(verdicts), question)
        return _either_way(found, False, any(verdicts), question)
    # (5) A multi-valued key needs a set operator; without one nothing matches, negated or not.
    if isinstance(found, list):
        return False
    return satisfies(operator, found, policy_values, question)


def _either_way(
    found: str | list[str], as_absent: bool, as_value: bool, question: Question
) -> bool:
    """The answer for a value that may be a null data set when all of its texts are empty."""
    if found != "" and set(found) != {""}:
        return as_value
    if question.effect == "Deny":
        return as_absent or as_value
    return as_absent and as_value


def satisfies(operator: Operator, given: str, policy_values: list[str], question: Question) -> bool:
    """(6) Positive: any policy value matches. Negated: none does.

    A request value of another type matches nothing. A negated operator is then satisfied only
    in a Deny, so that garbage never opens what a condition guards.
    """
    verdicts = [_attempt(operator.test, value, given, question) for value in policy_values]
    if None in verdicts:
        return operator.negated and question.effect == "Deny"
    return (True in verdicts) != operator.negated


def _attempt(test: Test, policy: str, given: str, question: Question) -> bool | None:
    try:
        return test(policy, given, question)
    except patterns.Unresolved:
        return False  # nothing equals, and nothing is like, a variable without value
