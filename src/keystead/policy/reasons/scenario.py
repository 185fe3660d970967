"""How would a question in JSON be decided?  `keystead decide` reads one line and writes one line.

In:  id, principal, principalRole, action, resource, resourceAccount,
     context (a text or a list of texts for each key),
     identityPolicies [document], resourcePolicy, boundary, sessionPolicy, vpcEndpointPolicy,
     scopeDownPolicies [document]: one for each call of GetScopedCredentials,
     scps and rcps [[document]]: one list for each level, from the organization's root
Out: id, decision (Allowed, ImplicitlyDenied, ExplicitlyDenied), kind, statements, message;
     trace on demand; or error, for a line or a document that could not be stored

A document is an object, or a text that holds one. Its ARNs are of the caller's partition (of the
resource's, if the caller has no ARN). Principals in documents are matched by their ARNs. Some
condition keys follow from the principal and the resource's owner (iam.md 6.1), and need not be
written. A value in `context` replaces them. All other keys have a value only in `context`.
"""

from collections.abc import Iterator, Mapping

import msgspec

from keystead.arns import PARTITIONS, account_in, partition_in, written
from keystead.policy.evaluation import (
    NO_KEYS,
    ContextValue,
    Decision,
    Finding,
    OverAccount,
    PolicySource,
    PrincipalPolicies,
    Question,
    ask,
    evaluate,
    is_service_linked,
    policy_required,
    principal_keys,
)
from keystead.policy.findings import action_problem, key_problem
from keystead.policy.language import (
    GREATEST_SIZES,
    WEB_PROVIDERS,
    DocumentKind,
    MalformedPolicy,
    Principal,
    PrincipalType,
    compile_policy,
    is_too_long,
)
from keystead.policy.text import ascii_lower

Document = msgspec.Raw
_UNKNOWN_ID = ""  # an ARN does not tell the unique id, so no condition sees one
_EVERY_ACCOUNTS = "aws"  # it takes the account's place in the ARNs of AWS managed policies
_ANY_SESSION = "*"  # no session has this name, and no policy can name a session by it
_NOTHING = msgspec.Raw(b"null")


class BadScenario(ValueError):
    """The line has no valid question. The message tells why."""


class Scenario(msgspec.Struct, rename="camel"):
    """One question, as the line writes it."""

    principal: str
    action: str
    resource: str
    id: msgspec.Raw = _NOTHING
    principal_role: str | None = None
    resource_account: str | None = None
    context: dict[str, str | list[str]] = msgspec.field(default_factory=dict)
    identity_policies: list[Document] | None = None
    resource_policy: Document = _NOTHING
    scps: list[list[Document]] | None = None
    rcps: list[list[Document]] | None = None
    boundary: Document = _NOTHING
    session_policy: Document = _NOTHING
    scope_down_policies: list[Document] | None = None
    vpc_endpoint_policy: Document = _NOTHING


class _Resource(msgspec.Struct, frozen=True):
    """The resource of a line: its name, its owner and its own policy."""

    arn_text: str
    owner: str
    resource_policies: tuple[PolicySource, ...]
    resource_policy_required: bool
    grants: tuple[PolicySource, ...] = ()
    condition_keys: Mapping[str, ContextValue] = NO_KEYS


class Deciding(msgspec.Struct):
    """A statement that decided: where its policy is in the line, and its index in the policy."""

    policy: str
    kind: str
    index: int
    sid: str
    effect: str


class Answer(msgspec.Struct, rename="camel", omit_defaults=True):
    """One answer, as the line writes it."""

    id: msgspec.Raw
    decision: str = ""
    kind: str | None = None
    statements: tuple[Deciding, ...] | None = None
    message: str = ""
    trace: tuple[Finding, ...] = ()
    error: str = ""
    ignored: tuple[str, ...] = ()  # members of the line that are not known here


class _Identified(msgspec.Struct):
    id: msgspec.Raw = _NOTHING


_MEMBERS = frozenset(field.encode_name for field in msgspec.structs.fields(Scenario))
_read = msgspec.json.Decoder(Scenario).decode
_read_id = msgspec.json.Decoder(_Identified).decode
_read_names = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_write = msgspec.json.Encoder().encode


def decide_line(line: bytes | str, *, explain: bool = False) -> bytes:
    """The answer to one line, without a line end."""
    try:
        scenario = _read(line)
        decision = evaluate(question(scenario))
    except (msgspec.DecodeError, BadScenario, UnicodeDecodeError) as error:
        return _write(Answer(id=_id_of(line), error=str(error)))
    return _write(_answer(scenario, decision, _ignored(line), explain=explain))


