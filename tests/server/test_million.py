"""The proof of a million keys, with a few: its keys are those that the server makes."""

from pathlib import Path

import pytest
from bench import filling, prove_million
from bench.prove_million import Measured, missed


def test_a_filled_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and grants that were made in bulk are found, used, and proved as any other."""
    for name, number in (("ACCOUNTS", 2), ("USED", 6), ("COLD", 3), ("TOGETHER", 4)):
        monkeypatch.setattr(filling, name, number)
    monkeypatch.setattr(prove_million, "MADE", 4)
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
        assert counted.keys in {6 + 1 + 1 + 2, 7 + 1 + 1 + 2}  # samples twice, and those measured
    installation.close()


def test_what_is_not_flat() -> None:
    """A p50 that is more than 1.1 times that of the smallest size is named."""
    flat = Measured(1000, *[100.0] * 11)
    slower = Measured(2000, 109.0, 111.0, *[100.0] * 9)
    assert missed([flat, slower]) == ["list_grants of 2,000 keys takes 1.11 times as long"]
    assert missed([flat, flat]) == []
