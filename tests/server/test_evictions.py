"""No cached view outlives what it was made of: every table, every change, every way to undo it.

The tables, their rows and their columns are discovered. What the warm caches give after a change is
held against what is given when nothing is kept.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import msgspec
import pytest

from keystead import registry
from keystead.custody.rows.rows import Record, SealedTable
from keystead.registry import Implementation
from keystead.server.pipeline import Answer, routing
from keystead.store.protocol import StoreConflict, StoreUnavailable, Transaction, Value
from keystead.store.sqlite.turn import Turn
from tests.server.eviction_rows import (
    add_endpoints,
    add_external_key,
    add_grants,
    add_key,
    add_replicas,
    add_user,
    organize,
)
from tests.server.eviction_sessions import (
    certificate_sessions,
    directory_session,
    instance_session,
    login_session,
    role_session,
    root_task,
    saml_session,
    service,
    sessions_around_a_closing,
    web_session,
)
from tests.server.eviction_world import ALLOW, DENY, World, answered
from tests.server.installations import open_local
from tests.server.second_factors import Somebody

NOT_SEEN = {
    "org_feature_handshake", "org_handshake", "org_resource_policy",  # read by the call itself
    "kms_grant_counts", "kms_key_counts", "kms_key_uses", "kms_materials",
    "kms_tombstone_statements",
    "kms_tombstones", "server_clock",
    "iam_forwarded",  # read by the call itself
    "ra_crl_data", "ra_subject", "ra_used_request",  # as before
    "ec2_agent", "ec2_enrolment_token", "ec2_instance",  # read by the calls about them
    "ec2_instance_tags",
    "ec2_metadata_defaults",  # likewise, and when an instance is registered
    "iam_saml_assertion", "iam_saml_document", "iam_saml_key", "iam_saml_sign_on",
    # read by the calls about passwords and codes themselves
    "iam_password_attempt", "iam_mfa_code", "signin_arrival", "signin_attempt",
    "signin_challenge", "signin_facts", "signin_provider", "signin_role", "signin_root_password",
    "signin_session",
    # these, and those of the lines above, are read anew for each page
    "signin_code", "signin_proof",  # read by the calls of programs themselves
    # found by the hash of its text, which stands in the row of its key
    "kms_key_policies", "kms_policy_texts", "kms_policy_uses",
}  # fmt: skip
"""Tables that no cached view is made of: whatever changes there alone, nobody's view does."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Users, a session of a role, and two keys with aliases and tags."""
    local = open_local(tmp_path_factory.mktemp("evictions") / "data")
    world = World(local)
    organize(local)
    local.iam("UpdateAccountPasswordPolicy", AllowUsersToChangePassword="true")
    for number, document in enumerate((ALLOW, DENY)):
        add_user(world, f"user-{number}", document)
        add_key(world, number)
    somebody = Somebody(local, "somebody")
    add_replicas(world)
    add_external_key(world)
    sessions = (
        role_session(local), root_task(local), somebody.session(), web_session(local),
        directory_session(local), instance_session(local), saml_session(local), service(local),
        login_session(local), *sessions_around_a_closing(local),
    )  # fmt: skip
    callers = [local.admin, *(user.admin for user in world.users), *sessions]
    for who in callers:
        for alias in ("alias/key-0", "alias/key-1", "alias/none"):
            world.described.append(local.kms_request("DescribeKey", who, KeyId=alias))
        for key in world.keys:
            world.used.append(local.kms_request("Encrypt", who, KeyId=key, Plaintext="aGk="))
    for who in certificate_sessions(local):  # one request of each is enough
        world.described.append(local.kms_request("DescribeKey", who, KeyId="alias/key-0"))
    for region, key in world.places[len(world.keys) :]:  # one caller is enough for these
        asked = {"KeyId": key, "Plaintext": "aGk="}
        world.used.append(local.kms_request("Encrypt", region=region, **asked))
    add_grants(world)
    add_endpoints(world)
    yield world
    local.installation.close()


# The changes

Change = Callable[[Transaction], object]


def _others(world: World, table: SealedTable[Any], record: Record, column: str) -> list[Value]:
    """Other values for a column: of another row, or made of its own."""
    own: Any = getattr(record, column)
    others = [getattr(each, column) for each in world.records(table)]
    made = own + 1 if isinstance(own, (int, float)) else own + own[:1] if own else "x"
    return [*dict.fromkeys(each for each in others if each != own), made]


def _updates(world: World, table: SealedTable[Any], record: Record) -> Iterator[Change]:
    """Each column of a row changed, one at a time."""
    for column in table.columns:
        if column not in table.key:
            for value in _others(world, table, record, column):
                changed = msgspec.structs.replace(record, **{column: value})
                yield partial(_update, table, changed)


def changes(world: World, table: SealedTable[Any]) -> Iterator[tuple[str, Change]]:
    """Every row updated and deleted."""
    for record in world.records(table):
        for update in _updates(world, table, record):
            yield "update", update
        yield "delete", partial(_delete, table, record)


def _insert(table: SealedTable[Any], record: Record, transaction: Transaction) -> None:
    table.insert(transaction, record)


def _update(table: SealedTable[Any], record: Record, transaction: Transaction) -> None:
    table.update(transaction, record)


def _delete(table: SealedTable[Any], record: Record, transaction: Transaction) -> None:
    assert table.delete(transaction, *[getattr(record, column) for column in table.key])


