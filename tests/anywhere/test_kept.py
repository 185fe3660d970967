"""What is kept of sessions: across a restart, and no more than a number."""

from pathlib import Path
from typing import Any

from keystead.identity.repository import AnywhereSubject
from tests.anywhere import authorities
from tests.anywhere.test_sessions import Site
from tests.conftest import Server
from tests.identity.world import World


def test_a_restart(own_server: Server) -> None:
    """A session goes on, its end holds, and a used request stays used."""
    empty: Any = {}

    def site() -> Site:
        client = own_server.client
        return Site(own_server, client("rolesanywhere"), client("iam"), root, empty, empty, "")

    root = authorities.root()
    before = site()
    role = before.new_role("host")
    anchor, profile = before.new_anchor(root), before.new_profile(role)
    here = Site(own_server, before.anywhere, before.iam, root, anchor, profile, role)
    asking = here.asking()
    sent = asking.signed()
    session = asking.session()
    assert asking.send(sent).status == 201
    assert own_server.stop() == 0
    own_server.start()
    assert here.lives(session)
    assert "used before" in asking.send(sent).message
    site().anywhere.disable_trust_anchor(trustAnchorId=anchor["trustAnchorId"])
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
