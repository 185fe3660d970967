"""Any sequence of imports, deletions, rotations and days leaves a key as a simple model says.

Material is deleted, or the whole key, which may be called back until its day has come.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from keystead.custody import wrapping
from keystead.errors import AwsError
from keystead.kms.schedule import EXPIRY
from tests.importing import FOR_EVER, wrapped
from tests.kms.test_imports import made_before
from tests.kms.world import World

SECRETS = [bytes((number,)) * 32 for number in range(4)]
NUMBERS = st.integers(0, len(SECRETS) - 1)
PENDING, DISABLED = "KMSInvalidStateException", "DisabledException"


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wrapping, "generate_private_key", made_before)
        yield


@dataclass
class Material:
    """One secret, as far as the key knows it."""

    id: str
    belongs: bool
    until: int | None = None  # the day on which it is gone, without a word from anybody
    there: bool = True
    blobs: list[bytes] = field(default_factory=list)


class Imports(RuleBasedStateMachine):
    """One symmetric key, four secrets, and a clock."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.world = World(Path(self.directory.name))
        self.admin = self.world.caller()
        self.day = 0

    def teardown(self) -> None:
        self.world.store.close()
        self.directory.cleanup()

    @initialize()
    def create(self) -> None:
        self.key = self.admin.key(Origin="EXTERNAL")
        self.known: dict[int, Material] = {}
        self.current: Material | None = None
        self.disabled = False
        self.ends: int | None = None  # the day of its destruction

    def outcome(self, operation: str, **members: Any) -> str:
        """ "ok", or the code of the refusal."""
        try:
            self.answer = getattr(self.admin, operation)(KeyId=self.key, **members)
        except AwsError as error:
            return error.code
        return "ok"

    # the model

    def is_there(self, material: Material) -> bool:
        return material.there and (material.until is None or material.until > self.day)

    @property
    def own(self) -> list[Material]:
        return [each for each in self.known.values() if each.belongs]

    @property
    def whole(self) -> bool:
        return bool(self.own) and all(map(self.is_there, self.own))

    @property
    def pending(self) -> Material | None:
        return next((each for each in self.known.values() if not each.belongs), None)

    @property
    def state(self) -> str:
        if self.ends is not None:
            return "PendingDeletion"
        if not self.whole:
            return "PendingImport"
        return "Disabled" if self.disabled else "Enabled"

    def usable(self) -> str:
        """ "ok", or how a use of the key is refused."""
        return {"Enabled": "ok", "Disabled": DISABLED}.get(self.state, PENDING)

    def switchable(self) -> str:
        """ "ok", or how it is refused to enable or disable the key."""
        return "ok" if self.state in {"Enabled", "Disabled"} else PENDING

    # what may happen

    @rule(number=NUMBERS, new=st.booleans(), days=st.none() | st.integers(1, 20))
    def bring(self, number: int, new: bool, days: int | None) -> None:
        known, was_whole = self.known.get(number), self.whole
        algorithm = "RSAES_OAEP_SHA_256"
        if self.ends is not None:
            how = {"WrappingAlgorithm": algorithm, "WrappingKeySpec": "RSA_2048"}
            assert self.outcome("get_parameters_for_import", **how) == PENDING
            return
        given = self.admin.get_parameters_for_import(
            KeyId=self.key, WrappingAlgorithm=algorithm, WrappingKeySpec="RSA_2048"
        )
        date = FOR_EVER if days is None else {"ValidTo": self.world.now + timedelta(days=days)}
        outcome = self.outcome(
            "import_key_material",
            ImportToken=given.import_token,
            EncryptedKeyMaterial=wrapped(given.public_key, algorithm, SECRETS[number]),
            ImportType="NEW_KEY_MATERIAL" if new else "EXISTING_KEY_MATERIAL",
            **date,
        )
        if new is (known is not None):
            assert outcome == "IncorrectKeyMaterialException"
        elif new and self.pending is not None:
            assert outcome == PENDING
        else:
            assert outcome == "ok"
            self.brought(number, days)
            if not was_whole and self.whole:
                self.disabled = False

    def brought(self, number: int, days: int | None) -> None:
        made = Material(self.answer.key_material_id, belongs=self.current is None)
        material = self.known.setdefault(number, made)
        assert material.id == self.answer.key_material_id
        material.there, material.until = True, None if days is None else self.day + days
        self.current = self.current or material

    @rule(number=NUMBERS)
    def delete(self, number: int) -> None:
        material = self.known.get(number)
        if material is None:
            outcome = self.outcome("delete_imported_key_material", KeyMaterialId="0" * 64)
            assert outcome == "NotFoundException"
            return
        members = {"KeyMaterialId": material.id}
        assert self.outcome("delete_imported_key_material", **members) == "ok"
        if material.belongs:
            material.there, material.until = False, None
        else:
            del self.known[number]

    @rule()
    def rotate(self) -> None:
        pending, expected = self.pending, self.usable()
        if expected == "ok" and (pending is None or not self.is_there(pending)):
            expected = PENDING
        assert self.outcome("rotate_key_on_demand") == expected
        if expected == "ok":
            assert pending is not None
            pending.belongs, self.current = True, pending

    @rule()
    def disable(self) -> None:
        expected = self.switchable()
        assert self.outcome("disable_key") == expected
        self.disabled = self.disabled or expected == "ok"

    @rule()
    def enable(self) -> None:
        expected = self.switchable()
        assert self.outcome("enable_key") == expected
        self.disabled = self.disabled and expected != "ok"

    @rule()
    def encrypt(self) -> None:
        expected = self.usable()
        assert self.outcome("encrypt", Plaintext=b"x") == expected
        if expected == "ok":
            assert self.current is not None
            self.current.blobs.append(self.answer.ciphertext_blob)

    @rule(days=st.integers(7, 30))
    def schedule(self, days: int) -> None:
        expected = "ok" if self.ends is None else PENDING
        assert self.outcome("schedule_key_deletion", PendingWindowInDays=days) == expected
        if expected == "ok":
            self.ends = self.day + days

    @rule()
    def cancel(self) -> None:
        """The key is disabled then, or waits for what was deleted or expired meanwhile."""
        expected = PENDING if self.ends is None else "ok"
        assert self.outcome("cancel_key_deletion") == expected
        if expected == "ok":
            self.ends, self.disabled = None, True

    @rule()
    def destroy(self) -> None:
        """Another key follows one that is destroyed."""
        due = self.ends is not None and self.ends <= self.day
        gone = [each.key.key_id for each in self.world.destroy_due()]
        assert gone == ([self.key] if due else [])
        if due:
            assert self.outcome("describe_key") == "NotFoundException"
            self.create()

    @rule(days=st.integers(1, 15))
    def wait(self, days: int) -> None:
        self.day += days
        self.world.pass_time(days=days)

    @rule()
    def expire(self) -> None:
        due = {n for n, each in self.known.items() if each.there and not self.is_there(each)}
        done = self.world.do_due(EXPIRY)
        assert {each.material_id for each in done} == {self.known[n].id for n in due}
        assert len(done) == len(due)
        for number in due:
            if self.known[number].belongs:
                self.known[number].there, self.known[number].until = False, None
            else:
                del self.known[number]

    @rule()
    def restart(self) -> None:
        self.world.restart()

    @invariant()
    def the_key_is_as_modelled(self) -> None:
        found = self.admin.describe_key(KeyId=self.key).key_metadata
        assert found.key_state == self.state
        assert found.current_key_material_id == (self.current and self.current.id)
        dates = [each.until for each in self.own if each.until is not None]
        told = self.whole or (
            self.ends is not None and bool(self.own) and all(each.there for each in self.own)
        )
        if not told:
            assert (found.expiration_model, found.valid_to) == (None, None)
        else:
            assert found.expiration_model == (
                "KEY_MATERIAL_EXPIRES" if dates else "KEY_MATERIAL_DOES_NOT_EXPIRE"
            )
            left = found.valid_to and (found.valid_to - self.world.now).days
            assert left == (min(dates) - self.day if dates else None)

    @invariant()
    def its_materials_are_as_modelled(self) -> None:
        listed = self.admin.list_key_rotations(
            KeyId=self.key, IncludeKeyMaterial="ALL_KEY_MATERIAL"
        ).rotations
        assert {(each.key_material_id, each.import_state) for each in listed} == {
            (each.id, "IMPORTED" if each.there else "PENDING_IMPORT")
            for each in self.known.values()
        }

    @invariant()
    def blobs_open_while_the_key_is_enabled(self) -> None:
        expected = self.usable()
        for material in self.known.values():
            for blob in material.blobs[-2:]:
                assert self.outcome("decrypt", CiphertextBlob=blob) == expected


Imports.TestCase.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
TestImports = Imports.TestCase
