"""What every operation says of a key that is not there, or that is not the caller's to see.

Generated from the examples of the matrix: an operation that is served is tried by its rows there,
with each member that names a key (kms.md 2, 8.5, 9; threat-model KM-2).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from keystead.errors import AwsError
from keystead.kms.rules import KMS
from tests import setting
from tests.kms.world import ACCOUNT, OTHER_ACCOUNT, REGION, Kms, World, refused
from tests.matrix.examples import ASKING

UNKNOWN = "1234abcd-12ab-34cd-56ef-1234567890ab"
NAMING = ("KeyId", "TargetKeyId", "SourceKeyId", "DestinationKeyId")


def _naming() -> list[tuple[str, str, Mapping[str, Any]]]:
    """Each operation with each member that names a key, and a good request."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {("ListAliases", "KeyId"): {}}
    for example in ASKING:
        for member in NAMING:
            if example.service == "kms" and member in example.request:
                found.setdefault((example.operation, member), example.request)
    return [(*which, request) for which, request in found.items()]


EACH = _naming()
each = pytest.mark.parametrize(
    ("operation", "member", "request_"), EACH, ids=[f"{name}.{member}" for name, member, _ in EACH]
)


@dataclass
class Made:
    """A world with the things that the examples name."""

    world: World
    admin: Kms
    things: dict[str, Any]

    def members(self, request: Mapping[str, Any], member: str, text: str) -> dict[str, Any]:
        """The request, with another name of a key."""
        return {**setting.filled(dict(request), self.things), member: text}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    world = World(tmp_path_factory.mktemp("unknown"))
    admin = world.caller()
    yield Made(world, admin, setting.keys(admin, world.now))
    world.store.close()


def test_every_operation_about_a_key_is_tried() -> None:
    """Those whose row has states, but for DeleteAlias, which finds its key by the alias."""
    served = {example.operation for example in ASKING if example.service == "kms"}
    about_a_key = {name for name in served if KMS[name].states}
    assert about_a_key - {"DeleteAlias"} == {name for name, _, _ in EACH}


@each
def test_an_own_key_that_is_not_there(
    made: Made, operation: str, member: str, request_: Mapping[str, Any]
) -> None:
    """By id or by ARN, it does not exist. A caller without permissions hears the same."""
    arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{UNKNOWN}"
    nobody = made.world.caller("nobody", policies=[])
    for client in (made.admin, nobody):
        for text in (UNKNOWN, arn):
            with refused("NotFoundException", f"Key '{arn}' does not exist"):
                client.call(operation, made.members(request_, member, text))


@each
def test_a_key_that_the_caller_may_not_use(
    made: Made, operation: str, member: str, request_: Mapping[str, Any]
) -> None:
    """The same request about a key that is there is decided by the policies."""
    nobody = made.world.caller("nobody", policies=[])
    with refused("AccessDeniedException"):
        nobody.call(operation, made.members(request_, member, made.things["@key"]))


@each
def test_texts_that_name_no_key(
    made: Made, operation: str, member: str, request_: Mapping[str, Any]
) -> None:
    """A malformed id, an ARN of another Region, and an alias that is not there or not allowed."""
    alias = f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/none"
    row = KMS[operation]
    said = {
        "fake-key-id": ("NotFoundException", "Invalid keyId 'fake-key-id'"),
        f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{UNKNOWN}": (
            "NotFoundException", "Invalid arn us-east-1",
        ),
        "alias/none": ("NotFoundException", "Invalid keyId 'alias/none'"),
    }  # fmt: skip
    if row.by_alias:
        said["alias/none"] = ("NotFoundException", f"Alias {alias} is not found.")
    elif row.sets_alias:
        said["alias/none"] = ("ValidationException", "Aliases must refer to keys. Not aliases")
    for text, (code, message) in said.items():
        with refused(code, message):
            made.admin.call(operation, made.members(request_, member, text))


def _answer(client: Kms, operation: str, members: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(AwsError) as caught:
        client.call(operation, members)
    return caught.value.code, str(caught.value.message)


@each
def test_a_stranger_learns_nothing(
    made: Made, operation: str, member: str, request_: Mapping[str, Any]
) -> None:
    """Another account's key and alias are refused alike, whether they are there or not."""
    stranger = made.world.caller("stranger", account=OTHER_ACCOUNT)
    own = (
        setting.keys(stranger, made.world.now) if "@own" not in made.things else made.things["@own"]
    )
    made.things["@own"] = own
    here = f"arn:aws:kms:{REGION}:{ACCOUNT}"
    pairs = [(f"{here}:key/{made.things['@key']}", f"{here}:key/{UNKNOWN}")]
    if KMS[operation].by_alias:
        pairs.append((f"{here}:alias/app", f"{here}:alias/none"))
    for there, missing in pairs:
        answers = []
        for text in (there, missing):
            members = {**setting.filled(dict(request_), own), member: text}
            code, message = _answer(stranger, operation, members)
            answers.append((code, message.replace(text, "…")))
        assert answers[0] == answers[1]
        assert answers[0][0] in {"AccessDeniedException", "NotFoundException"}
