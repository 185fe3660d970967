"""Any sequence of calls, of days and of restarts leaves each key as a simple model says."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from keystead.errors import AwsError
from tests.kms.lives import GONE, OK, TAKEN, Life
from tests.kms.world import World

NAMES = st.sampled_from(["alias/a", "alias/b"])
TAGS = st.sampled_from(["Team", "Cost"])


class Lives(RuleBasedStateMachine):
    """Keys are made, named, tagged, used, rotated, disabled, scheduled, saved and destroyed."""

    keys = Bundle("keys")

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.world = World(Path(self.directory.name))
        self.admin = self.world.caller()
        self.lives: dict[str, Life] = {}
        self.aliases: dict[str, str] = {}
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
        return OK

    def current(self, key: str) -> str:
        found: str = self.admin.describe_key(KeyId=key).key_metadata.current_key_material_id
        return found

    # lives and states

    @rule(target=keys)
    def create(self) -> str:
        key = self.admin.key()
        self.lives[key] = Life(generations=[self.current(key)])
        return key

    @rule(key=keys)
    def disable(self, key: str) -> None:
        assert self.outcome("disable_key", KeyId=key) == self.lives[key].disable()

    @rule(key=keys)
    def enable(self, key: str) -> None:
        assert self.outcome("enable_key", KeyId=key) == self.lives[key].enable()

    @rule(key=keys, days=st.integers(7, 30))
    def schedule(self, key: str, days: int) -> None:
        outcome = self.outcome("schedule_key_deletion", KeyId=key, PendingWindowInDays=days)
        assert outcome == self.lives[key].schedule(self.day, days)

    @rule(key=keys)
    def cancel(self, key: str) -> None:
        assert self.outcome("cancel_key_deletion", KeyId=key) == self.lives[key].cancel()

    # rotation

    @rule(key=keys, days=st.integers(90, 100))
    def rotate_every(self, key: str, days: int) -> None:
        outcome = self.outcome("enable_key_rotation", KeyId=key, RotationPeriodInDays=days)
        assert outcome == self.lives[key].rotate_every(self.day, days)

    @rule(key=keys)
    def rotate_no_more(self, key: str) -> None:
        assert self.outcome("disable_key_rotation", KeyId=key) == self.lives[key].rotate_no_more()

    @rule(key=keys)
    def rotate(self, key: str) -> None:
        expected = self.lives[key].rotate(self.day)
        assert self.outcome("rotate_key_on_demand", KeyId=key) == expected
        if expected == OK:
            self.lives[key].generations.append(self.current(key))

    # use

    @rule(key=keys)
    def encrypt(self, key: str) -> None:
        life = self.lives[key]
        expected = life.use("Encrypt")
        if expected == OK:
            sealed = self.admin.encrypt(KeyId=key, Plaintext=key.encode())
            life.blobs.append((sealed.ciphertext_blob, life.generations[-1]))
        else:
            assert self.outcome("encrypt", KeyId=key, Plaintext=b"x") == expected

    @rule(key=keys)
    def decrypt_all(self, key: str) -> None:
        """Every old ciphertext, with the material that made it."""
        life = self.lives[key]
        for blob, material in life.blobs:
            expected = life.open()
            if expected == OK:
                opened = self.admin.decrypt(CiphertextBlob=blob)
                assert (opened.plaintext, opened.key_material_id) == (key.encode(), material)
            else:
                assert self.outcome("decrypt", CiphertextBlob=blob) == expected

    # names and tags

    @rule(key=keys, name=NAMES)
    def name(self, key: str, name: str) -> None:
        expected = self.lives[key].be_named()
        if expected == OK and name in self.aliases:
            expected = TAKEN
        assert self.outcome("create_alias", AliasName=name, TargetKeyId=key) == expected
        if expected == OK:
            self.aliases[name] = key

    @rule(key=keys, name=NAMES)
    def move(self, key: str, name: str) -> None:
        expected = self.lives[key].be_named() if name in self.aliases else GONE
        assert self.outcome("update_alias", AliasName=name, TargetKeyId=key) == expected
        if expected == OK:
            self.aliases[name] = key

    @rule(name=NAMES)
    def forget_name(self, name: str) -> None:
        expected = OK if name in self.aliases else GONE
        assert self.outcome("delete_alias", AliasName=name) == expected
        self.aliases.pop(name, None)

    @rule(key=keys, tag=TAGS, value=st.sampled_from(["", "x"]))
    def tag(self, key: str, tag: str, value: str) -> None:
        outcome = self.outcome("tag_resource", KeyId=key, Tags=[{"TagKey": tag, "TagValue": value}])
        assert outcome == self.lives[key].tag(tag, value)

    @rule(key=keys, tag=TAGS)
    def untag(self, key: str, tag: str) -> None:
        outcome = self.outcome("untag_resource", KeyId=key, TagKeys=[tag])
        assert outcome == self.lives[key].untag(tag)

    # time and the server's own work

    @rule(days=st.sampled_from([1, 7, 30, 100]))
    def wait(self, days: int) -> None:
        self.day += days
        self.world.pass_time(days=days)

    @rule()
    def work(self) -> None:
        """The server's jobs run."""
        rotated = {key for key, life in self.lives.items() if life.is_to_be_rotated(self.day)}
        assert {done.key.key_id for done in self.world.rotate_due()} == rotated
        for key in rotated:
            self.lives[key].rotated(self.day)
            self.lives[key].generations.append(self.current(key))
        due = {key for key, life in self.lives.items() if life.is_to_be_destroyed(self.day)}
        assert {done.key.key_id for done in self.world.destroy_due()} == due
        for key in due:
            self.lives[key].state = "gone"
        self.aliases = {n: key for n, key in self.aliases.items() if key not in due}

    @rule()
    def restart(self) -> None:
        self.world.restart()

    # what must hold after each step

    @invariant()
    def keys_are_as_modelled(self) -> None:
        for key, life in self.lives.items():
            if life.state == "gone":
                assert self.outcome("describe_key", KeyId=key) == GONE
                continue
            metadata = self.admin.describe_key(KeyId=key).key_metadata
            assert metadata.key_state == life.state
            assert metadata.current_key_material_id == life.generations[-1]
            use = self.admin.get_key_last_usage(KeyId=key).key_last_usage
            assert use.operation == life.used
            status = self.admin.get_key_rotation_status(KeyId=key)
            is_on = life.period > 0 and life.state != "PendingDeletion"
            assert status.key_rotation_enabled == is_on
            if is_on:
                assert (status.next_rotation_date - self.world.now).days == life.rotates - self.day

    @invariant()
    def lists_are_as_modelled(self) -> None:
        listed = self.admin.list_aliases().aliases
        assert {each.alias_name: each.target_key_id for each in listed} == self.aliases
        for key, life in self.lives.items():
            if life.state == "gone":
                continue
            tags = self.admin.list_resource_tags(KeyId=key).tags
            assert {tag.tag_key: tag.tag_value for tag in tags} == life.tags
            rotations = self.admin.list_key_rotations(KeyId=key).rotations
            assert [each.rotation_type for each in rotations] == life.kinds
            assert [each.key_material_id for each in rotations] == life.generations[1:]


Lives.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
TestLives = Lives.TestCase
