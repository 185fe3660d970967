"""Any sequence of calls leaves each member of an imported set as a simple model says."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from keystead.custody import wrapping
from keystead.errors import AwsError
from keystead.kms.schedule import EXPIRY
from tests.importing import FOR_EVER, wrapped
from tests.kms.test_imports import made_before
from tests.kms.world import OTHER_REGION, REGION, Kms, World

SECRETS = [bytes((number,)) * 32 for number in range(3)]
NUMBERS = st.integers(0, len(SECRETS) - 1)
REGIONS = (REGION, OTHER_REGION, "ap-south-1")
INVALID, UNSUPPORTED = "KMSInvalidStateException", "UnsupportedOperationException"
INCORRECT, MISSING = "IncorrectKeyMaterialException", "NotFoundException"
REFUSALS = {"Enabled": "ok", "Disabled": "DisabledException"}
where = st.sampled_from(REGIONS)


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wrapping, "generate_private_key", made_before)
        yield


@dataclass
class Member:
    """What one Region has: the secrets, each with its last day."""

    disabled: bool = False
    until: dict[int, int | None] = field(default_factory=dict)


class ImportedSet(RuleBasedStateMachine):
    """One symmetric multi-Region key, three secrets, three Regions, and a clock."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.world = World(Path(self.directory.name))
        self.callers: dict[str, Kms] = {r: self.world.caller(region=r) for r in REGIONS}
        self.members = {REGION: Member()}
        self.primary = REGION
        self.own: list[int] = []  # the generations
        self.pending: int | None = None
        self.ids: dict[int, str] = {}
        self.blobs: list[bytes] = []
        self.day = 0

    def teardown(self) -> None:
        self.world.store.close()
        self.directory.cleanup()

    @initialize()
    def create(self) -> None:
        self.key = self.callers[REGION].key(Origin="EXTERNAL", MultiRegion=True)

    def outcome(self, region: str, operation: str, **members: Any) -> str:
        """ "ok", or the code of the refusal."""
        try:
            self.answer = getattr(self.callers[region], operation)(KeyId=self.key, **members)
        except AwsError as error:
            return error.code
        return "ok"

    # the model

    def has(self, region: str, number: int) -> bool:
        until = self.members[region].until
        if number not in until:
            return False
        last = until[number]
        return last is None or last > self.day

    def whole(self, region: str) -> bool:
        return bool(self.own) and all(self.has(region, each) for each in self.own)

    def state(self, region: str) -> str:
        if not self.whole(region):
            return "PendingImport"
        return "Disabled" if self.members[region].disabled else "Enabled"

    def usable(self, region: str) -> str:
        """ "ok", or how a use of the member is refused."""
        if region not in self.members:
            return MISSING
        return REFUSALS.get(self.state(region), INVALID)

    # what may happen

    @rule(region=where, number=NUMBERS, new=st.booleans(), days=st.none() | st.integers(1, 20))
    def bring(self, region: str, number: int, new: bool, days: int | None) -> None:
        algorithm = "RSAES_OAEP_SHA_256"
        outcome = self.outcome(
            region, "get_parameters_for_import", WrappingAlgorithm=algorithm,
            WrappingKeySpec="RSA_2048",
        )  # fmt: skip
        if region not in self.members:
            assert outcome == MISSING
            return
        given, was_whole = self.answer, self.whole(region)
        date = FOR_EVER if days is None else {"ValidTo": self.world.now + timedelta(days=days)}
        outcome = self.outcome(
            region,
            "import_key_material",
            ImportToken=given.import_token,
            EncryptedKeyMaterial=wrapped(given.public_key, algorithm, SECRETS[number]),
            ImportType="NEW_KEY_MATERIAL" if new else "EXISTING_KEY_MATERIAL",
            **date,
        )
        known = number in self.own or number == self.pending
        if new and region != self.primary:
            assert outcome == UNSUPPORTED
        elif new is known:
            assert outcome == INCORRECT
        elif new and self.pending is not None:
            assert outcome == INVALID
        else:
            assert outcome == "ok"
            assert self.ids.setdefault(number, self.answer.key_material_id) == (
                self.answer.key_material_id
            )
            self._brought(region, number, days)
            if not was_whole and self.whole(region):
                self.members[region].disabled = False

    def _brought(self, region: str, number: int, days: int | None) -> None:
        if not self.own:
            self.own.append(number)
        elif number not in self.own:
            self.pending = number
        self.members[region].until[number] = None if days is None else self.day + days

    @rule(region=where, number=NUMBERS)
    def delete(self, region: str, number: int) -> None:
        named = {"KeyMaterialId": self.ids.get(number, "0" * 64)}
        outcome = self.outcome(region, "delete_imported_key_material", **named)
        if region not in self.members or (number not in self.own and number != self.pending):
            assert outcome == MISSING
            return
        assert outcome == "ok"
        self._lost(region, number, asked=True)

    def _lost(self, region: str, number: int, *, asked: bool) -> None:
        self.members[region].until.pop(number, None)
        alone = len(self.members) == 1 or (asked and region == self.primary)
        if number == self.pending and alone:
            self.pending = None
            for member in self.members.values():
                member.until.pop(number, None)

    @rule(region=where)
    def rotate(self, region: str) -> None:
        expected = self.usable(region)
        if expected == "ok" and region != self.primary:
            expected = UNSUPPORTED
        ready = self.pending is not None and all(self.has(r, self.pending) for r in self.members)
        if expected == "ok" and not ready:
            expected = INVALID
        assert self.outcome(region, "rotate_key_on_demand") == expected
        if expected == "ok":
            assert self.pending is not None
            self.own.append(self.pending)
            self.pending = None

    @rule(to=where)
    def replicate(self, to: str) -> None:
        expected = self.usable(self.primary)
        if expected == "ok" and to in self.members:
            expected = "AlreadyExistsException"
        assert self.outcome(self.primary, "replicate_key", ReplicaRegion=to) == expected
        if expected == "ok":
            self.members[to] = Member()

    @rule(to=where)
    def promote(self, to: str) -> None:
        expected = self.usable(self.primary)
        if expected == "ok" and to == self.primary:
            expected = UNSUPPORTED
        if expected == "ok":
            expected = self.usable(to)
        assert self.outcome(self.primary, "update_primary_region", PrimaryRegion=to) == expected
        if expected == "ok":
            self.primary = to

    @precondition(lambda self: len(self.members) > 1)
    @rule(region=where)
    def end(self, region: str) -> None:
        if region not in self.members or region == self.primary:
            return
        assert self.outcome(region, "schedule_key_deletion", PendingWindowInDays=7) == "ok"
        self.wait(7)
        [done] = self.world.destroy_due()
        assert done.key.region == region
        del self.members[region]

    @rule(region=where, enabled=st.booleans())
    def switch(self, region: str, enabled: bool) -> None:
        operation = "enable_key" if enabled else "disable_key"
        expected = self.usable(region)
        expected = "ok" if expected == "DisabledException" else expected
        assert self.outcome(region, operation) == expected
        if expected == "ok":
            self.members[region].disabled = not enabled

    @rule(region=where)
    def encrypt(self, region: str) -> None:
        expected = self.usable(region)
        assert self.outcome(region, "encrypt", Plaintext=b"x") == expected
        if expected == "ok":
            self.blobs = [*self.blobs[-3:], self.answer.ciphertext_blob]

    @rule(days=st.integers(1, 15))
    def wait(self, days: int) -> None:
        self.day += days
        self.world.pass_time(days=days)

    @rule()
    def expire(self) -> None:
        due = [
            (region, number)
            for region, member in self.members.items()
            for number in member.until
            if not self.has(region, number)
        ]
        done = self.world.do_due(EXPIRY)
        assert sorted((each.key.region, each.material_id) for each in done) == sorted(
            (region, self.ids[number]) for region, number in due
        )
        assert self.world.failed == []
        for region, number in due:
            self._lost(region, number, asked=False)

    @rule()
    def restart(self) -> None:
        self.world.restart()

    @invariant()
    def each_member_is_as_modelled(self) -> None:
        waiting = [] if self.pending is None else [self.pending]
        ready = self.pending is not None and all(self.has(r, self.pending) for r in self.members)
        last = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION"
        if ready or len(self.members) == 1:
            last = "PENDING_ROTATION"
        for region, member in self.members.items():
            assert self.outcome(region, "describe_key") == "ok"
            assert self.answer.key_metadata.key_state == self.state(region)
            assert self.outcome(
                region, "list_key_rotations", IncludeKeyMaterial="ALL_KEY_MATERIAL"
            ) == "ok"  # fmt: skip
            states = ["NON_CURRENT"] * (len(self.own) - 1) + ["CURRENT"] * bool(self.own)
            assert [
                (each.key_material_id, each.key_material_state, each.import_state)
                for each in self.answer.rotations
            ] == [
                (self.ids[number], state, "IMPORTED" if number in member.until else
                 "PENDING_IMPORT")
                for number, state in zip(
                    [*self.own, *waiting], [*states, last][: len(self.own) + len(waiting)],
                    strict=True,
                )
            ]  # fmt: skip

    @invariant()
    def a_secret_is_kept_while_a_member_has_it(self) -> None:
        kept = {number for member in self.members.values() for number in member.until}
        rows = self.world.store.read().all("SELECT material_id FROM key_materials")
        assert {str(row[0]) for row in rows} == {self.ids[number] for number in kept}

    @invariant()
    def blobs_open_wherever_a_member_is_enabled(self) -> None:
        for region in self.members:
            for blob in self.blobs:
                expected = self.usable(region)
                assert self.outcome(region, "decrypt", CiphertextBlob=blob) == expected


ImportedSet.TestCase.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
TestImportedSet = ImportedSet.TestCase
