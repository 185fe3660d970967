"""Ceremonies that are asked for in a way that no command line asks."""

from pathlib import Path

import pytest

from keystead.failures import Failure
from keystead.server.installation.ceremonies.acts import perform
from tests.server.installations import open_local


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
