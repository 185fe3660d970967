"""What is kept of sessions: across a restart, and no more than a number."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from keystead.identity.repository import AnywhereSubject
from keystead.identity.repository.anywhere.released import MOST
from tests.anywhere.sites import new_site
from tests.conftest import Server
from tests.identity.world import World


def test_a_restart(own_server: Server) -> None:
    """A session goes on, its end holds, and a used request stays used."""
    here = new_site(own_server)
    asking, anchor = here.asking(), {"trustAnchorId": here.anchor["trustAnchorId"]}
    sent = asking.signed()
    session = asking.session()
    assert asking.send(sent).status == 201
    assert own_server.stop() == 0
    own_server.start()
    assert here.lives(session)
    assert "used before" in asking.send(sent).message
    own_server.client("rolesanywhere").disable_trust_anchor(**anchor)
    assert not here.lives(session)
    assert own_server.stop() == 0
    own_server.start()
    assert not here.lives(session)


def test_as_many_subjects_as_fit(tmp_path: Path) -> None:
    """A new subject takes the place of the one that was seen longest ago, in its account alone."""
    world = World.create(tmp_path / "data")
    subjects = world.repository.anywhere.subjects

    def subject(account: str, number: int) -> AnywhereSubject:
        return AnywhereSubject(
            account=account, subject_id=f"{number}", region="eu-central-1",
            subject_key=f"{number}", x509_subject=f"CN={number}", credentials="[]", created=0,
            last_seen=number, tags="{}",
        )  # fmt: skip

    with world.store.write() as transaction:
        subjects.insert(transaction, subject("222233334444", 0), 2)
        for number in (5, 3, 4, 9):
            subjects.insert(transaction, subject("111122223333", number), 2)
    reader = world.store.read()
    left = {
        account: [
            each.subject_id for each in subjects.after(reader, account, "eu-central-1", "", 9)
        ]
        for account in ("111122223333", "222233334444")
    }
    assert left == {"111122223333": ["5", "9"], "222233334444": ["0"]}
    world.store.close()


def test_certificates_that_were_let_in(tmp_path: Path) -> None:
    """Each moment is later than the last, whatever the clock says; too many end all sessions."""
    world = World.create(tmp_path / "data")
    released, account = world.repository.anywhere.released, "111122223333"
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    one, two, three = (bytes([number]) * 16 for number in (1, 2, 3))

    def let_in(digests: list[bytes], now: datetime) -> int:
        with world.store.write() as transaction:
            released.add(transaction, account, "a", digests, now)
        return released.moment(world.store.read(), account, "a")

    def ended(digest: bytes, since: int) -> bool:
        return released.ended(world.store.read(), account, "a", [digest], since)

    first = let_in([one], noon)
    second = let_in([two], noon - timedelta(hours=1))
    assert 0 < first < second
    assert [ended(one, 0), ended(one, first), ended(two, first)] == [True, False, True]
    assert [ended(two, second), ended(three, 0)] == [False, False]
    third = let_in([three], noon + timedelta(hours=14))  # sessions of the first are over by then
    assert [ended(one, 0), ended(three, second), ended(three, third)] == [False, True, False]
    last = let_in(
        [number.to_bytes(16, "big") for number in range(MOST)], noon + timedelta(hours=14)
    )
    assert [ended(bytes([9]) * 16, third), ended(one, last)] == [True, False]
    world.store.close()
