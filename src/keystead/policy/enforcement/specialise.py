"""Which parts of a decision stay open when the documents and the action are known?

Most statements do not concern the action and fall away. The open parts are a function of the
principal, the resource and the condition keys. Enforcement keeps one such function for each
combination of documents and action (`enforce`). It gives the answer of `evaluate`, with the same
steps in the same order, but without reasons. `evaluate` is the definition.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from itertools import chain, product
from types import CodeType

import msgspec

from keystead.pauses import pausing
from keystead.policy.enforcement.codegen import (
    REFUSED,
    Named,
    Remainder,
    Residual,
    Routes,
    Verdict,
    Whom,
    generate,
)
from keystead.policy.enforcement.quick_statements import Quick, QuickStatement
from keystead.policy.evaluation import (
    ApplicablePolicies,
    Bound,
    PolicyKind,
    PolicySource,
    Question,
    RequestContext,
    allowed_by,
    bound_by,
    may_be_reserved,
    open_to_everybody,
    reserved,
    resource_kind,
    resource_refuses,
    under_resource_control,
    under_service_control,
)
from keystead.policy.language import (
    Grade,
    Keys,
    Principal,
    PrincipalElement,
    Principals,
    PrincipalType,
    ResourceTest,
    Test,
)
from keystead.policy.text import ascii_lower

Ceiling = Callable[[RequestContext], bool]
"""Do the policies above caller and resource allow?"""

NamedTest = tuple[Whom, ResourceTest]
"""A statement that is tested by itself."""

# Bytes of: any residual; each statement or condition in it; each name of a principal.
_RESIDUAL, _PART, _NAME = 4000, 350, 70

NOBODY, LIMITED, DIRECT = Grade.NOBODY, Grade.LIMITED, Grade.DIRECT


class About(msgspec.Struct, frozen=True):
    """It finds the statements of policies about one action, which is in lower case."""

    action: str
    quick: Quick

    def __call__(self, sources: Iterable[PolicySource], *, allow: bool) -> list[QuickStatement]:
        """The statements of one effect. Those without conditions come first."""
        statements = [
            self.quick(source.policy, statement)
            for source in sources
            for statement in pausing(source.policy.statements, after=8)
            if statement.allow is allow and statement.actions.matches(self.action)
        ]
        return sorted(statements, key=lambda statement: not statement.unconditional)


def compile_residual(
    policies: ApplicablePolicies, action: str, code: Callable[[str], CodeType], quick: Quick
) -> Residual:
    """The function that decides this action under these documents. It reads grants in each call."""
    name = ascii_lower(action)
    about = About(name, quick)
    if open_to_everybody(name):
        return _open(about, policies.endpoint)
    own = policies.principal
    bounded = own.boundary is not None
    holder = (*own.identity_based, *_one(own.boundary))
    named = (*policies.resource_based, *_one(policies.endpoint))
    denies, other_denies = _denies(about, named)
    return generate(
        Remainder(
            denies=denies,
            own_denies=about(holder, allow=False),
            session_denies=about(chain(*own.session), allow=False),
            ceilings=_ceilings(policies, about, other_denies, bounded=bounded),
            resource=_allows(about, policies.resource_based),
            granted=partial(_granted, name, bounded=bounded),
            identity=about(own.identity_based, allow=True),
            boundary=about(_one(own.boundary), allow=True) if bounded else None,
            session=[about(level, allow=True) for level in own.session],
            routes=_routes(
                policies.resource_policy_required,
                policies.cross_account_allowed,
                policies.sessions_always_bound,
                bool(own.session),
                resource_kind(name),
            ),
            bounded=bounded,
        ),
        code,
    )


def _open(about: About, endpoint: PolicySource | None) -> Residual:
    """What is open to everybody asks the policy of the endpoint alone."""
    if endpoint is None:
        return lambda _: None
    denies, allows = (_named(about, (endpoint,), allow=effect) for effect in (False, True))

    def passes(question: Question) -> Verdict:
        context = question.context
        allowed = _applies(allows, context, False) and not _applies(denies, context, False)
        return None if allowed else REFUSED

    return passes


def weight(policies: ApplicablePolicies, action: str) -> int:
    """The bytes that a residual takes, without the documents."""
    name = ascii_lower(action)
    asked = [s for p in policies.every for s in p.policy.statements if s.actions.matches(name)]
    named = sum(len(s.principals.names) for s in asked if isinstance(s.principals, Principals))
    parts = sum(1 + len(s.conditions) for s in asked)
    return _RESIDUAL + _PART * parts + _NAME * named


def _one(source: PolicySource | None) -> tuple[PolicySource, ...]:
    return () if source is None else (source,)


def _named(about: About, sources: Iterable[PolicySource], *, allow: bool) -> list[NamedTest]:
    return [
        (_whom(statement.principals), statement.applies)
        for statement in about(sources, allow=allow)
    ]


def _denies(about: About, sources: Iterable[PolicySource]) -> tuple[list[Test], list[NamedTest]]:
    """The Denies that only depend on condition keys, and all other Denies."""
    of_keys: list[Test] = []
    others: list[NamedTest] = []
    for statement in about(sources, allow=False):
        principals = statement.principals
        everybody = principals is None or (
            isinstance(principals, Principals) and principals.everybody
        )
        if everybody and statement.keys_test is not None:
            of_keys.append(statement.keys_test)
        else:
            others.append((_whom(principals), statement.applies))
    return of_keys, others


def _allows(about: About, sources: Iterable[PolicySource]) -> list[Named]:
    """The Allows of the resource's policies. Those without conditions are combined into one."""
    always: list[Principals] = []
    sometimes: list[Named] = []
    for statement in about(sources, allow=True):
        principals = statement.principals
        if statement.unconditional and isinstance(principals, Principals):
            always.append(principals)
        else:
            sometimes.append((_whom(principals), statement.applies))
    if not always:
        return sometimes
    together = Principals(
        frozenset().union(*(principals.names for principals in always)),
        everybody=any(principals.everybody for principals in always),
        bearers=any(principals.everybody and principals.bearers for principals in always),
    )
    return [(together.grade, None), *sometimes]


