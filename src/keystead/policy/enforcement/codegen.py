"""Which code evaluates a residual fastest?  One function, generated for this residual.

The functions of statements and conditions stay unchanged. Only the loops and calls around them are
unrolled, and only short ones.

INVARIANT: no text of a document becomes source code. Every value that the function needs is a
constant, which is passed in under a name of our own.
"""

from collections.abc import Callable, Sequence
from enum import Enum, auto
from types import CodeType
from typing import Any, Final

import msgspec

from keystead.caches import KIB, MIB, BoundedCache, Room
from keystead.policy.enforcement.quick_statements import QuickStatement
from keystead.policy.evaluation import PolicyKind, Question, RequestContext
from keystead.policy.language import (
    OUTSIDERS,
    UNBOUND,
    Grade,
    Keys,
    Principal,
    PrincipalType,
    ResourceTest,
    Test,
)

MOST_UNROLLED = 16
"""So many statements of one step are unrolled. More would be code that takes long to compile, and
the compiler keeps the interpreter's lock: 120 statements took three milliseconds."""

_ROOM = Room(of_owner=512 * KIB, in_all=8 * MIB)
_CODE, _EACH = 1500, 7  # bytes of a code object, and more for each character of its source


class Refused(Enum):
    """The answer of a residual that does not allow."""

    REFUSED = auto()


REFUSED: Final = Refused.REFUSED

Verdict = PolicyKind | None | Refused
"""The kind of policy that allows, None for the root user's own permission, or REFUSED."""

Residual = Callable[[Question], Verdict]

Whom = Callable[[Principal, bool], Grade]
"""It tells how exactly a statement names a caller."""

Named = tuple[Whom, ResourceTest | None]
"""A statement with principals: how it names a caller, and its test. None: it always applies."""

Route = tuple[bool, bool, bool, PolicyKind | None] | None
"""Must identity, boundary and session policies allow, and which kind allows?  None: refused."""

Routes = dict[tuple[PrincipalType, Grade, bool, bool], Route]
"""(type, grade, granted to the caller, foreign) -> route."""


class Remainder(msgspec.Struct, frozen=True):
    """The open parts of a decision, in the order of the steps."""

    denies: Sequence[Test]  # (1) the Denies that only depend on condition keys
    own_denies: Sequence[QuickStatement]  # (1) the Denies of the caller's policies and boundary
    session_denies: Sequence[QuickStatement]  # (1) the Denies of its session policies
    ceilings: Sequence[Callable[[RequestContext], bool]]  # (1) to (4), and (9)
    resource: Sequence[Named]  # (5)
    granted: Callable[[Question], Grade]
    identity: Sequence[QuickStatement]  # (6)
    boundary: Sequence[QuickStatement] | None  # (7)
    session: Sequence[Sequence[QuickStatement]]  # (8), per level
    routes: Routes
    bounded: bool


class _Source:
    """The source code so far, and its constants."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.constants: dict[str, Any] = {"REFUSED": REFUSED, "NOBODY": Grade.NOBODY}

    def name(self, value: object) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = value
        return name

    def refuse_if(self, condition: str) -> None:
        if condition != "False":
            self.lines.append(f"    if {condition}: return REFUSED")


def generate(what: Remainder, code: Callable[[str], CodeType]) -> Residual:
    """The function that decides the open parts. `code` compiles its source (`Shapes`)."""
    source = _Source()
    source.lines += [
        "def residual(question):",
        "    context = question.context",
        "    who, resource, keys = context.principal, context.resource, context.keys",
    ]
    for test in _few(what.denies, _any_of_keys):  # 1
        source.refuse_if(f"{source.name(test)}(keys)")
    for without, own in ((UNBOUND, what.own_denies), (OUTSIDERS, what.session_denies)):
        bound = f"who.type not in {source.name(without)}" if own else ""
        for applies in _all_applies(source, own):
            source.refuse_if(f"{applies} and {bound}")
    for allows in what.ceilings:  # 1 to 4
        source.refuse_if(f"not {source.name(allows)}(context)")
    _resource_side(source, what)  # 5
    for flag, statements in (  # 6 to 8
        ("identity", what.identity),
        ("boundary", what.boundary),
        *(("session", level) for level in what.session),
    ):
        if statements is not None:
            _must_allow(source, flag, statements)
    source.lines.append("    return kind")
    exec(code("\n".join(source.lines)), source.constants)  # noqa: S102  # see the invariant
    # If its own constants named the function, only the garbage collector could free it.
    residual: Residual = source.constants.pop("residual")
    return residual


class Shapes:
    """The compiled sources. Most combinations of documents have one of a few shapes."""

    __slots__ = ("_codes",)

    def __init__(self) -> None:
        self._codes: BoundedCache[str, CodeType] = BoundedCache(_ROOM)

    @property
    def kept_bytes(self) -> int:
        """The bytes that they take."""
        return self._codes.cost

    def code(self, account: str, text: str) -> CodeType:
        """The code of a source that this account's decisions need."""
        known = self._codes.get(text)
        if known is not None:
            return known
        return self._codes.put(text, compile_code(text), account, cost_of_code(text))


