"""Any sequence of calls leaves each member of a multi-Region set as a simple model says."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from keystead.arns import iam_arn
from keystead.errors import AwsError
from tests.kms.world import ACCOUNT, OTHER_REGION, REGION, Kms, World

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
    period: int = 0  # of the automatic rotation, which all members have
    rotates: int = 0  # the day of the next
    grants: dict[str, str] = field(default_factory=dict)  # to one user, by Region
    materials: list[str] = field(default_factory=list)
    blobs: list[tuple[bytes, str]] = field(default_factory=list)  # each with its material

    def state(self, region: str) -> str:
        return self.states.get(region, "")

    def refusal(self, region: str) -> str:
        return REFUSALS.get(self.state(region), "ok")


class Relatives(RuleBasedStateMachine):
    """Sets are made, spread, led by others, rotated, granted, used, taken apart and destroyed."""

    sets = Bundle("sets")

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.world = World(Path(self.directory.name))
        self.members: dict[str, Kms] = {r: self.world.caller(region=r) for r in REGIONS}
        self.users = {r: self.world.caller("bob", policies=(), region=r) for r in REGIONS}
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
        if expected == "ok" and one.period and one.rotates <= self.day:
            expected = "ConflictException"
        outcome = self.outcome(region, "rotate_key_on_demand", KeyId=one.key)
        assert outcome == expected
        if expected == "ok":
            self.rotated(one)

    def rotated(self, one: Set) -> None:
        found = self.members[one.primary].describe_key(KeyId=one.key).key_metadata
        assert found.current_key_material_id not in one.materials
        one.materials.append(found.current_key_material_id)

    @rule(one=sets, region=regions, days=st.none() | st.integers(90, 95))
    def rotate_every(self, one: Set, region: str, days: int | None) -> None:
        """Only the primary is asked; without days the rotation ends."""
        expected = one.refusal(region)
        if expected == "ok" and region != one.primary:
            expected = "UnsupportedOperationException"
        operation = "enable_key_rotation" if days else "disable_key_rotation"
        members = {"RotationPeriodInDays": days} if days else {}
        assert self.outcome(region, operation, KeyId=one.key, **members) == expected
        if expected == "ok" and (days or 0) != one.period:
            one.period, one.rotates = days or 0, self.day + (days or 0)

    @rule()
    def rotate_due(self) -> None:
        """The job rotates by the primary, and waits until that is enabled."""
        due = [
            one
            for one in self.known
            if one.period and one.rotates <= self.day and one.state(one.primary) == "Enabled"
        ]
        done = {(each.key.key_id, each.key.region) for each in self.world.rotate_due()}
        assert done == {(one.key, one.primary) for one in due}
        for one in due:
            following = one.rotates + one.period
            one.rotates = following if following > self.day else self.day + one.period
            self.rotated(one)

    # grants, which each member has of its own

    @rule(one=sets, region=regions)
    def grant(self, one: Set, region: str) -> None:
        """A grant with a name is made once."""
        expected, members = one.refusal(region), {
            "GranteePrincipal": iam_arn(ACCOUNT, "user/bob"), "Operations": ["Decrypt"],
            "Name": "reader",
        }  # fmt: skip
        assert self.outcome(region, "create_grant", KeyId=one.key, **members) == expected
        if expected == "ok":
            [made] = self.members[region].list_grants(KeyId=one.key).grants
            assert made.grant_id == one.grants.setdefault(region, made.grant_id)

    @rule(one=sets, region=regions, of=regions)
    def revoke(self, one: Set, region: str, of: str) -> None:
        """A grant is not known in another Region."""
        sent = {"KeyId": one.key, "GrantId": one.grants.get(of, "0" * 64)}
        expected = "ok" if region == of and of in one.grants else "NotFoundException"
        assert self.outcome(region, "revoke_grant", **sent) == expected
        if expected == "ok":
            del one.grants[of]

    @rule(one=sets, region=regions)
    def encrypt(self, one: Set, region: str) -> None:
        expected = one.refusal(region)
        members = {"KeyId": one.key, "Plaintext": one.key.encode()}
        assert self.outcome(region, "encrypt", **members) == expected
        if expected == "ok":
            blob = self.members[region].encrypt(**members).ciphertext_blob
            one.blobs = [*one.blobs[-2:], (blob, one.materials[-1])]

    @rule(days=st.sampled_from([1, 7, 20, 90]))
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
                one.grants.pop(region, None)
            if list(one.states.values()) == [WAITING] and any(one.key == key for key, _ in due):
                one.states[one.primary] = "PendingDeletion"
                one.until[one.primary] = self.day + one.window

    @rule()
    def restart(self) -> None:
        self.world.restart()

    def opens(self, user: Kms, blob: bytes) -> bool:
        try:
            user.decrypt(CiphertextBlob=blob)
        except AwsError as error:
            assert error.code == "AccessDeniedException"  # noqa: PT017  # None is as good an answer
            return False
        return True

    @invariant()
    def each_member_has_the_same_rotation(self) -> None:
        for one in self.known:
            for region, state in one.states.items():
                status = self.members[region].get_key_rotation_status(KeyId=one.key)
                ending = state in ("PendingDeletion", WAITING)
                assert status.key_rotation_enabled is (one.period > 0 and not ending)
                if status.key_rotation_enabled:
                    left = (status.next_rotation_date - self.world.now).days
                    assert left == one.rotates - self.day

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
                    assert self.opens(self.users[region], blob) is (region in one.grants)
                    opened = self.members[region].decrypt(CiphertextBlob=blob)
                    assert opened.plaintext == one.key.encode()
                    assert opened.key_material_id == material


Relatives.TestCase.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
TestRelatives = Relatives.TestCase
