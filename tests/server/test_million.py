"""The proof of a million keys, with a few: its keys are those that the server makes."""

from pathlib import Path
from typing import Any

import pytest
from bench import filling, prove_million
from bench.filling import Account
from bench.prove_million import Measured, missed

from keystead.custody.state import examine
from keystead.server.installation.installation import Installation
from keystead.store.protocol import Row
from tests.older_policies import assert_whole


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two accounts, and commits of few keys."""
    for name, number in (
        ("ACCOUNTS", 2), ("USED", 6), ("COLD", 3), ("TOGETHER", 4), ("STEP", 1), ("CACHE_MB", 32)
    ):  # fmt: skip
        monkeypatch.setattr(filling, name, number)
    monkeypatch.setattr(prove_million, "MADE", 4)


@pytest.mark.usefixtures("small")
def test_a_filled_installation(tmp_path: Path) -> None:
    """Keys and grants that were made in bulk are found, used, and proved as any other."""
    for size in (6, 13):
        filling.fill(tmp_path, size)
        state = filling.filled(tmp_path)
        assert (state.keys, len(state.used), len(state.cold)) == (size, 6, 3)
    assert not set(state.cold) & set(state.used)

    measured = prove_million.measure(tmp_path)
    assert measured.size == 13
    installation = filling.open_installation(tmp_path)
    for account in state.accounts:
        counted = installation.keys.counted(
            installation.store.read(), account.number, filling.REGION
        )
        assert counted is not None
        assert counted.keys in {6 + 1 + 2, 7 + 1 + 2}  # a sample, and those measured
    reader = installation.store.read()
    assert_whole(installation.keys, reader)
    assert examine(installation.hierarchy.rows, reader, lambda _: None).problems == []
    installation.close()


@pytest.mark.usefixtures("small")
def test_a_stopped_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was committed stays, also if the file that tells of it was not written any more."""
    save = filling._save

    def stop(directory: Path, state: filling.Filled) -> None:
        if state.keys == 10:
            raise KeyboardInterrupt
        save(directory, state)

    with monkeypatch.context() as patched:
        patched.setattr(filling, "_save", stop)
        with pytest.raises(KeyboardInterrupt):
            filling.fill(tmp_path, 13)
    assert filling.filled(tmp_path).keys == 6
    filling.fill(tmp_path, 13)
    state = filling.filled(tmp_path)
    assert (state.keys, len(state.used), len(state.cold)) == (13, 6, 3)
    installation = filling.open_installation(tmp_path)
    assert installation.store.read().all("SELECT COUNT(*) FROM kms_keys") == [(13 + 2,)]
    installation.close()


@pytest.mark.usefixtures("small")
def test_rows_are_those_of_real_calls(tmp_path: Path) -> None:
    """CreateKey and CreateGrant write the same rows, to the last column that is not random."""
    filling.fill(tmp_path, 6)
    state = filling.filled(tmp_path)
    installation = filling.open_installation(tmp_path)
    for number in range(2):  # every second grant has a constraint
        name = state.used[number]
        real = _called(installation, state.accounts[name.account], number)
        wanted = _rows(installation, state.accounts[name.account], real)
        assert _rows(installation, state.accounts[name.account], name.key_id) == wanted
        assert {table for table, _ in wanted} == {
            "kms_keys", "kms_materials", "key_materials", "kms_grants", "kms_grant_statements",
            "kms_grant_marks", "kms_grant_counts",
        }  # fmt: skip
    installation.close()


def _called(installation: Installation, account: Account, number: int) -> str:
    """A key and a grant that are made by calls."""
    key = filling.ask(installation, filling.request(account, "CreateKey"))["KeyMetadata"]["KeyId"]
    constraint = {"Constraints": {"EncryptionContextSubset": {"tenant": key}}} if number else {}
    asked = filling.request(
        account, "CreateGrant", KeyId=key, GranteePrincipal=account.root,
        Operations=list(filling._OPERATIONS), **constraint,
    )  # fmt: skip
    filling.ask(installation, asked)
    return str(key)


def _rows(installation: Installation, account: Account, key_id: str) -> list[tuple[str, Row]]:
    """The rows of a key in all counted tables, with a word for what differs from key to key.

    A place, a mark or a permission is a hash of what stands in the other rows: its rows are found
    by it, so that it is the right one if the calls that use it find them.
    """
    reader, rows = installation.store.read(), []
    for table in installation.hierarchy.rows.tables.values():
        names = table.columns
        if "key_id" in names:
            found = reader.all(
                f"SELECT {', '.join(names)} FROM {table.name} WHERE key_id = ?", (key_id,)
            )
            rows += [(table.name, _same(names, row, key_id)) for row in found]
    marks = installation.keys.grants
    place = (account.number, filling.REGION, key_id)
    if marks.has_any(reader, place):
        rows.append(
            ("kms_grant_marks", ("any", marks.has_constrained(reader, place, account.number)))
        )
    return sorted(rows, key=repr)


_RANDOM = {"material_id", "grant_id", "sealed", "place", "permission", "created_us"}


def _same(names: tuple[str, ...], row: Row, key_id: str) -> Row:
    def told(name: str, value: Any) -> object:
        if name in _RANDOM:
            return type(value), len(str(value)) if isinstance(value, str) else 0
        return value.replace(key_id, "KEY") if isinstance(value, str) else value

    return tuple(told(name, value) for name, value in zip(names, row, strict=True))


def test_what_is_not_flat() -> None:
    """A p50 that is more than 1.1 times that of the smallest size is named."""
    flat = Measured(1000, *[100.0] * 11)
    slower = Measured(2000, 109.0, 111.0, *[100.0] * 9)
    assert missed([flat, slower]) == ["list_grants of 2,000 keys takes 1.11 times as long"]
    assert missed([flat, flat]) == []
