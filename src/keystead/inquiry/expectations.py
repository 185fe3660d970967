"""Which requests should be allowed, and which refused?  A file of expectations, and the verdicts.

    [{"name": "alice encrypts orders",
      "principal": "arn:aws:iam::111122223333:user/alice",
      "action": "kms:Encrypt",                                  or a list
      "resource": "arn:aws:kms:eu-central-1:111122223333:key/…", or a list
      "context": {"kms:EncryptionContext:app": "orders"},       optional
      "sessionPolicies": [{…}], "scopeDownPolicies": [{…}],     optional: of its session
      "expect": "Allowed",       Denied, ImplicitlyDenied, ExplicitlyDenied
      "by": "OrdersOnly"}]       optional: the Sid, policy or kind of policy that decides

An expectation with several actions and resources holds when it holds for each pair. An entry that
is not understood is an error, and never skipped: an untested expectation protects nobody.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from keystead.failures import Failure
from keystead.policy.evaluation import Decision, Outcome
from keystead.strictjson import NotStrictJson, loads

WRONG = 2
LONGEST = 32 * 1024  # bytes of one question: it has to fit into a request of the control socket
MOST_VALUES = 1_000_000

Expected = Literal["Allowed", "Denied", "ImplicitlyDenied", "ExplicitlyDenied"]
Texts = str | list[str]
Document = str | dict[str, Any]

_ACTION = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9]+")
_HINT = "see docs/simulate.md for the form of an expectation"


class WrittenQuestion(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True
):
    """One question about one action and one resource, by their names."""

    principal: str
    action: str
    resource: str
    context: dict[str, list[str]]
    session_policies: list[str] = []
    scope_down_policies: list[str] = []
    vpc_endpoint: str = ""


class Expectation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of the file."""

    name: str
    principal: str
    action: Texts
    resource: Texts
    expect: Expected
    context: dict[str, Texts] = {}
    by: str | None = None
    session_policies: list[Document] = msgspec.field(default_factory=list, name="sessionPolicies")
    scope_down_policies: list[Document] = msgspec.field(
        default_factory=list, name="scopeDownPolicies"
    )
    vpc_endpoint: str = msgspec.field(default="", name="vpcEndpoint")

    def questions(self) -> Iterator[WrittenQuestion]:
        """Each action on each resource."""
        context = {key: _listed(values) for key, values in self.context.items()}
        policies = [_text(each) for each in self.session_policies]
        scopes = [_text(each) for each in self.scope_down_policies]
        for action in _listed(self.action):
            for resource in _listed(self.resource):
                yield WrittenQuestion(
                    self.principal, action, resource, context, policies, scopes, self.vpc_endpoint
                )


class Deciding(msgspec.Struct, frozen=True, rename="camel"):
    """A statement that decided."""

    kind: str
    policy: str
    attached_to: str
    index: int
    sid: str
    effect: str


class Answer(msgspec.Struct, frozen=True):
    """The decision of a question, or the problem that made it impossible."""

    decision: str = ""
    kind: str = ""  # of the policies that decided
    statements: tuple[Deciding, ...] = ()
    message: str = ""
    problem: str = ""
    hint: str = ""


class Check(msgspec.Struct, frozen=True):
    """One question, its answer, and whether that was expected."""

    question: WrittenQuestion
    answer: Answer
    holds: bool
    reason: str  # why it does not hold; "" when it does


class Result(msgspec.Struct, frozen=True):
    """One expectation, tested."""

    expectation: Expectation
    checks: tuple[Check, ...]

    @property
    def holds(self) -> bool:
        return all(check.holds for check in self.checks)


def _text(document: Document) -> str:
    """A policy that is an object, or a text that holds one."""
    return document if isinstance(document, str) else msgspec.json.encode(document).decode()


def _listed(values: Texts) -> list[str]:
    return [values] if isinstance(values, str) else values


def answer(decision: Decision) -> Answer:
    """A decision as an answer."""
    return Answer(
        decision=decision.outcome.value,
        kind=decision.kind.value if decision.kind is not None else "",
        statements=tuple(
            Deciding(
                statement.kind.value,
                statement.policy,
                statement.attached_to,
                statement.index,
                statement.sid,
                statement.effect,
            )
            for statement in decision.statements
        ),
        message="" if decision.allowed else decision.message,
    )


