"""Plausible random scenarios over every kind of policy: one per seed, the same on every machine.

The vocabularies are small, so that policies and requests meet often. What is drawn is what
`keystead decide` reads. A few documents in a hundred are such that they cannot be stored.

Left out is what the documentation leaves open (reference/README.md, ambiguities): it would be
noise in the differential test.
"""

import copy
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.policy.vocabulary import (
    CALLERS,
    CONTEXT,
    IPS,
    NO_DATES,
    OPERATORS,
    OTHER_ACTIONS,
    OTHER_PRINCIPALS,
    TARGETS,
    TRUST_ACTIONS,
    Caller,
    Target,
)

Json = dict[str, Any]
VERSION = "2012-10-17"


def scenario(seed: int) -> Json:
    """The scenario of a seed."""
    return Draw(random.Random(seed)).scenario(seed)


@dataclass(frozen=True, slots=True)
class Draw:
    """Draws the parts of one scenario; every method answers with one part."""

    rng: random.Random

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def one(self, choices: Sequence[Any]) -> Any:
        return self.rng.choice(choices)

    def some(self, choices: Sequence[Any], most: int) -> list[Any]:
        return self.rng.sample(choices, self.rng.randint(1, min(most, len(choices))))

    # ── The whole ─────────────────────────────────────────────────────────────────────────

    def scenario(self, seed: int) -> Json:
        caller = self.rng.choices(CALLERS, [each.weight for each in CALLERS])[0]
        target = self.rng.choices(TARGETS, [each.weight for each in TARGETS])[0]
        drawn: Json = {"id": f"scenario-{seed}", "principal": caller.arn}
        if caller.role:
            drawn["principalRole"] = caller.role
        drawn |= {"action": self.spelled(target.action), "resource": target.resource}
        drawn |= {"resourceAccount": target.account, "context": self.context(caller)}
        drawn |= self.policies(caller, target)
        if self.chance(0.02):
            self.spoil(drawn)
        return drawn

    def spelled(self, action: str) -> str:
        """Mostly as it is written, sometimes in another case."""
        return action.lower() if self.chance(0.05) else action

    def context(self, caller: Caller) -> Json:
        found: Json = {}
        for key, values in CONTEXT.items():
            if key == "aws:MultiFactorAuthPresent" and not caller.role:
                continue
            if self.chance(0.5):
                name = key.upper() if self.chance(0.03) else key
                is_list = isinstance(values, list)
                found[name] = self.some(values, 3) if is_list else self.one(values)
        return found

    def policies(self, caller: Caller, target: Target) -> Json:
        drawn: Json = {}
        if caller.personal:
            count = self.rng.choices([0, 1, 2, 3], [1, 6, 3, 1])[0]
            drawn["identityPolicies"] = [self.identity(target, 0.25) for _ in range(count)]
        if self.chance(0.9 if target.own_policy else 0.4):
            drawn["resourcePolicy"] = self.resource_policy(caller, target)
        if self.chance(0.3):
            levels = self.rng.randint(1, 3)
            drawn["scps"] = [self.level(target) for _ in range(levels)]
        if self.chance(0.25):
            levels = self.rng.randint(1, 3)
            drawn["rcps"] = [
                [self.rcp(target) for _ in range(self.rng.randint(0, 1))] for _ in range(levels)
            ]
        if caller.personal and self.chance(0.3):
            drawn["boundary"] = self.identity(target, 0.45)
        if caller.session and self.chance(0.9 if caller.federated else 0.3):
            first = self.identity(target, 0.45)
            drawn["sessionPolicy"] = first
            if self.chance(0.3):
                drawn["sessionPolicy"] = [[first], [self.identity(target, 0.6)]]
        if self.chance(0.3):
            drawn["vpcEndpointPolicy"] = self.endpoint(caller, target)
        if (caller.personal or caller.arn.endswith(":root")) and self.chance(0.2):
            count = self.rng.randint(1, 3)
            drawn["scopeDownPolicies"] = [self.identity(target, 0.7) for _ in range(count)]
        return drawn

    # ── Documents ─────────────────────────────────────────────────────────────────────────

    def identity(self, target: Target, broad: float) -> Json:
        """`broad`: how often the document begins by allowing everything."""
        statements = [self.statement(target) for _ in range(self.rng.randint(1, 3))]
        if self.chance(broad):
            statements.insert(0, {"Effect": "Allow", "Action": "*", "Resource": "*"})
        return self.document(statements)

    def level(self, target: Target) -> list[Json]:
        return [self.identity(target, 0.8) for _ in range(self.rng.choice([0, 1, 1, 1, 1, 2, 2]))]

    def document(self, statements: list[Json], version: str | None = VERSION) -> Json:
        for number, statement in enumerate(statements):
            if self.chance(0.7):
                statement["Sid"] = f"S{number}"
        single = len(statements) == 1 and self.chance(0.3)
        head = {} if version is None else {"Version": version}
        return {**head, "Statement": statements[0] if single else statements}

    def statement(self, target: Target, *, deny: float = 0.12) -> Json:
        drawn: Json = {"Effect": "Deny" if self.chance(deny) else "Allow"}
        drawn["NotAction" if self.chance(0.07) else "Action"] = self.actions(target)
        if self.chance(0.07):
            drawn["NotResource"] = self.resources(target)
        else:
            drawn["Resource"] = self.resources(target)
        return self.guarded(drawn)

    def guarded(self, statement: Json) -> Json:
        """Denies are guarded more often than allows, as in life."""
        unguarded = 0.25 if statement["Effect"] == "Deny" else 0.6
        if not self.chance(unguarded):
            statement["Condition"] = self.conditions()
        return statement

    def resource_policy(self, caller: Caller, target: Target) -> Json:
        version = self.rng.choices([VERSION, "2008-10-17", None], [8, 1, 1])[0]
        count = self.rng.randint(1, 3)
        return self.document([self.owned(caller, target) for _ in range(count)], version)

    def owned(self, caller: Caller, target: Target) -> Json:
        """A statement of a resource's own policy."""
        drawn = self.statement(target)
        if target.kind == "trust":
            drawn.pop("NotAction", None)
            drawn.pop("NotResource", None)
            drawn.pop("Resource", None)
            drawn["Action"] = self.maybe_list(self.some(TRUST_ACTIONS, 2))
        elif target.kind == "key" and self.chance(0.5):
            drawn.pop("NotResource", None)
            drawn["Resource"] = "*"
        elif target.kind == "key" and self.chance(0.05):
            drawn.pop("Resource", None)
        negatable = target.kind == "resource" or (
            target.kind == "key" and drawn["Effect"] == "Deny"
        )
        if negatable and self.chance(0.08):
            drawn["NotPrincipal"] = self.principal(caller)
        elif target.kind != "resource" or not self.chance(0.03):
            drawn["Principal"] = self.principal(caller)
        return drawn

    def endpoint(self, caller: Caller, target: Target) -> Json:
        statements = [self.statement(target) for _ in range(self.rng.randint(0, 2))]
        for each in statements:
            each["Principal"] = self.principal(caller)
        if not statements or self.chance(0.6):
            statements.append({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"})
        return self.document(statements, self.one([VERSION, VERSION, None]))

    def rcp(self, target: Target) -> Json:
        if self.chance(0.3):
            return self.document(
                [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]
            )
        drawn = self.statement(target, deny=1)
        drawn.pop("NotAction", None)
        service = target.action.split(":", maxsplit=1)[0]
        drawn["Action"] = self.one([target.action, f"{service}:*", "kms:*", "s3:Get*", "sts:*"])
        drawn["Principal"] = "*"
        return self.document([drawn])

    # ── Elements ──────────────────────────────────────────────────────────────────────────

    def actions(self, target: Target) -> Any:
        service, _, name = target.action.partition(":")
        near = [target.action, f"{service}:*", f"{service}:{name[:3]}*", "*"]
        near += [f"{service.upper()}:{name.upper()}", f"{service}:*{name[-3:]}"]
        near += [f"{service}:{name[:-1]}?"]
        return self.maybe_list(self.some([*near, *near, *OTHER_ACTIONS], 2))

    def resources(self, target: Target) -> Any:
        near = ["*", "*", target.resource, *target.patterns]
        if target.variable:
            near.append(target.variable)
        others = ["arn:aws:s3:::elsewhere/*", "arn:aws:sqs:*:*:other"]
        return self.maybe_list(self.some([*near, *near, *others], 2))

    def principal(self, caller: Caller) -> Any:
        if self.chance(0.25):
            return self.one(["*", {"AWS": "*"}])
        named = self.some([*caller.names, *caller.names, *OTHER_PRINCIPALS], 2)
        drawn: Json = {}
        for kind, value in named:
            drawn.setdefault(kind, []).append(value)
        return {kind: self.maybe_list(values) for kind, values in drawn.items()}

    def maybe_list(self, values: list[Any]) -> Any:
        return values[0] if len(values) == 1 and self.chance(0.6) else values

    def conditions(self) -> Json:
        drawn: Json = {}
        for _ in range(self.rng.choice([1, 1, 1, 2])):
            operator, key, values = self.condition()
            drawn.setdefault(operator, {})[key] = values
        return drawn

    def condition(self) -> tuple[str, str, Any]:
        if self.chance(0.1):
            return "Null", self.one(list(CONTEXT)), self.one(["true", "false", True, False])
        operator = self.one(list(OPERATORS))
        keys, values = OPERATORS[operator]
        key = self.one(keys)
        wanted = self.maybe_list(self.some(values, 3))
        multivalued = isinstance(CONTEXT.get(key), list)
        name = operator
        if self.chance(0.9 if multivalued else 0.08):
            name = f"{self.one(['ForAllValues', 'ForAnyValue'])}:{name}"
        if self.chance(0.15):
            name += "IfExists"
        if self.chance(0.02):
            name = name.lower()
        return name, key.lower() if self.chance(0.05) else key, wanted

    # ── What cannot be stored ─────────────────────────────────────────────────────────────

    def spoil(self, drawn: Json) -> None:
        """One document of the scenario gets a defect that no kind of policy tolerates."""
        session = drawn.get("sessionPolicy")
        sessions = (
            [each for level in session for each in level]
            if isinstance(session, list)
            else [session]
        )
        found = [drawn.get("boundary"), *sessions, drawn.get("resourcePolicy")]
        found += [drawn.get("vpcEndpointPolicy"), *drawn.get("identityPolicies", [])]
        found += drawn.get("scopeDownPolicies", [])
        found += [each for level in drawn.get("scps", []) for each in level]
        documents = [document for document in found if document]
        if not documents:
            return
        document = self.one(documents)
        statements = copy.deepcopy(document["Statement"])
        if isinstance(statements, dict):
            statements = [statements]
        document["Statement"] = statements
        victim = self.one(statements)
        defects: list[Json] = [
            {"Effect": "allow"},
            {"Comment": "x"},
            {"Action": "kms:*", "NotAction": "s3:*"},
            {"Condition": {"StringMatches": {"aws:username": "alice"}}},
            {"Condition": {"DateLessThan": {"aws:CurrentTime": self.one(NO_DATES)}}},
            {"Condition": {"IpAddress": {"aws:SourceIp": IPS[0] + "/99"}}},
            {"Condition": {"StringEquals": {"aws:username": {"a": "b"}}}},
        ]
        victim |= self.one(defects)
