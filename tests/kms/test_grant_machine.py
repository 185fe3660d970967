"""Any sequence of grants leaves each principal with what a simple model says.

The model knows a list of grants and the rules of kms.md 10.6, the states of two keys, and nothing
of policies. What a grant allows, the state of its key may refuse; with its key a grant is gone.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
)

from keystead.arns import iam_arn
from keystead.errors import AwsError
from keystead.policy.evaluation.question import Principal, PrincipalPolicies, PrincipalType
from tests.kms.world import ACCOUNT, OTHER_ACCOUNT, Kms, World, allow

Pairs = Mapping[str, str]
NOT_YOURS = "AccessDeniedException"
WITH_CONTEXT = {"Encrypt", "GenerateDataKey"}
OPERATIONS = [*sorted(WITH_CONTEXT), "DescribeKey", "CreateGrant", "RetireGrant"]
CONTEXTS: list[Pairs] = [{}, {"a": "1"}, {"a": "2"}, {"A": "1"}, {"a": "1", "b": "1"}]

REFUSALS = {"Disabled": "DisabledException", "PendingDeletion": "KMSInvalidStateException"}

contexts = st.sampled_from(CONTEXTS)
operations = st.lists(st.sampled_from(OPERATIONS), min_size=1, max_size=4, unique=True)
constraints = st.one_of(
    st.none(), st.tuples(st.sampled_from(["Equals", "Subset"]), contexts.filter(bool))
)


def folded(pairs: Pairs) -> dict[str, str]:
    return {name.lower(): value for name, value in pairs.items()}


@dataclass
class Grant:
    """A grant of the model."""

    key: str
    grantee: str
    operations: set[str]
    constraint: tuple[str, Pairs] | None
    retirer: str
    id: str = ""
    token: str = field(default="", repr=False)

    def meets(self, context: Pairs) -> bool:
        if self.constraint is None:
            return True
        kind, pairs = self.constraint
        wanted, has = folded(pairs), folded(context)
        return wanted == has if kind == "Equals" else wanted.items() <= has.items()

    def allows(self, operation: str, context: Pairs) -> bool:
        if operation not in self.operations:
            return False
        return operation not in WITH_CONTEXT or self.meets(context)

    def contains(self, child: "Grant") -> bool:
        """Is the child equal or narrower?"""
        if "CreateGrant" not in self.operations or not child.operations <= self.operations:
            return False
        if self.constraint is None:
            return True
        if child.constraint is None:
            return False
        (kind, pairs), (its, others) = self.constraint, child.constraint
        if kind == "Equals":
            return its == "Equals" and folded(pairs) == folded(others)
        return folded(pairs).items() <= folded(others).items()


class Granting(RuleBasedStateMachine):
    """Grants are made, granted on, retired, revoked and used by several principals."""

    grants = Bundle("grants")

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.world = World(Path(self.directory.name))
        self.admin = self.world.caller()
        self.keys = [self.new_key() for _ in range(2)]
        self.states = ["Enabled", "Enabled"]
        self.ends = [0, 0]  # the days of their destruction, while they are pending
        self.day = 0
        world = self.world
        self.people = [
            world.caller("bob", policies=()),
            world.caller("eve", OTHER_ACCOUNT, policies=()),
            world.caller("carl", OTHER_ACCOUNT, policies=(allow("kms:*"),)),
            self.session("one"),
            self.session("two"),
        ]
        self.grantees = [
            *(who.principal.arn for who in self.people[:4]),
            iam_arn(ACCOUNT, "role/ops"),
            iam_arn(OTHER_ACCOUNT, "root"),
        ]
        self.model: dict[str, Grant] = {}

    def new_key(self) -> str:
        return self.admin.arn(f"key/{self.admin.key()}")

    def session(self, name: str) -> Kms:
        arn = iam_arn(ACCOUNT, "role/ops")
        ids = self.world.people.ids
        unique_id = ids.get(arn) or self.world.people.add(arn)
        who = Principal(
            PrincipalType.ASSUMED_ROLE, f"arn:aws:sts::{ACCOUNT}:assumed-role/ops/{name}",
            ACCOUNT, f"{unique_id}:{name}", unique_id, principal_arn=arn, issuer_arn=arn,
            issuer_id=unique_id,
        )  # fmt: skip
        ids[who.arn] = unique_id
        return Kms(self.world, who, PrincipalPolicies())

    def teardown(self) -> None:
        self.world.store.close()
        self.directory.cleanup()

    # the model

    def holds(self, who: Kms, grantee: str) -> bool:
        """Is a grant to this name one of theirs?  An account's counts for whom its policies let."""
        named = who.principal
        if grantee == iam_arn(named.account, "root"):
            return bool(who.policies.identity_based)
        return grantee in (named.arn, named.issuer_arn)

    def may(self, who: Kms, key: str, operation: str, context: Pairs) -> bool:
        return any(
            grant.key == key and self.holds(who, grant.grantee) and grant.allows(operation, context)
            for grant in self.model.values()
        )

    def refusal(self, key: str) -> str:
        """ "ok", or how a key in its state refuses to be used, or to be granted."""
        return REFUSALS.get(self.states[self.keys.index(key)], "ok")

    def may_retire(self, who: Kms, grant: Grant) -> bool:
        if self.holds(who, grant.retirer) and grant.retirer:
            return True
        return "RetireGrant" in grant.operations and self.holds(who, grant.grantee)

    def tried(self, who: Kms, operation: str, **members: Any) -> tuple[str, Any]:
        """ "ok" or the code of the refusal, and the answer."""
        try:
            return "ok", getattr(who, operation)(**members)
        except AwsError as error:
            return error.code, None

    def make(self, maker: Kms, drawn: Grant) -> tuple[str, Any]:
        members: dict[str, Any] = {
            "KeyId": drawn.key,
            "GranteePrincipal": drawn.grantee,
            "Operations": sorted(drawn.operations),
        }
        if drawn.constraint:
            members["Constraints"] = {
                f"EncryptionContext{drawn.constraint[0]}": drawn.constraint[1]
            }
        if drawn.retirer:
            members["RetiringPrincipal"] = drawn.retirer
        return self.tried(maker, "create_grant", **members)

    def keep(self, drawn: Grant, answer: Any) -> Grant:
        drawn.id, drawn.token = answer.grant_id, answer.grant_token
        self.model[drawn.id] = drawn
        return drawn

    # the calls

    @rule(target=grants, key=st.integers(0, 1), to=st.integers(0, 5), allowed=operations,
          constraint=constraints, retirer=st.none() | st.integers(0, 3))  # fmt: skip
    def grant(
        self, key: int, to: int, allowed: list[str], constraint: Any, retirer: int | None
    ) -> MultipleResults[Grant]:
        if allowed == ["CreateGrant"]:
            allowed = ["CreateGrant", "Encrypt"]
        drawn = Grant(
            self.keys[key], self.grantees[to], set(allowed), constraint,
            "" if retirer is None else self.grantees[retirer],
        )  # fmt: skip
        code, answer = self.make(self.admin, drawn)
        assert code == self.refusal(drawn.key)
        return multiple(self.keep(drawn, answer)) if code == "ok" else multiple()

    @rule(who=st.integers(0, 4), key=st.integers(0, 1), to=st.integers(0, 5), allowed=operations,
          constraint=constraints)  # fmt: skip
    def grant_on(self, who: int, key: int, to: int, allowed: list[str], constraint: Any) -> None:
        """Through a grant: exactly what one of the grants of the caller contains."""
        if allowed == ["CreateGrant"]:
            return
        maker = self.people[who]
        drawn = Grant(self.keys[key], self.grantees[to], set(allowed), constraint, "")
        contained = any(
            parent.key == drawn.key and self.holds(maker, parent.grantee) and parent.contains(drawn)
            for parent in self.model.values()
        )
        code, answer = self.make(maker, drawn)
        assert code == (self.refusal(drawn.key) if contained else NOT_YOURS), (drawn, self.model)
        if code == "ok":
            self.keep(drawn, answer)

    @rule(which=consumes(grants))
    def revoke(self, which: Grant) -> None:
        code, _ = self.tried(self.admin, "revoke_grant", KeyId=which.key, GrantId=which.id)
        assert code == ("ok" if which.id in self.model else "NotFoundException")
        self.model.pop(which.id, None)

    @rule(which=grants, who=st.integers(0, 4), by_token=st.booleans())
    def retire(self, which: Grant, who: int, *, by_token: bool) -> None:
        caller = self.people[who]
        named = {"KeyId": which.key, "GrantId": which.id}
        sent = {"GrantToken": which.token} if by_token else named
        code, _ = self.tried(caller, "retire_grant", **sent)
        if which.id not in self.model:
            own = caller.principal.account == ACCOUNT
            gone = "NotFoundException" if own else NOT_YOURS
            assert code == ("InvalidGrantTokenException" if by_token else gone)
        elif self.may_retire(caller, which):
            assert code == "ok"
            del self.model[which.id]
        else:
            assert code == NOT_YOURS

    @rule(who=st.integers(0, 4), key=st.integers(0, 1), context=contexts)
    def use(self, who: int, key: int, context: Pairs) -> None:
        caller, named = self.people[who], self.keys[key]
        calls: dict[str, dict[str, Any]] = {
            "Encrypt": {"Plaintext": b"x", "EncryptionContext": context},
            "GenerateDataKey": {"KeySpec": "AES_256", "EncryptionContext": context},
            "DescribeKey": {},
        }
        methods = {"Encrypt": "encrypt", "GenerateDataKey": "generate_data_key",
                   "DescribeKey": "describe_key"}  # fmt: skip
        for operation, members in calls.items():
            code, _ = self.tried(caller, methods[operation], KeyId=named, **members)
            refusal = "ok" if operation == "DescribeKey" else self.refusal(named)
            allowed = self.may(caller, named, operation, context)
            assert code == (refusal if allowed else NOT_YOURS), (operation, context, self.model)

    # the states of the keys

    def become(
        self, key: int, operation: str, state: str, before: set[str], **members: Any
    ) -> None:
        """Bring a key into a state, which is possible from these."""
        code, _ = self.tried(self.admin, operation, KeyId=self.keys[key], **members)
        possible = self.states[key] in before
        assert code == ("ok" if possible else "KMSInvalidStateException")
        self.states[key] = state if possible else self.states[key]

    @rule(key=st.integers(0, 1), enabled=st.booleans())
    def switch(self, key: int, *, enabled: bool) -> None:
        operation, state = ("enable_key", "Enabled") if enabled else ("disable_key", "Disabled")
        self.become(key, operation, state, {"Enabled", "Disabled"})

    @rule(key=st.integers(0, 1))
    def schedule(self, key: int) -> None:
        if self.states[key] != "PendingDeletion":
            self.ends[key] = self.day + 7
        usual = {"Enabled", "Disabled"}
        members = {"PendingWindowInDays": 7}
        self.become(key, "schedule_key_deletion", "PendingDeletion", usual, **members)

    @rule(key=st.integers(0, 1))
    def cancel(self, key: int) -> None:
        self.become(key, "cancel_key_deletion", "Disabled", {"PendingDeletion"})

    @rule()
    def wait(self) -> None:
        self.day += 7
        self.world.pass_time(days=7)

    @rule()
    def destroy(self) -> None:
        """Another key follows one that is destroyed with its grants."""
        due = {
            self.keys[n]
            for n in range(2)
            if self.states[n] == "PendingDeletion" and self.ends[n] <= self.day
        }
        gone = {self.admin.arn(f"key/{each.key.key_id}") for each in self.world.destroy_due()}
        assert gone == due
        self.model = {name: grant for name, grant in self.model.items() if grant.key not in due}
        for number in [n for n in range(2) if self.keys[n] in due]:
            self.keys[number], self.states[number] = self.new_key(), "Enabled"

    @rule()
    def restart(self) -> None:
        self.world.restart()

    @invariant()
    def lists_show_what_there_is(self) -> None:
        for key in self.keys:
            there = {grant.id for grant in self.model.values() if grant.key == key}
            assert {one.grant_id for one in self.admin.list_grants(KeyId=key).grants} == there


Granting.TestCase.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
TestGranting = Granting.TestCase
