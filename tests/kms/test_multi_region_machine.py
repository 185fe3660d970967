"""Any sequence of calls leaves each member of a multi-Region set as a simple model says."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from keystead.errors import AwsError
from tests.kms.world import OTHER_REGION, REGION, Kms, World

REGIONS = (REGION, OTHER_REGION, "ap-south-1")
WAITING = "PendingReplicaDeletion"
REFUSALS = {
    "Disabled": "DisabledException",
    "PendingDeletion": "KMSInvalidStateException",
    WAITING: "KMSInvalidStateException",
    "": "NotFoundException",
}
"""How each state is refused, of a member that does not exist, too."""

regions = st.sampled_from(REGIONS)


@dataclass
class Set:
    """What the model knows of one set: who is there, in which state, and who is the primary."""

    key: str
    primary: str
    states: dict[str, str]
    until: dict[str, int] = field(default_factory=dict)  # the day of destruction, by Region
    window: int = 0  # of a primary that waits for its replicas
    materials: list[str] = field(default_factory=list)
    blobs: list[tuple[bytes, str]] = field(default_factory=list)  # each with its material

    def state(self, region: str) -> str:
        return self.states.get(region, "")

    def refusal(self, region: str) -> str:
        return REFUSALS.get(self.state(region), "ok")


class Relatives(RuleBasedStateMachine):
    """Sets are made, spread, led by others, rotated, used, taken apart and destroyed."""

    sets = Bundle("sets")

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.world = World(Path(self.directory.name))
        self.members: dict[str, Kms] = {r: self.world.caller(region=r) for r in REGIONS}
        self.known: list[Set] = []
        self.day = 0

    def teardown(self) -> None:
        self.world.store.close()
        self.directory.cleanup()

    def outcome(self, region: str, operation: str, **members: Any) -> str:
        """ "ok", or the code of the refusal."""
        try:
            getattr(self.members[region], operation)(**members)
        except AwsError as error:
            return error.code
        return "ok"

    @rule(target=sets, region=regions)
    def create(self, region: str) -> Set:
        made = self.members[region].create_key(MultiRegion=True).key_metadata
        one = Set(made.key_id, region, {region: "Enabled"})
        one.materials.append(made.current_key_material_id)
        self.known.append(one)
        return one

    @rule(one=sets, region=regions, to=regions)
    def replicate(self, one: Set, region: str, to: str) -> None:
        expected = one.refusal(region)
        if expected == "ok" and region != one.primary:
            expected = "UnsupportedOperationException"
        if expected == "ok" and to in one.states:
            expected = "AlreadyExistsException"
        assert self.outcome(region, "replicate_key", KeyId=one.key, ReplicaRegion=to) == expected
        if expected == "ok":
            one.states[to] = "Enabled"

    @rule(one=sets, region=regions, to=regions)
    def promote(self, one: Set, region: str, to: str) -> None:
        expected = one.refusal(region)
        if expected == "ok" and (region != one.primary or to == region):
            expected = "UnsupportedOperationException"
        if expected == "ok":
            expected = one.refusal(to)
        outcome = self.outcome(region, "update_primary_region", KeyId=one.key, PrimaryRegion=to)
        assert outcome == expected
        if expected == "ok":
            one.primary = to

    @rule(one=sets, region=regions, enabled=st.booleans())
    def switch(self, one: Set, region: str, enabled: bool) -> None:
        expected = one.refusal(region)
        expected = "ok" if expected == "DisabledException" else expected
        operation = "enable_key" if enabled else "disable_key"
        assert self.outcome(region, operation, KeyId=one.key) == expected
        if expected == "ok":
            one.states[region] = "Enabled" if enabled else "Disabled"

    @rule(one=sets, region=regions, days=st.integers(7, 30))
    def schedule(self, one: Set, region: str, days: int) -> None:
        expected = one.refusal(region)
        expected = "ok" if expected == "DisabledException" else expected
        members = {"KeyId": one.key, "PendingWindowInDays": days}
        assert self.outcome(region, "schedule_key_deletion", **members) == expected
        if expected != "ok":
            return
        if region == one.primary and len(one.states) > 1:
            one.states[region], one.window = WAITING, days
        else:
            one.states[region], one.until[region] = "PendingDeletion", self.day + days

    @rule(one=sets, region=regions)
    def cancel(self, one: Set, region: str) -> None:
        pending = one.state(region) in ("PendingDeletion", WAITING)
        expected = "ok" if pending else "KMSInvalidStateException" if one.state(region) else (
            "NotFoundException"
        )  # fmt: skip
        assert self.outcome(region, "cancel_key_deletion", KeyId=one.key) == expected
        if expected == "ok":
            one.states[region] = "Disabled"

    @rule(one=sets, region=regions)
    def rotate(self, one: Set, region: str) -> None:
        expected = one.refusal(region)
        if expected == "ok" and region != one.primary:
            expected = "UnsupportedOperationException"
        outcome = self.outcome(region, "rotate_key_on_demand", KeyId=one.key)
        assert outcome == expected
        if expected == "ok":
            found = self.members[region].describe_key(KeyId=one.key).key_metadata
            assert found.current_key_material_id not in one.materials
            one.materials.append(found.current_key_material_id)

    @rule(one=sets, region=regions)
    def encrypt(self, one: Set, region: str) -> None:
        expected = one.refusal(region)
        members = {"KeyId": one.key, "Plaintext": one.key.encode()}
        assert self.outcome(region, "encrypt", **members) == expected
        if expected == "ok":
            blob = self.members[region].encrypt(**members).ciphertext_blob
            one.blobs = [*one.blobs[-2:], (blob, one.materials[-1])]

    @rule(days=st.integers(1, 20))
    def wait(self, days: int) -> None:
        self.day += days
        self.world.pass_time(days=days)

    @rule()
    def destroy(self) -> None:
        due = {
            (one.key, region)
            for one in self.known
            for region, state in one.states.items()
            if state == "PendingDeletion" and one.until[region] <= self.day
        }
        assert {(done.key.key_id, done.key.region) for done in self.world.destroy_due()} == due
        for one in self.known:
            for region in [each for each in one.states if (one.key, each) in due]:
                del one.states[region]
            if list(one.states.values()) == [WAITING] and any(one.key == key for key, _ in due):
                one.states[one.primary] = "PendingDeletion"
                one.until[one.primary] = self.day + one.window

    @rule()
    def restart(self) -> None:
        self.world.restart()

    @invariant()
    def each_member_describes_the_same_set(self) -> None:
        for one in self.known:
            for region in REGIONS:
                if region not in one.states:
                    assert self.outcome(region, "describe_key", KeyId=one.key) == (
                        "NotFoundException"
                    )
                    continue
                found = self.members[region].describe_key(KeyId=one.key).key_metadata
                shown = found.multi_region_configuration
                assert found.key_state == one.states[region]
                assert found.current_key_material_id == one.materials[-1]
                assert shown.primary_key.region == one.primary
                assert {each.region for each in shown.replica_keys} == (
                    set(one.states) - {one.primary}
                )

    @invariant()
    def blobs_open_wherever_a_member_is_enabled(self) -> None:
        for one in self.known:
            for region in REGIONS:
                refusal = one.refusal(region) if one.state(region) else "AccessDeniedException"
                for blob, material in one.blobs:
                    if refusal != "ok":
                        assert self.outcome(region, "decrypt", CiphertextBlob=blob) == refusal
                        continue
                    opened = self.members[region].decrypt(CiphertextBlob=blob)
                    assert opened.plaintext == one.key.encode()
                    assert opened.key_material_id == material


Relatives.TestCase.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
TestRelatives = Relatives.TestCase