def _id_of(line: bytes | str) -> msgspec.Raw:
    try:
        return _read_id(line).id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _NOTHING


def _ignored(line: bytes | str) -> tuple[str, ...]:
    return tuple(sorted(_read_names(line).keys() - _MEMBERS))


def _answer(
    scenario: Scenario, decision: Decision, ignored: tuple[str, ...], *, explain: bool
) -> Answer:
    return Answer(
        id=scenario.id,
        decision=decision.outcome.value,
        kind=decision.kind.value if decision.kind is not None else None,
        statements=tuple(
            Deciding(
                statement.policy,
                statement.kind.value,
                statement.index,
                statement.sid,
                statement.effect,
            )
            for statement in decision.statements
        ),
        message="" if decision.allowed else decision.message,
        trace=decision.trace if explain else (),
        ignored=ignored,
    )


def question(scenario: Scenario) -> Question:
    """The question that a scenario asks; raises BadScenario."""
    for problem in (action_problem(scenario.action), *map(key_problem, scenario.context)):
        if problem:
            raise BadScenario(problem)
    principal = principal_named(scenario.principal, scenario.principal_role or "", scenario.action)
    partition = _partition(scenario)
    return ask(
        principal,
        _own_policies(scenario, partition),
        scenario.action,
        _resource(scenario, principal, partition),
        principal_keys(principal),
        given=_keys(scenario.context),
        over=OverAccount(_levels(scenario.rcps, DocumentKind.RCP, "rcps", partition)),
        endpoint=_source(
            scenario.vpc_endpoint_policy, DocumentKind.ENDPOINT, "vpcEndpointPolicy", partition
        ),
    )


def _keys(context: Mapping[str, str | list[str]]) -> dict[str, ContextValue]:
    keys: dict[str, ContextValue] = {}
    for name, value in context.items():
        keys[ascii_lower(name)] = value if isinstance(value, str) else tuple(value)
    if len(keys) != len(context):
        raise BadScenario("`context` has two keys that differ only by case")
    return keys


def owner_of(resource: str) -> str:
    """The account in an ARN; "" if it names none, and for AWS's own policies."""
    owner = account_in(resource)
    return owner if owner != _EVERY_ACCOUNTS else ""


def _resource(scenario: Scenario, principal: Principal, partition: str) -> _Resource:
    """The resource of the line."""
    action, arn = ascii_lower(scenario.action), scenario.resource
    kind = resource_document(action, arn)
    policy = _source(scenario.resource_policy, kind, "resourcePolicy", partition)
    return _Resource(
        arn,
        scenario.resource_account or owner_of(arn) or principal.account,
        () if policy is None else (policy,),
        policy_required(action, arn),
    )


def _own_policies(scenario: Scenario, partition: str) -> PrincipalPolicies:
    """The caller's own policies in the line."""
    identity = _sources(
        scenario.identity_policies, DocumentKind.IDENTITY, "identityPolicies", partition
    )
    return PrincipalPolicies(
        identity_based=tuple(identity),
        boundary=_source(scenario.boundary, DocumentKind.BOUNDARY, "boundary", partition),
        session=_session(scenario.session_policy, partition),
        service_control=_levels(scenario.scps, DocumentKind.SCP, "scps", partition),
        scope_down=tuple(
            (source,)
            for source in _sources(
                scenario.scope_down_policies, DocumentKind.SESSION, "scopeDownPolicies", partition
            )
        ),
    )


def _partition(scenario: Scenario) -> str:
    """The partition of the documents' ARNs; "" if neither caller nor resource has an ARN."""
    for name in (scenario.principal, scenario.resource):
        if name.startswith("arn:"):
            partition = partition_in(name)
            return partition if partition in PARTITIONS else ""
    return ""


def resource_document(action: str, resource: str) -> DocumentKind:
    """The kind of the resource's own policy. The action is in lower case."""
    if not policy_required(action, resource):
        return DocumentKind.RESOURCE
    return DocumentKind.TRUST if action.startswith("sts:") else DocumentKind.KEY


def _session(document: Document, partition: str) -> tuple[tuple[PolicySource, ...], ...]:
    """The session policies of the line: one document, a list of them, or a list for each level."""
    kind, where = DocumentKind.SESSION, "sessionPolicy"
    if bytes(document)[:1] != b"[":
        source = _source(document, kind, where, partition)
        return () if source is None else ((source,),)
    listed = msgspec.json.decode(document, type=list[Document])
    if listed and all(bytes(item)[:1] == b"[" for item in listed):
        levels = msgspec.json.decode(document, type=list[list[Document]])
        return _levels(levels, kind, where, partition)
    return (tuple(_sources(listed, kind, where, partition)),)