def _whom(principals: PrincipalElement | None) -> Whom:
    """How a statement names a caller. Without principals it is about the holder of the policy."""
    return _everybody if principals is None else principals.grade


def _everybody(_: Principal, __: bool) -> Grade:
    return DIRECT


def _some(about: About, sources: Iterable[PolicySource]) -> ResourceTest:
    """A test: does an Allow apply, in policies about their holder?"""
    statements = about(sources, allow=True)
    tests = tuple(statement.applies for statement in statements)
    if len(tests) == 1 or (statements and statements[0].unconditional):
        return tests[0]

    def some(resource: str, keys: Keys) -> bool:
        for applies in tests:  # noqa: SIM110  # a generator costs more than the tests
            if applies(resource, keys):
                return True
        return False

    return some


def _ceilings(
    policies: ApplicablePolicies, about: About, denies: list[NamedTest], *, bounded: bool
) -> tuple[Ceiling, ...]:
    """The policies that bind every caller, where they exist: steps (1) to (4), and (9)."""
    ceilings: list[Ceiling] = []
    action = about.action
    if denies:
        ceilings.append(lambda context: not _applies(denies, context, bounded))
    if may_be_reserved(action):
        ceilings.append(lambda context: not reserved(action, context.resource))
    if policies.resource_control:
        controls = _named(about, chain.from_iterable(policies.resource_control), allow=False)
        ceilings.append(_resource_control(action, controls, bounded=bounded))
    levels = policies.principal.service_control
    if levels:
        denying = about(chain.from_iterable(levels), allow=False)
        ceilings.append(
            _service_control(
                [statement.applies for statement in denying],
                [_some(about, level) for level in levels],
            )
        )
    scopes = policies.principal.scope_down
    if scopes:
        denying = about(chain.from_iterable(scopes), allow=False)
        ceilings.append(
            _levels(
                [statement.applies for statement in denying],
                [_some(about, level) for level in scopes],
            )
        )
    if policies.endpoint is not None:
        allows = _named(about, (policies.endpoint,), allow=True)
        ceilings.append(lambda context: _applies(allows, context, bounded))
    return tuple(ceilings)


def _applies(statements: Iterable[NamedTest], context: RequestContext, bounded: bool) -> bool:
    """Does one of these statements name the caller and apply?"""
    who, resource, keys = context.principal, context.resource, context.keys
    return any(names(who, bounded) and applies(resource, keys) for names, applies in statements)


def _resource_control(action: str, denies: list[NamedTest], *, bounded: bool) -> Ceiling:
    """RCPs only deny."""

    def allows(context: RequestContext) -> bool:
        bound = under_resource_control(action, context.resource, context.principal)
        return not (bound and _applies(denies, context, bounded))

    return allows


def _service_control(denies: list[ResourceTest], levels: list[ResourceTest]) -> Ceiling:
    """No SCP denies, and every level of SCPs allows."""
    within = _levels(denies, levels)

    def allows(context: RequestContext) -> bool:
        return not under_service_control(context.principal) or within(context)

    return allows


def _levels(denies: list[ResourceTest], levels: list[ResourceTest]) -> Ceiling:
    """No statement denies, and every level allows."""

    def allows(context: RequestContext) -> bool:
        resource, keys = context.resource, context.keys
        if any(applies(resource, keys) for applies in denies):
            return False
        return all(some(resource, keys) for some in levels)

    return allows


def _granted(action: str, question: Question, *, bounded: bool) -> Grade:
    """How grants name the caller. Each key may have others, so every call reads them."""
    best, context = NOBODY, question.context
    for source in question.policies.grants:
        for statement in source.policy.statements:
            if not (statement.allow and statement.actions.matches(action)):
                continue
            grade = _whom(statement.principals)(context.principal, bounded)
            if grade > best and statement.applies(context.resource, context.keys):
                best = grade
    return best


@lru_cache(maxsize=64)
def _routes(
    required: bool, cross_account: bool, strict: bool, passed: bool, resource: PolicyKind
) -> Routes:
    """The results of `binding` for every possible caller. `passed`: with session policies."""
    routes: Routes = {}
    for kind, grade, granted, foreign in product(
        PrincipalType, Grade, (False, True), (False, True)
    ):
        refused = resource_refuses(
            kind, grade, foreign=foreign, required=required, cross_account=cross_account
        )
        by_grant = LIMITED if granted else NOBODY
        bound = bound_by(kind, grade, by_grant, foreign=foreign, strict=strict)
        if kind is PrincipalType.FEDERATED_USER and bound & Bound.SESSION and not passed:
            refused = True  # a federated user needs a session policy
        routes[kind, grade, granted, foreign] = (
            None
            if refused
            else (
                bool(bound & Bound.IDENTITY),
                bool(bound & Bound.BOUNDARY),
                bool(bound & Bound.SESSION),
                allowed_by(grade, bound, resource),
            )
        )
    return routes
