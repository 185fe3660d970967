"""A failure of ours in any operation: AWS's error for it, without a word about what failed."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest

from keystead import registry
from keystead.registry import Implementation
from tests.conftest import refused
from tests.kms.importer import Client
from tests.operations.requests import GOOD
from tests.operations.subjects import Subject
from tests.server.installations import open_local

MADE = {
    "import": {"KeyId": "x", "ImportToken": b"x", "EncryptedKeyMaterial": b"x"},
    **dict.fromkeys(("ciphertext", "encapsulated", "mac", "signature"), b"x"),
    **dict.fromkeys(("to delete", "to move"), "alias/x"),
    **dict.fromkeys(("to retire", "to revoke"), "0" * 64),
}
"""What a request names: no operation comes to look at it."""


@pytest.fixture(scope="module")
def kms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The administrator of an installation in this process."""
    local = open_local(tmp_path_factory.mktemp("internal") / "data")
    yield Client(local, local.admin)
    local.installation.close()


def fails(call: Any, request: Any) -> Any:
    raise RuntimeError("canary")


@pytest.mark.parametrize("operation", GOOD)
def test_our_bug(kms: Client, operation: str) -> None:
    """The caller gets KMSInternalException, and none of our words."""
    there = registry.implementation("kms", operation)
    assert there is not None
    broken = {("kms", operation): Implementation(there.operation, fails)}
    subject = Subject(None, "", f"arn:aws:kms:us-east-1:111122223333:key/{'0' * 36}", MADE)
    with (
        patch.dict(registry._implementations, broken),
        patch("keystead.server.pipeline.routing._JSON", {}),
        refused("KMSInternalException", "The request processing has failed") as caught,
    ):
        kms.call(operation, GOOD[operation].members(subject))
    assert "canary" not in str(caught.value)