def performed(world: World, change: Change) -> bool:
    """Make a change, as one call of the turn; False where a constraint refuses it."""
    try:
        with world.local.installation.store.write() as transaction:
            change(transaction)
    except StoreConflict:
        return False
    return True


def forget(world: World) -> None:
    """Let nothing be kept."""
    world.local.installation.store.changes.forget()


def truth(world: World) -> dict[str, object]:
    """What the caches give, which is what is true."""
    warm = world.views()
    forget(world)
    true = world.views()
    assert warm == true
    return warm


def undo(world: World) -> None:
    world.local.installation.trail.abandon()


@pytest.fixture(scope="module")
def seen(world: World) -> dict[str, dict[str, Change]]:
    """For each table a change of each kind that somebody's view shows; every change was tried."""
    seen: dict[str, dict[str, Change]] = {name: {} for name in world.tables}
    before = truth(world)
    for name, table in world.tables.items():
        for kind, change in changes(world, table):
            if performed(world, change) and truth(world) != before:
                seen[name].setdefault(kind, change)
            undo(world)
            assert world.views() == before
    return seen


def each(seen: Mapping[str, Mapping[str, Change]]) -> Iterator[Change]:
    return (change for kinds in seen.values() for change in kinds.values())


def test_every_change_is_seen(world: World, seen: dict[str, dict[str, Change]]) -> None:
    """Rows updated and deleted one by one; and each table that decisions depend on was seen to."""
    assert {name for name, kinds in seen.items() if not kinds} == NOT_SEEN


@pytest.mark.parametrize("looked_for", [True, False])
def test_what_appears_is_seen(
    world: World, seen: dict[str, dict[str, Change]], looked_for: bool
) -> None:
    """A row that is inserted, after its absence was seen and kept, or without anyone's looking."""
    before = truth(world)
    tried = 0
    for name, table in world.tables.items():
        if "delete" not in seen[name]:
            continue
        for record in world.records(table)[:2]:
            new = msgspec.structs.replace(record, row_version=1)
            assert performed(world, partial(_delete, table, record))
            if looked_for:
                world.views()
            else:
                forget(world)
            assert performed(world, partial(_insert, table, new))
            assert _without_versions(truth(world)) == _without_versions(before), name
            undo(world)
            tried += 1
    assert tried > len(world.tables) // 2


def _without_versions(views: dict[str, object]) -> dict[str, object]:
    """A row that is inserted again begins with its first version."""
    return {
        name: (msgspec.structs.replace(view[0], row_version=1), *view[1:])
        if isinstance(view, tuple) and isinstance(view[0], Record)
        else view
        for name, view in views.items()
    }


def test_an_undone_call_is_not_seen(world: World, seen: dict[str, dict[str, Change]]) -> None:
    """Not even by who asked while it was on its way."""
    store, before = world.local.installation.store, truth(world)
    for change in each(seen):
        with pytest.raises(ZeroDivisionError), store.write() as transaction:
            change(transaction)
            assert world.views() != before
            raise ZeroDivisionError
        assert truth(world) == before


def test_an_undone_turn_is_not_seen(world: World, seen: dict[str, dict[str, Change]]) -> None:
    """By nobody who saw it while it was on its way."""
    before = truth(world)
    for change in each(seen):
        performed(world, change)
        assert world.views() != before
        undo(world)
        assert truth(world) == before


def test_a_failed_commit_is_not_seen(
    world: World, seen: dict[str, dict[str, Change]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By nobody who saw it while it was on its way."""
    before, execute = truth(world), Turn.execute

    def fails(turn: Turn, sql: str, values: Any = ()) -> Any:
        if sql == "COMMIT":
            raise StoreUnavailable("the disk is full")
        return execute(turn, sql, values)

    for change in each(seen):
        performed(world, change)
        assert world.views() != before
        with monkeypatch.context() as patched:
            patched.setattr(Turn, "execute", fails)
            with pytest.raises(StoreUnavailable):
                world.local.installation.commit()
        assert truth(world) == before


def test_a_neighbour_in_the_turn_sees_it(
    world: World, seen: dict[str, dict[str, Change]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests of one turn, all prepared before, are answered as if one came after the other."""
    found = registry.implementation("kms", "UpdateKeyDescription")
    assert found is not None
    now: list[Change] = []

    def change(call: Any, _request: object) -> None:
        call.asked = True
        now[-1](call.transaction)

    replacing = Implementation(found.operation, change)
    monkeypatch.setitem(registry._implementations, ("kms", "UpdateKeyDescription"), replacing)
    monkeypatch.setattr(routing, "_JSON", {})
    asked = (*world.described, *world.used)
    changing = world.local.kms_request("UpdateKeyDescription", KeyId=world.keys[0], Description="")
    pipeline, told = world.local.installation.pipeline, []
    for tried in each(seen):
        now.append(tried)
        turn = (*asked, changing, *asked)
        given = pipeline.answer_all(turn, 60.0)
        answers = [answered(answer.response) for answer in given if isinstance(answer, Answer)]
        forget(world)
        told.append(answers[: len(asked)] != answers[len(asked) + 1 :])
        assert answers[len(asked)][0] == 200
        assert answers[len(asked) + 1 :] == [world.answer(request) for request in asked]
        undo(world)
    assert any(told)
