"""`keystead session`, without anybody who has one: what is said, and what is refused."""

import json

import pytest

from tests.conftest import Server


def test_nobody_has_a_session(server: Server) -> None:
    """A table without rows, and the same for machines; nothing ends."""
    assert server.keystead("session", "list").stdout.split()[:2] == ["session", "where"]
    listed = json.loads(server.keystead("session", "list", "--root", "--json").stdout)
    assert (listed["Sessions"], listed["More"]) == ([], False)
    ended = server.keystead("session", "end", "--root")
    assert (ended.returncode, "ended: 0" in ended.stderr) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("end",), "it is not said which sessions end"),
        (("end", "x", "--root"), "it is not said which sessions end"),
        (("end", "--user", "a", "--root"), "a user and root are two persons"),
        (("end", "ASIAAAAAAAAAAAAAAAAA"), "has no session `ASIAAAAAAAAAAAAAAAAA`"),
        (("list", "--user", "nobody"), "has no user `nobody`"),
        (("list", "--account-id", "1"), "there is no account `1`"),
    ],
)
def test_what_cannot_be_is_refused(
    server: Server, arguments: tuple[str, ...], message: str
) -> None:
    """What is wrong, and what to do."""
    ran = server.keystead("session", *arguments)
    assert ran.returncode
    assert message in ran.stderr
    assert "hint: " in ran.stderr