def _levels(
    levels: list[list[Document]] | None, kind: DocumentKind, where: str, partition: str
) -> tuple[tuple[PolicySource, ...], ...]:
    return tuple(
        tuple(_sources(documents, kind, f"{where}[{i}]", partition))
        for i, documents in enumerate(levels or ())
    )


def _sources(
    documents: list[Document] | None, kind: DocumentKind, where: str, partition: str
) -> Iterator[PolicySource]:
    for i, document in enumerate(documents or ()):
        source = _source(document, kind, f"{where}[{i}]", partition)
        if source is not None:
            yield source


def _source(
    document: Document, kind: DocumentKind, where: str, partition: str
) -> PolicySource | None:
    """The policy in one member of the line; raises BadScenario if it cannot be stored."""
    text = bytes(document).decode()
    if text == "null":
        return None
    if text.startswith('"'):
        text = msgspec.json.decode(document, type=str)
    if is_too_long(text, kind):
        raise BadScenario(f"{where}: the document is longer than {GREATEST_SIZES[kind]}")
    try:
        policy = compile_policy(
            text, kind, accept_unsupported_condition_keys=True, partition=partition
        )
    except MalformedPolicy as refused:
        detail = "" if refused.detail == refused.message else f" ({refused.detail})"
        raise BadScenario(f"{where}: {refused.message}{detail}") from None
    return PolicySource(policy, where)


def principal_named(name: str, role: str, action: str) -> Principal:
    """The caller that an ARN or a service's name stands for; raises BadScenario.

    The ARN of a role stands for a session of that role, and no policy names this session by itself.
    `role` is the ARN of a session's role; without it the role has no path. For a federated user it
    is the ARN of the user who federated.
    """
    if name == "anonymous":
        return Principal(PrincipalType.ANONYMOUS, name, "", name)
    if not name.startswith("arn:"):
        return _host(name, action)
    arn = written(name)
    if arn is None:
        raise BadScenario(f"`principal` {name} is not an ARN")
    account, resource = arn.account, arn.resource
    form, _, rest = resource.partition("/")
    match form:
        case "root":
            return Principal(PrincipalType.ACCOUNT, name, account, account, principal_arn=name)
        case "user":
            user = rest.rpartition("/")[2]
            return Principal(
                PrincipalType.USER, name, account, _UNKNOWN_ID, name=user, principal_arn=name
            )
        case "role":
            if role not in ("", name):
                raise BadScenario(f"`principalRole` {role} is not the role in `principal`")
            any_session = f"assumed-role/{rest.rpartition('/')[2]}/{_ANY_SESSION}"
            return _session_of(name, f"arn:{arn.partition}:sts::{account}:{any_session}", account)
        case "assumed-role":
            pathless = f"arn:{arn.partition}:iam::{account}:role/{rest.split('/')[0]}"
            return _session_of(role or pathless, name, account)
        case "federated-user":
            return Principal(
                PrincipalType.FEDERATED_USER,
                name,
                account,
                f"{account}:{rest}",
                principal_arn=name,
                issuer_arn=role,
            )
        case "saml-provider" | "oidc-provider":
            return Principal(PrincipalType.FEDERATED, name, "", _UNKNOWN_ID, issuer_arn=name)
    raise BadScenario(f"`principal` {name} is not a principal that can make requests")


def _session_of(role: str, session: str, account: str) -> Principal:
    """A session of a role, both by their ARNs."""
    return Principal(
        PrincipalType.ASSUMED_ROLE,
        session,
        account,
        _UNKNOWN_ID,
        principal_arn=role,
        issuer_arn=role,
        service_linked=is_service_linked(role),
    )


def _host(name: str, action: str) -> Principal:
    """A service, or a provider of web identities: some names are both."""
    if "." not in name:
        raise BadScenario(f"`principal` {name} is neither an ARN nor a service")
    by_assertion = ascii_lower(action).startswith("sts:assumerolewith")
    if name in WEB_PROVIDERS and (by_assertion or not name.endswith(".amazonaws.com")):
        return Principal(PrincipalType.FEDERATED, name, "", _UNKNOWN_ID, issuer_arn=name)
    return Principal(PrincipalType.SERVICE, name, "", name, service_names=(name,))
