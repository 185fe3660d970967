"""Ceremonies that are asked for in a way that no command line asks."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from keystead.cli import performing
from keystead.failures import Failure
from keystead.server.installation.ceremonies import acts, federation
from keystead.server.installation.ceremonies.acts import perform
from tests.server.installations import open_local

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_what_a_ceremony_needs_is_named(tmp_path: Path) -> None:
    """A ceremony without what it needs is a Failure in words; with it, it is held."""
    local = open_local(tmp_path / "data")
    root = local.installation.identities.accounts.every(local.installation.store.read())[0].root_arn
    question = {"action": "iam:GetUser", "principal": root, "resource": "*"}

    assert perform(local.installation, "explain", question)["text"]
    for name in question:
        partly = {other: value for other, value in question.items() if other != name}
        with pytest.raises(Failure, match=f"^the argument `{name}` is missing$"):
            perform(local.installation, "explain", partly)
    for command in ("explain refusal", "simulate", "who-can"):
        with pytest.raises(Failure, match="is missing"):
            perform(local.installation, command, {})
    local.installation.close()


def test_what_there_is_of_accounts_is_listed_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each account comes once, with its providers; the command line puts the parts together."""
    local = open_local(tmp_path / "data")
    made = {
        perform(local.installation, "account create", {"account_id": f"{number}" * 12})["AccountId"]
        for number in (4, 1, 3)
    }
    monkeypatch.setattr(acts, "PART", 2)
    monkeypatch.setattr(federation, "_PART", 1)
    asked: list[str] = []

    @contextmanager
    def office(_: object) -> "Iterator[Any]":
        def held(command: str, arguments: dict[str, Any]) -> dict[str, Any]:
            asked.append(command)
            return perform(local.installation, command, arguments)

        yield held

    monkeypatch.setattr(performing, "office", office)
    accounts = performing.all_of(cast("Any", None), "account list", "Accounts")
    providers = performing.all_of(cast("Any", None), "federation list", "Providers")

    numbers = [each["AccountId"] for each in accounts.pop("Accounts")]
    assert sorted(numbers) == sorted({*made, local.founded.account_id})
    assert (accounts, len(numbers)) == ({}, 4)
    assert providers == {"Providers": []}
    assert asked == 3 * ["account list"] + 4 * ["federation list"]
    local.installation.close()
