"""Can the operators compare with the values that are written?  (iam.md 4.7)"""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from keystead.pauses import pausing
from keystead.policy.findings.checks.resources import REGION
from keystead.policy.findings.checks.variables import is_malformed, masked
from keystead.policy.findings.json_tree import Member, Node
from keystead.policy.findings.subject import Subject
from keystead.policy.language import KNOWN, KeyFact, PatternTooLong, Texts, Usage, family, pattern
from keystead.policy.text import arn_glob, ascii_lower, glob, segments, wildcards
from keystead.policy.text import values as parse

Reader = Callable[[str], Any]

# Reader and issue of each family. We refuse to store a value with which it cannot compare.
_READERS: Mapping[str, tuple[Reader, str]] = {
    "Numeric": (parse.number, "TYPE_MISMATCH_NUMBER"),
    "Date": (parse.date, "TYPE_MISMATCH_DATE"),
    "Ip": (parse.network, "TYPE_MISMATCH_IP_RANGE"),
    "Binary": (parse.binary, "TYPE_MISMATCH_STRING"),
    "Null": (parse.boolean, "TYPE_MISMATCH_BOOLEAN"),
}
_TEXTUAL = frozenset({"String", "IgnoreCase", "Like"})
_WITH_VARIABLES = _TEXTUAL | {"Arn", "Bool"}
_FAMILIES = {  # type of a key -> the families of operators for it; the first is recommended
    "String": ("String", "IgnoreCase", "Like"),
    "Numeric": ("Numeric",),
    "Date": ("Date", "Numeric"),
    "Bool": ("Bool", "String", "IgnoreCase"),
    "IPAddress": ("Ip",),
    "ARN": ("Arn", "String", "IgnoreCase", "Like"),
}
# The values of these keys are strings, and often ARNs: callers choose them, or they are principals.
_MAY_HOLD_ARNS = ("/", ":", "Principal")
_REGIONAL = frozenset({"aws:requestedregion", "kms:primaryregion", "kms:replicaregion"})
_ENDPOINTS = {
    "aws:sourcevpc": (re.compile(r"vpc-(?:[0-9a-z]{8}|[0-9a-z]{17})"), "INVALID_VPC_FORMAT"),
    "aws:sourcevpce": (re.compile(r"vpce-(?:[0-9a-z]{8}|[0-9a-z]{17})"), "INVALID_VPCE_FORMAT"),
}
_BOUNDS = (
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
)
_DOUBTFUL_DATE = re.compile(r"[0-9]{4,8}|[0-9]{12,}")


def check(subject: Subject, used: Usage, key: Member, nodes: Sequence[Node]) -> None:
    fact = KNOWN.get(family(ascii_lower(key.name)))
    _operator(subject, used, key, fact)
    if used.operator.family == "Bool" and len(nodes) > 1:
        subject.add("INVALID_CONDITION_MULTIPLE_BOOLEAN", key.node)
    for node in pausing(nodes):
        text = text_of(node)
        if is_malformed(text, subject.dialect):
            continue  # noted by `variables`
        _value(subject, used, node, text)
        if used.operator.family in ("String", "IgnoreCase"):
            _form(subject, key, node, text)
    _numbers(subject, used, key, nodes)


def text_of(node: Node) -> str:
    """The text as which a value counts (`grammar`)."""
    if isinstance(node.scalar, bool):
        return "true" if node.scalar else "false"
    return str(node.scalar)


def _operator(subject: Subject, used: Usage, key: Member, fact: KeyFact | None) -> None:
    """Note an operator that is not for the type of the key."""
    chosen = used.operator.family
    if fact is None or not fact.supplied or chosen == "Null":
        return
    allowed = _FAMILIES[fact.type]
    if chosen not in allowed and not (chosen == "Arn" and fact.name.endswith(_MAY_HOLD_ARNS)):
        subject.add(
            "TYPE_MISMATCH",
            subject.text.of_name(key),
            allowed=allowed[0],
            operator=used.name,
            key=key.name,
        )


def _value(subject: Subject, used: Usage, node: Node, text: str) -> None:
    chosen = used.operator.family
    if chosen not in _WITH_VARIABLES and subject.dialect.variables and "${" in text:
        subject.add("INVALID_VARIABLE_FOR_OPERATOR", node)
    if chosen in _READERS:
        read, code = _READERS[chosen]
        if chosen == "Date" and _DOUBTFUL_DATE.fullmatch(text):
            subject.add("INVALID_DATE_VALUE", node, refused=True, date=text)
        elif read(text) is None:
            subject.add(code, node, refused=True, operator=used.name)
        elif chosen == "Ip":
            _range(subject, node, text)
    elif chosen == "Bool":
        if "${" not in text and parse.boolean(text) is None:
            subject.add("TYPE_MISMATCH_BOOLEAN", node, operator=used.name)
    elif chosen in ("Like", "Arn"):
        _pattern(subject, used, node, text)
    elif re.search(r"[*?]", masked(text)):
        subject.add("WILDCARD_WITHOUT_LIKE_OPERATOR", node)


def _pattern(subject: Subject, used: Usage, node: Node, text: str) -> None:
    arn = used.operator.family == "Arn"
    try:
        pattern(text, Texts(subject.dialect), arn_glob if arn else glob)
    except PatternTooLong:
        subject.add("TYPE_MISMATCH_STRING", node, refused=True, operator=used.name)
    if arn and "${" not in text and len(segments(wildcards(text))) != 6:
        subject.add("MISSING_ARN_FIELD", node)


def _range(subject: Subject, node: Node, text: str) -> None:
    written, block = parse.address(text.partition("/")[0]), parse.network(text)
    if block is not None and written != block[0]:
        subject.add("IMPROVE_IP_RANGE", node, range=ipaddress.ip_interface(text).network)


def _form(subject: Subject, key: Member, node: Node, text: str) -> None:
    """Note a value of the wrong form, for a key whose values have one form."""
    name = ascii_lower(key.name)
    if "*" in text or "?" in text or "$" in text:
        return
    if name in _REGIONAL and not REGION.fullmatch(text):
        subject.add("INVALID_REGION", node, region=text)
    form, code = _ENDPOINTS.get(name, (None, ""))
    if form is not None and not form.fullmatch(text):
        subject.add(code, node)


def _numbers(subject: Subject, used: Usage, key: Member, nodes: Sequence[Node]) -> None:
    """Note several bounds under one operator: one bound is enough."""
    name = used.operator.name
    if name in _BOUNDS and len(nodes) > 1:
        which = "greatest" if "Less" in name else "least"
        subject.add(
            "REDUNDANT_CONDITION_VALUE_NUM", key.node, operator=used.name, which=which, key=key.name
        )
