"""Any sequence of calls leaves each key in the state that a simple model says."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from keystead.errors import AwsError
from tests.kms.world import World

DISABLED, PENDING, GONE = "DisabledException", "KMSInvalidStateException", "NotFoundException"
NOT_YOURS = "AccessDeniedException"


class Lives(RuleBasedStateMachine):
    """Keys are made, disabled, enabled, scheduled, cancelled, rotated, used and destroyed."""

    keys = Bundle("keys")

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.world = World(Path(self.directory.name))
        self.admin = self.world.caller()
        self.states: dict[str, str] = {}
        self.until: dict[str, int] = {}
        self.blobs: dict[str, list[bytes]] = {}
        self.day = 0

    def teardown(self) -> None:
        self.world.store.close()
        self.directory.cleanup()

    def outcome(self, operation: str, **members: Any) -> str:
        """ "ok", or the code of the refusal."""
        try:
            getattr(self.admin, operation)(**members)
        except AwsError as error:
            return error.code
        return "ok"

    def expected(self, key: str, **outcomes: str) -> str:
        return outcomes.get(self.states[key], GONE)

    @rule(target=keys)
    def create(self) -> str:
        key = self.admin.key()
        self.states[key] = "Enabled"
        sealed = self.admin.encrypt(KeyId=key, Plaintext=key.encode())
        self.blobs[key] = [sealed.ciphertext_blob]
        return key

    @rule(key=keys)
    def disable(self, key: str) -> None:
        expected = self.expected(key, Enabled="ok", Disabled="ok", PendingDeletion=PENDING)
        assert self.outcome("disable_key", KeyId=key) == expected
        if expected == "ok":
            self.states[key] = "Disabled"

    @rule(key=keys)
    def enable(self, key: str) -> None:
        expected = self.expected(key, Enabled="ok", Disabled="ok", PendingDeletion=PENDING)
        assert self.outcome("enable_key", KeyId=key) == expected
        if expected == "ok":
            self.states[key] = "Enabled"

    @rule(key=keys, days=st.integers(7, 30))
    def schedule(self, key: str, days: int) -> None:
        expected = self.expected(key, Enabled="ok", Disabled="ok", PendingDeletion=PENDING)
        members = {"KeyId": key, "PendingWindowInDays": days}
        assert self.outcome("schedule_key_deletion", **members) == expected
        if expected == "ok":
            self.states[key] = "PendingDeletion"
            self.until[key] = self.day + days

    @rule(key=keys)
    def cancel(self, key: str) -> None:
        expected = self.expected(key, Enabled=PENDING, Disabled=PENDING, PendingDeletion="ok")
        assert self.outcome("cancel_key_deletion", KeyId=key) == expected
        if expected == "ok":
            self.states[key] = "Disabled"

    @rule(key=keys)
    def rotate(self, key: str) -> None:
        expected = self.expected(key, Enabled="ok", Disabled=DISABLED, PendingDeletion=PENDING)
        outcome = self.outcome("rotate_key_on_demand", KeyId=key)
        assert outcome in {expected, "LimitExceededException" if expected == "ok" else expected}

    @rule(key=keys)
    def encrypt(self, key: str) -> None:
        expected = self.expected(key, Enabled="ok", Disabled=DISABLED, PendingDeletion=PENDING)
        assert self.outcome("encrypt", KeyId=key, Plaintext=b"x") == expected
        if expected == "ok":
            sealed = self.admin.encrypt(KeyId=key, Plaintext=key.encode())
            self.blobs[key].append(sealed.ciphertext_blob)

    @rule(days=st.integers(1, 20))
    def wait(self, days: int) -> None:
        self.day += days
        self.world.pass_time(days=days)

    @rule()
    def destroy(self) -> None:
        due = {
            key
            for key, state in self.states.items()
            if state == "PendingDeletion" and self.until[key] <= self.day
        }
        assert {done.key.key_id for done in self.world.destroy_due()} == due
        for key in due:
            self.states[key] = "gone"

    @rule()
    def restart(self) -> None:
        self.world.restart()

    @invariant()
    def states_are_as_modelled(self) -> None:
        for key, state in self.states.items():
            if state == "gone":
                assert self.outcome("describe_key", KeyId=key) == GONE
            else:
                assert self.admin.describe_key(KeyId=key).key_metadata.key_state == state

    @invariant()
    def blobs_open_while_their_key_is_enabled(self) -> None:
        for key, blobs in self.blobs.items():
            expected = {
                "Enabled": "ok", "Disabled": DISABLED, "PendingDeletion": PENDING,
            }.get(self.states[key], NOT_YOURS)  # fmt: skip
            for blob in blobs[-3:]:
                assert self.outcome("decrypt", CiphertextBlob=blob) == expected


Lives.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
TestLives = Lives.TestCase