def compile_code(text: str) -> CodeType:
    """The code of a source."""
    return compile(text, "<residual>", "exec", dont_inherit=True, optimize=2)


def cost_of_code(text: str) -> int:
    """The bytes that the code of a source takes, with the source."""
    return _CODE + _EACH * len(text)


def _resource_side(source: _Source, what: Remainder) -> None:
    """Step (5): how the resource's policies and grants name the caller, and the route."""
    grade = "NOBODY"
    few = len(what.resource) <= MOST_UNROLLED
    if not few:
        grade, best = "grade", source.name(_best(what.resource, bounded=what.bounded))
        source.lines.append(f"    grade = {best}(who, resource, keys)")
    for whom, applies in what.resource if few else ():
        its = f"{source.name(whom)}(who, {what.bounded})"
        if applies is None and grade == "NOBODY":
            source.lines.append(f"    grade = {its}")
        else:
            asked = "" if applies is None else f" and {source.name(applies)}(resource, keys)"
            source.lines.append(f"    its = {its}")
            source.lines.append(f"    grade = its if its > {grade}{asked} else {grade}")
        grade = "grade"
    if grade == "NOBODY":
        source.lines.append("    grade = NOBODY")
    granted, routes = source.name(what.granted), source.name(what.routes)
    limited = source.name(Grade.LIMITED)
    source.lines += [
        "    granted = False",
        "    if question.policies.grants:",
        f"        granted = {granted}(question)",
        f"        grade, granted = max(grade, granted), granted >= {limited}",
        "    foreign = who.account != context.resource_account",
        f"    route = {routes}[who.type, grade, granted, foreign]",
        "    if route is None: return REFUSED",
        "    identity, boundary, session, kind = route",
    ]


def _must_allow(source: _Source, flag: str, statements: Sequence[QuickStatement]) -> None:
    """Refuse unless a statement applies. `flag` tells whether one has to apply."""
    tests = _all_applies(source, statements)
    if "True" in tests:
        return
    some = " or ".join(tests)
    source.refuse_if(f"{flag} and not ({some})" if tests else flag)


def _few(tests: Sequence[Test], together: Callable[[Sequence[Test]], Test]) -> Sequence[Test]:
    return tests if len(tests) <= MOST_UNROLLED else (together(tests),)


def _any_of_keys(tests: Sequence[Test]) -> Test:
    return lambda keys: any(test(keys) for test in tests)


def _best(named: Sequence[Named], *, bounded: bool) -> Callable[..., Grade]:
    """The highest grade by which one of these statements names the caller and applies."""

    def best(who: Principal, resource: str, keys: Keys) -> Grade:
        grade = Grade.NOBODY
        for whom, applies in named:
            its = whom(who, bounded)
            if its > grade and (applies is None or applies(resource, keys)):
                grade = its
        return grade

    return best


def _all_applies(source: _Source, statements: Sequence[QuickStatement]) -> list[str]:
    """An expression for each statement, or one for all of many."""
    if len(statements) <= MOST_UNROLLED:
        return [_applies(source, statement) for statement in statements]
    tests = [statement.applies for statement in statements]

    def some(resource: str, keys: Keys) -> bool:
        return any(test(resource, keys) for test in tests)

    return [f"{source.name(some)}(resource, keys)"]


def _applies(source: _Source, statement: QuickStatement) -> str:
    """The expression that tests a statement's resource and conditions."""
    if len(statement.tests) > MOST_UNROLLED:
        return f"{source.name(statement.applies)}(resource, keys)"
    parts: list[str] = []
    if statement.everything:
        pass
    elif statement.matcher is not None:
        parts.append(f"{source.name(statement.matcher)}(resource)")
    else:
        parts.append(f"{source.name(statement.resource)}(resource, keys)")
    parts += [f"{source.name(test)}(keys)" for test in statement.tests]
    return " and ".join(parts) or "True"
