"""Every condition key of every decision: present, absent or a default, as the table says."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args
from uuid import uuid4

import msgspec
import pytest

import keystead.identity.analyzer
import keystead.identity.anywhere
import keystead.identity.iam
import keystead.identity.instances
import keystead.identity.organizations
import keystead.identity.sts
import keystead.kms.operations
import keystead.network
import keystead.trails
from keystead.policy.evaluation import open_to_everybody
from keystead.policy.evaluation.decision import AccessDenied
from keystead.policy.evaluation.question import RefusedQuestion
from keystead.policy.findings.checks.scopes import ACTIONS
from keystead.policy.language.condition_keys import KNOWN, family
from keystead.registry import implementation, implemented
from keystead.request_keys import global_keys
from keystead.rules import Rules
from keystead.wire.http import Endpoint, HttpRequest
from keystead.wire.models import iam as api
from keystead.wire.models import organizations
from keystead.wire.query import ec2
from keystead.wire.shape import Shape
from tests import condition_keys as table
from tests import setting
from tests.condition_keys import On, Row
from tests.identity.world import Person, Tenant, document
from tests.identity.world import World as Identities
from tests.kms import world as kms
from tests.rules import RULES
from tests.server import sdk

# The operations register themselves when their modules are imported.
REGISTERED = (
    keystead.identity.analyzer,
    keystead.identity.anywhere,
    keystead.identity.iam,
    keystead.identity.instances,
    keystead.identity.organizations,
    keystead.identity.sts,
    keystead.kms.operations,
    keystead.network,
    keystead.trails,
)
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
VIA = "s3.eu-central-1.amazonaws.com"


def each(*services: str) -> pytest.MarkDecorator:
    rows = [(service, row) for service in services for row in table.TABLES[service]]
    names = [f"{service}-{row.operation}-{row.asked}-{row.on.title}" for service, row in rows]
    return pytest.mark.parametrize(("service", "row"), rows, ids=names)


def expected(row: Row, made: Mapping[str, Any], account: str) -> dict[str, Any]:
    keys = {**row.on.keys, **row.keys}
    return {
        **{name.lower(): setting.filled(value, made) for name, value in keys.items()},
        "aws:resourceaccount": account,
        **made.get("@over", {}),
    }


def asked(refused: pytest.ExceptionInfo[AccessDenied], row: Row, service: str) -> RefusedQuestion:
    """The question that was refused, which is the one of the row."""
    found = refused.value.asked
    assert found is not None
    assert found.question.context.action == row.action_of(service)
    return found


@pytest.fixture(scope="module")
def keys_and_aliases(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[kms.World, dict[str, Any]]]:
    """A key with a tag and an alias, a bare one, a ciphertext. What is refused changes nothing."""
    world = kms.World(tmp_path_factory.mktemp("kms"))
    yield world, setting.keys(world.caller(), world.now)
    world.store.close()


@each("kms")
def test_keys_of_kms_decisions(
    keys_and_aliases: tuple[kms.World, dict[str, Any]], service: str, row: Row
) -> None:
    """Who is refused what the row is about was asked with exactly its keys."""
    world, made = keys_and_aliases
    resource = {
        On.KEY: f"arn:aws:kms:*:*:key/{made['@key']}",
        On.BARE_KEY: f"arn:aws:kms:*:*:key/{made['@bare']}",
        On.PRIMARY_KEY: f"arn:aws:kms:{kms.REGION}:*:key/{made['@primary']}",
        On.REPLICA_KEY: f"arn:aws:kms:{table.REPLICA_REGION}:*:key/{made['@primary']}",
        On.EXTERNAL_KEY: f"arn:aws:kms:*:*:key/{made['@external']}",
        On.ALIAS: "arn:aws:kms:*:*:alias/*",
    }.get(row.on, "*")
    policies = [kms.allow("*"), kms.deny(f"kms:{row.asked}", resource)]
    own = {"kms:viaservice": VIA}
    caller = world.caller("alice", policies=policies, **own)
    members = {name: setting.filled(value, made) for name, value in row.request.items()}
    with pytest.raises(AccessDenied) as refused:
        caller.call(row.operation, members)

    found = dict(asked(refused, row, service).question.context.keys)
    del found["aws:principalarn"]  # of the caller, whom `world` makes
    wanted = expected(row, made, kms.ACCOUNT)
    if row.operation not in table.WITHOUT_CALLER:
        wanted |= {"kms:calleraccount": kms.ACCOUNT, **own}
    assert found == wanted


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    world = Identities.create(tmp_path_factory.mktemp("identity"))
    yield world.account("root@example.com", "111122223333")
    world.store.close()


@pytest.fixture(scope="module")
def people(tenant: Tenant) -> dict[str, Any]:
    return setting.people(tenant)


PARTS = {
    on: f"arn:aws:{service}:*:*:{part}/*"
    for on, service, part in (
        (On.MEMBER, "organizations", "account"), (On.UNIT, "organizations", "ou"),
        (On.ROOT, "organizations", "root"), (On.SCP, "organizations", "policy"),
        (On.DELEGATION, "organizations", "resourcepolicy"),
        (On.VPC, "ec2", "vpc"), (On.SUBNET, "ec2", "subnet"),
        (On.SECURITY_GROUP, "ec2", "security-group"),
        (On.ENDPOINT, "ec2", "vpc-endpoint"), (On.NEW_ENDPOINT, "ec2", "vpc-endpoint"),
    )
}  # fmt: skip


@each("iam", "sts", "organizations", "access-analyzer", "ec2", "keystead-instances",
      "rolesanywhere")  # fmt: skip
def test_keys_of_other_decisions(
    tenant: Tenant, people: dict[str, Any], service: str, row: Row
) -> None:
    """Who is refused what the row is about was asked with exactly its keys."""
    action = row.action_of(service)
    about = PARTS.get(row.on, "*")
    refusing = {"Effect": "Deny", "Action": action, "Resource": about}
    caller = tenant.user(f"caller-{uuid4()}", document(ALL, refusing))
    with pytest.raises(AccessDenied) as refused:
        call(caller, service, row, people)

    found = dict(asked(refused, row, service).question.context.keys)
    principal = caller.caller.keys
    wanted = expected(row, people, tenant.id)
    assert {name: found[name] for name in found if name not in principal} == wanted


def call(caller: Person, service: str, row: Row, made: Mapping[str, Any]) -> None:
    """Make the call of a row, its members by their names on the wire."""
    served = implementation(service, row.operation)
    assert served is not None
    if service == "ec2":  # its forms spell the members of structures in another way
        sent = {name: setting.filled(value, made) for name, value in row.request.items()}
        asked = ec2.read(served.operation, sdk.form(service, row.operation, sent))
        caller(served.operation, **{name: getattr(asked, name) for name in asked.__struct_fields__})
        return
    fields = msgspec.structs.fields(served.operation.input)
    names = {one.encode_name.lower(): one for one in fields}
    members = {
        names[name.lower()].name: msgspec.convert(
            _spelled(setting.filled(value, made), names[name.lower()].type),
            names[name.lower()].type,
        )
        for name, value in row.request.items()
    }
    caller(served.operation, **members)


def _spelled(value: Any, kind: Any) -> Any:
    """A structure inside of a request, its members as our types name them on the wire."""
    if not isinstance(value, dict):
        return value
    for each in (kind, *get_args(kind)):
        if isinstance(each, type) and issubclass(each, Shape):
            names = {one.encode_name.lower(): one for one in msgspec.structs.fields(each)}
            return {names[name.lower()].encode_name: member for name, member in value.items()}
    return value


def may_be_refused(rules: Rules) -> bool:
    """Does it ask about anything that is not open to everybody?"""
    return any(not open_to_everybody(action.lower()) for action in rules.asks)


def test_every_operation_has_its_rows() -> None:
    """What is served and asks is in the table, and nothing else."""
    served = (
        {
            (one.operation.service.name, one.operation.name)
            for one in implemented()
            if may_be_refused(RULES[one.operation.service.name][one.operation.name])
        }
        - set(table.BY_PROOF)
        - set(table.FOR_SERVICES)
    )
    assert {(service, row.operation) for service, rows in table.TABLES.items() for row in rows} == (
        served
    )


ROWS = [(service, row) for service, rows in table.TABLES.items() for row in rows]


def test_the_keys_are_known() -> None:
    """Each key of the table is in the list of keys, as supplied, with its number of values."""
    for _, row in ROWS:
        for name, value in {**row.on.keys, **row.keys}.items():
            fact = KNOWN[family(name.lower())]
            assert fact.supplied, name
            assert fact.multi_valued is isinstance(value, tuple), name
            if fact.type == "Bool":
                assert value in ("true", "false"), name


def test_policies_are_checked_by_the_same_table() -> None:
    """ValidatePolicy knows which actions have a key: those that get it here."""
    given: dict[tuple[str, str], set[str]] = {}
    asked_here = set()
    for served_by, row in ROWS:
        service, _, action = row.action_of(served_by).lower().partition(":")
        asked_here.add((service, action))
        for name in row.keys:
            given.setdefault((family(name.lower()), service), set()).add(action)
    for (key, service), actions in ACTIONS.items():
        served = {action for action in actions if (service, action) in asked_here}
        missing = served - given.get((key, service), set())
        assert not missing or key in table.NEVER_SENT, (key, missing)
        assert given.get((key, service), set()) <= actions, key


def test_what_no_decision_has(tenant: Tenant) -> None:
    """Keys without a value yet are in no row; one that would be a trap is refused in policies."""
    had = {family(name.lower()) for _, row in ROWS for name in row.keys}
    assert not had & set(table.NEVER_SENT)
    unused = {"StringEquals": {"sts:RoleAuthorizedByIdp": "someone"}}
    trap = {"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "*", "Condition": unused}
    with pytest.raises(api.MalformedPolicyDocumentException):
        tenant.user("trapped", document(trap))


PRINCIPAL = {
    "aws:principalaccount": "444455556666",
    "aws:principalisawsservice": "false",
}


def test_keys_of_principals(tmp_path: Path) -> None:
    """A user has a name and tags, root has neither; long-term keys know nothing of MFA."""
    world = Identities.create(tmp_path / "installation")
    tenant = world.account("root@example.com", "444455556666")
    arn = "arn:aws:iam::444455556666"
    root = {
        **PRINCIPAL,
        "aws:principalarn": f"{arn}:root",
        "aws:principaltype": "Account",
        "aws:userid": "444455556666",
    }
    assert tenant.root.caller.keys == root
    tags = [api.Tag(key="Team", value="blue"), api.Tag(key="empty", value="")]
    made = tenant.root(api.CreateUser, user_name="Zoe", path="/a/", tags=tags).user
    assert made is not None
    person = Person(tenant, "Zoe")
    assert person.caller.keys == {
        **PRINCIPAL,
        "aws:principalarn": f"{arn}:user/a/Zoe",
        "aws:principaltype": "User",
        "aws:userid": made.user_id,
        "aws:username": "Zoe",
        "aws:principaltag/team": "blue",
        "aws:principaltag/empty": "",
    }
    name = tenant.root(organizations.CreateOrganization).organization
    [tree] = tenant.root(organizations.ListRoots).roots or []
    assert name is not None
    path = f"{name.id}/{tree.id}/"
    over = {"aws:principalorgid": name.id, "aws:principalorgpaths": (path,)}
    assert tenant.root.caller.keys == root | over
    world.store.close()


NOW = datetime(2026, 11, 24, 12, 0, 0, 900_000, tzinfo=UTC)
ALWAYS = {
    "aws:currenttime": "2026-11-24T12:00:00Z",
    "aws:epochtime": "1795521600",
    "aws:requestedregion": "eu-central-1",
    "aws:viaawsservice": "false",
    "aws:username": "jo",
}
ENDPOINT = Endpoint("vpc", "vpce-1")
OF_ENDPOINT = {"aws:sourcevpce": "vpce-1", "aws:vpceaccount": "111122223333"}


@pytest.mark.parametrize(
    ("headers", "secure", "endpoint", "keys"),
    [
        ({}, False, Endpoint(), {"aws:securetransport": "false", "aws:sourceip": "192.0.2.7"}),
        (
            {"user-agent": "boto3", "referer": "https://example.com/"},
            True,
            Endpoint(),
            {
                "aws:securetransport": "true",
                "aws:sourceip": "192.0.2.7",
                "aws:useragent": "boto3",
                "aws:referer": "https://example.com/",
            },
        ),
        (
            {"user-agent": "", "referer": ""},
            True,
            Endpoint("vpc", "vpce-1"),
            {
                "aws:securetransport": "true",
                **OF_ENDPOINT,
                "aws:vpcsourceip": "192.0.2.7",
            },
        ),
        (
            {"x-forwarded-for": "10.0.0.1", "aws:username": "root"},
            True,
            ENDPOINT,
            {
                "aws:securetransport": "true",
                **OF_ENDPOINT,
                "aws:vpcsourceip": "192.0.2.7",
            },
        ),
    ],
    ids=["plain", "all headers", "endpoint, empty headers", "endpoint, other headers"],
)
def test_keys_of_requests(
    headers: dict[str, str], secure: bool, endpoint: Endpoint, keys: dict[str, str]
) -> None:
    """What the socket, the clock and two headers say; what has no value is absent."""
    request = HttpRequest("POST", "/", "", headers, b"", "192.0.2.7", secure, endpoint)
    network = OF_ENDPOINT if endpoint.vpce_id else None
    found = global_keys(request, NOW, "eu-central-1", {"aws:username": "jo"}, network)
    assert found == {**ALWAYS, **keys}


def test_keys_of_calls_by_services() -> None:
    """No request has them, whatever its headers say; a policy that uses them can be stored."""
    claimed = dict.fromkeys(table.OF_CALLS_BY_SERVICES, "111122223333")
    claimed |= {"x-amz-source-account": "111122223333", "x-amz-source-arn": "arn:aws:s3:::b"}
    request = HttpRequest("POST", "/", "", claimed, b"", "192.0.2.7", True, ENDPOINT)
    found = global_keys(request, NOW, "eu-central-1", {}, OF_ENDPOINT)
    assert not set(table.OF_CALLS_BY_SERVICES) & set(found)
    for name in table.OF_CALLS_BY_SERVICES:
        assert KNOWN[name].supplied
    had = {name.lower() for _, row in ROWS for name in (*row.on.keys, *row.keys)}
    assert not set(table.OF_CALLS_BY_SERVICES) & had