def read(file: Path) -> list[Expectation]:
    """The expectations of a file; raises Failure."""
    try:
        entries = loads(file.read_bytes(), max_values=MOST_VALUES)
    except NotStrictJson as error:
        raise Failure(f"`{file}`: {error}", _HINT, status=WRONG) from None
    except OSError as error:
        why = (error.strerror or "it cannot be read").lower()
        raise Failure(f"`{file}`: {why}", "name a file of expectations", status=WRONG) from None
    if not isinstance(entries, list) or not entries:
        raise Failure(f"`{file}` is not a list of expectations", _HINT, status=WRONG)
    expectations = [_expectation(file, number, entry) for number, entry in enumerate(entries, 1)]
    for name, times in Counter(expectation.name for expectation in expectations).items():
        if times > 1:
            numbers = [
                str(i) for i, expectation in enumerate(expectations, 1) if expectation.name == name
            ]
            raise Failure(
                f"`{file}`: expectations {' and '.join(numbers)} have the same name `{name}`",
                "give each a name of its own",
                status=WRONG,
            )
    return expectations


def where(file: Path, number: int, name: object = None) -> str:
    """The position of an expectation, for a message."""
    return f"`{file}`, expectation {number}" + (f" `{name}`" if isinstance(name, str) else "")


def _expectation(file: Path, number: int, entry: Any) -> Expectation:
    named = entry.get("name") if isinstance(entry, Mapping) else None
    position = where(file, number, named)
    try:
        expectation = msgspec.convert(entry, Expectation)
    except msgspec.ValidationError as error:
        text = str(error).replace(" - at `$.", " - at `").replace("Object", "it", 1)
        raise Failure(f"{position}: {text[:1].lower()}{text[1:]}", _HINT, status=WRONG) from None
    problem = _problem(expectation)
    if problem:
        raise Failure(f"{position}: {problem}", _HINT, status=WRONG)
    return expectation


def _problem(expectation: Expectation) -> str:
    """The first error in an expectation that has the right members; "" if there is none."""
    if not expectation.name.strip() or not expectation.name.isprintable():
        return "`name` is empty, or holds characters that cannot be printed"
    for member in ("action", "resource"):
        if not getattr(expectation, member):
            return f"`{member}` is empty"
    for action in _listed(expectation.action):
        if not _ACTION.fullmatch(action):
            return f"`action`: `{action}` is not an action; write SERVICE:NAME, such as kms:Encrypt"
    if len({key.lower() for key in expectation.context}) != len(expectation.context):
        return "`context` has two keys that differ only by case"
    for key in expectation.context:
        if not all(key.partition(":")):
            return f"`context`: `{key}` is not a condition key, such as aws:SourceIp"
    longest = max(len(msgspec.json.encode(question)) for question in expectation.questions())
    return "" if longest <= LONGEST else f"one of its questions is longer than {LONGEST} bytes"


def judge(expectation: Expectation, answers: Sequence[Answer]) -> Result:
    """The result of an expectation, with one answer for each question, in order."""
    return Result(
        expectation,
        tuple(
            _check(expectation, question, given)
            for question, given in zip(expectation.questions(), answers, strict=True)
        ),
    )


def _check(expectation: Expectation, question: WrittenQuestion, given: Answer) -> Check:
    reason = ""
    if given.decision not in _MEANT[expectation.expect]:
        reason = f"expected {expectation.expect}, it is {given.decision}"
    elif expectation.by is not None and expectation.by not in _deciders(given):
        reason = f"expected to be decided by `{expectation.by}`"
    return Check(question, given, not reason, reason)


_MEANT: Mapping[str, frozenset[str]] = {
    "Denied": frozenset({Outcome.IMPLICITLY_DENIED.value, Outcome.EXPLICITLY_DENIED.value}),
    **{outcome.value: frozenset({outcome.value}) for outcome in Outcome},
}


def _deciders(given: Answer) -> set[str]:
    """The names by which an expectation may name the deciding statements and policies."""
    names = {given.kind}
    for statement in given.statements:
        names |= {
            statement.sid,
            statement.policy,
            statement.policy.rpartition("/")[2],
            statement.kind,
        }
    return names - {""}
