"""Rounds of change and questions: does the server decide as the second evaluator does?

A round changes the land, begins sessions, and makes calls with every kind of credentials. Each
decision of each call is compared: its outcome, the kind of policy that decided, and the statements
that denied. The second evaluator is asked with what is known of the calls that were made.
"""

import json
import random
from collections import Counter
from dataclasses import dataclass, field, replace

from keystead.audit.records.event import Event
from keystead.policy.evaluation import Decision, Outcome
from keystead.wire.http import HttpResponse
from tests.differential.drawing import IDENTITIES, SESSIONS
from tests.differential.facts import Account, Ask, Asker, Entity, Json, request_tags, resource_tags
from tests.differential.land import Land, given, tag_list, text
from tests.differential.vouching import KINDS, Vouching
from tests.policy.reference.evaluator import decide
from tests.server import sdk

MOST_SESSIONS = 12
SESSION_KINDS = ("GetSessionToken", "GetFederationToken", *KINDS, *("AssumeRole",) * 4)
KEY_FACTS: Json = {
    "kms:KeySpec": "SYMMETRIC_DEFAULT",
    "kms:KeyUsage": "ENCRYPT_DECRYPT",
    "kms:CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
    "kms:CustomerMasterKeyUsage": "ENCRYPT_DECRYPT",
    "kms:KeyOrigin": "AWS_KMS",
    "kms:MultiRegion": "false",
}
Verdict = tuple[str, str | None, list[str]]


@dataclass
class Comparison:
    """One land, and everybody who asks in it."""

    land: Land
    people: list[Asker] = field(default_factory=list)
    sessions: list[Asker] = field(default_factory=list)
    vouching: list[Vouching] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    disagreements: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.people = self.people or self.land.long_term()
        self.vouching = [Vouching(self.land, each) for each in self.land.accounts]
        for each in self.vouching:
            each.make()
        self.land.local.installation.commit()

    @property
    def rng(self) -> random.Random:
        return self.land.rng

    def round(self, seed: int, *, questions: int = 24) -> None:
        """Change the land, begin sessions, and ask."""
        self.land.rng.seed(seed)
        self.land.change(6)
        for _ in range(6):
            self._begin(self.rng.choice(SESSION_KINDS))
        self.sessions = self.sessions[-MOST_SESSIONS:]
        for _ in range(questions):
            asker = self.rng.choice([*self.people, *self.sessions, *self.sessions])
            self._asked(asker, self._question(asker))

    # sessions

    def _begin(self, kind: str) -> None:
        users = [each for each in self.people if each.kind == "User"]
        roots = [each for each in self.people if each.kind == "Account"]
        if kind == "GetSessionToken":
            who = self.rng.choice([*users, *users, *roots])
            answer = self.land.call("sts", kind, who.credentials)
            title = f"session of {who.title}"
            self._add(replace(who, title=title, credentials=given(answer), temporary=True))
        elif kind == "GetFederationToken":
            self._federate(self.rng.choice(users))
        elif kind in KINDS:
            vouched = self.rng.choice(self.vouching).begin(kind)
            if vouched is not None:
                self._add(vouched)
        else:
            able = [each for each in self.sessions if each.kind in ("User", "AssumedRole")]
            account: Account = self.rng.choice(self.land.accounts)
            role = self.rng.choice([account.worker, account.target])
            self._assume(self.rng.choice([*users, *able, *able]), role)

    def _add(self, asker: Asker) -> None:
        self.sessions.append(asker)
        self.outcomes[f"begun: {asker.title.split(' by ')[0]}"] += 1
        if asker.vouched:
            self.outcomes[f"begun: {asker.title}"] += 1

    def _federate(self, who: Asker) -> None:
        draw = self.land.draw
        tags, policy = draw.tags() if draw.chance(0.4) else {}, draw.identity(0.6)
        passed = (policy,) if draw.chance(0.85) else None
        account = who.account
        arn = f"arn:aws:sts::{account.number}:federated-user/fred"
        members: Json = {"Name": "fred", **({"Tags": tag_list(tags)} if tags else {})}
        if passed:
            members["Policy"] = text(policy)
        actions = ("sts:GetFederationToken", *(("sts:TagSession",) if tags else ()))
        keys = request_tags(tags)
        ask = Ask("sts", "GetFederationToken", members, account, arn, None, keys, actions)
        answer = self._asked(who, ask)
        if answer is not None:
            self._add(
                Asker(
                    "federated user", arn, account, given(answer), who.entity, "FederatedUser",
                    f"{account.number}:fred", passed, session_tags=tags, temporary=True,
                )
            )  # fmt: skip

    def _assume(self, who: Asker, role: Entity) -> None:
        draw = self.land.draw
        name = draw.one(SESSIONS)
        tags = {} if draw.chance(0.4) else draw.tags()
        tags = {key: value for key, value in tags.items() if key not in who.transitive}
        going_on = {key: value for key, value in tags.items() if draw.chance(0.5)}
        asked_identity = draw.one(IDENTITIES) if draw.chance(0.3) else ""
        identity = who.source_identity or asked_identity
        passed = (draw.identity(0.6),) if draw.chance(0.3) else None
        managed = draw.chance(0.1)
        members, keys = _assuming(role, name, tags, going_on)
        if draw.chance(0.3):
            members["ExternalId"] = keys["sts:ExternalId"] = draw.one(["e-1", "e-2"])
        if identity:
            keys["sts:SourceIdentity"] = identity
            if not who.source_identity:
                members["SourceIdentity"] = identity
        if passed:
            members["Policy"] = text(passed[0])
        if managed:
            members["PolicyArns"] = [{"arn": role.account.arn("policy/shared")}]
        actions = ["sts:AssumeRole"]
        if tags or who.transitive:
            actions.append("sts:TagSession")
        if identity:
            actions.append("sts:SetSourceIdentity")
        ask = Ask(
            "sts", "AssumeRole", members, role.account, role.arn, role.trust, keys, tuple(actions)
        )  # fmt: skip
        answer = self._asked(who, ask)
        if answer is not None:
            chained = "chained role" if who.kind == "AssumedRole" else "role"
            abroad = " abroad" if who.account is not role.account else ""
            self._add(
                Asker(
                    f"{chained}{abroad} by {who.title}",
                    f"arn:aws:sts::{role.account.number}:assumed-role/{role.name}/{name}",
                    role.account, given(answer), role, "AssumedRole", f"{role.unique_id}:{name}",
                    passed, managed, {**tags, **who.transitive}, {**going_on, **who.transitive},
                    identity, temporary=True,
                )
            )  # fmt: skip

    # questions

    def _question(self, asker: Asker) -> Ask:
        draw, own = self.land.draw, asker.account
        other: Account = self.rng.choice(self.land.accounts)
        kinds = [self._encrypt, self._encrypt, self._describe, self._get_policy]
        drawn: list[Ask] = [each(self.rng.choice([own, other])) for each in kinds]
        drawn.append(Ask("kms", "ListKeys", {}, own))
        drawn.append(Ask("organizations", "DescribeOrganization", {}, own))
        temporary = asker.temporary and asker.kind != "AssumedRole"
        if not temporary:  # these sessions may not call IAM at all (iam.md 2.7)
            drawn += [*self._of_iam(own), *self._of_iam(own)]
        found: Ask = draw.one(drawn)
        return found

    def _on_key(self, operation: str, owner: Account, members: Json, keys: Json) -> Ask:
        facts = {**KEY_FACTS, **resource_tags(owner.key_tags, "aws"), **keys}
        asked = {"KeyId": owner.key, **members}
        return Ask(
            "kms", operation, asked, owner, owner.key, owner.key_policy, facts,
            grants=(*owner.grants,),
        )  # fmt: skip

    def _encrypt(self, owner: Account) -> Ask:
        members: Json = {"Plaintext": b"x"}
        keys: Json = {"kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}
        if self.rng.random() < 0.6:
            value = self.rng.choice(["pay", "play"])
            members["EncryptionContext"] = {"app": value}
            keys |= {"kms:EncryptionContext:app": value, "kms:EncryptionContextKeys": ["app"]}
        return self._on_key("Encrypt", owner, members, keys)

    def _describe(self, owner: Account) -> Ask:
        return self._on_key("DescribeKey", owner, {}, {})

    def _get_policy(self, owner: Account) -> Ask:
        return self._on_key("GetKeyPolicy", owner, {}, {"kms:PolicyName": "default"})

    def _of_iam(self, own: Account) -> list[Ask]:
        user, tags = own.user, self.land.draw.tags()
        named, described = {"UserName": "alice"}, resource_tags(own.user.tags, "aws", "iam")
        arn = own.arn("policy/shared")
        attached: Json = {"iam:PolicyARN": arn, **described}
        if user.bounded:
            attached["iam:PermissionsBoundary"] = own.arn("policy/bound")
        made: Json = {"UserName": "new", **({"Tags": tag_list(tags)} if tags else {})}
        return [
            Ask("iam", "GetUser", named, own, user.arn, keys=described),
            Ask("iam", "ListUsers", {}, own),
            Ask("iam", "AttachUserPolicy", {**named, "PolicyArn": arn}, own, user.arn,
                keys=attached),
            Ask("iam", "CreateUser", made, own, own.arn("user/new"), None, request_tags(tags),
                ("iam:CreateUser", *(("iam:TagUser",) if tags else ()))),
        ]  # fmt: skip

    # comparing

    def _asked(self, asker: Asker, ask: Ask) -> Json | None:
        """Make the call, compare its decisions, and undo it; the answer of one that was allowed."""
        local = self.land.local
        local.events.clear()
        who, members = asker.credentials, ask.members
        request = sdk.request(local, ask.service, ask.operation, who, members)
        response = sdk.answered(local, request)
        if local.installation.store.dirty:
            local.installation.trail.abandon()
        [event] = local.events
        asked = tuple(each.action for each in event.decisions)
        allowed = all(each.allowed for each in event.decisions)
        expected = ask.asked if allowed else ask.asked[: len(asked)]
        if not asked or asked != expected:
            said = f"asked about {asked} instead of {expected}: {event.error_message}"
            self._disagree(asker, ask, ask.asked[0], (said, None, []))
            return None
        for decision in event.decisions:
            self._compare(asker, ask, decision)
        return self._answer(asker, ask, event, response)

    def _answer(
        self, asker: Asker, ask: Ask, event: Event, response: HttpResponse
    ) -> Json | None:  # fmt: skip
        """The answer; the call is refused exactly when one of its decisions refuses."""
        refused = event.error_code.startswith("AccessDenied")
        if refused is all(each.allowed for each in event.decisions):
            said: Verdict = ("answered", event.error_code or "allowed", [])
            self._disagree(asker, ask, event.decisions[-1].action, said)
        if response.status >= 400:
            return None
        return sdk.parsed(ask.service, ask.operation, response)

    def _compare(self, asker: Asker, ask: Ask, decision: Decision) -> None:
        wanted = decide(ask.scenario(asker, decision.action))
        self.outcomes[f"decided: {decision.outcome.value}"] += 1
        self.outcomes[f"{decision.outcome.value} by {decision.kind and decision.kind.value}"] += 1
        if decision.resource != ask.resource or _said(decision) != _wanted(wanted):
            self._disagree(asker, ask, decision.action, _said(decision))

    def _disagree(self, asker: Asker, ask: Ask, action: str, said: Verdict) -> None:
        scenario = ask.scenario(asker, action)
        self.disagreements.append(
            f"{asker.title} {ask.operation}: server {said}, second evaluator {decide(scenario)}\n"
            f"  {json.dumps(scenario)}"
        )


def _assuming(
    role: Entity, name: str, tags: dict[str, str], going_on: dict[str, str]
) -> tuple[Json, Json]:  # fmt: skip
    """The members of AssumeRole, and their condition keys (iam.md 6.4)."""
    members: Json = {"RoleArn": role.arn, "RoleSessionName": name}
    keys: Json = {
        "sts:RoleSessionName": name,
        **resource_tags(role.tags, "aws", "iam"),
        **request_tags(tags),
    }
    if tags:
        members["Tags"] = tag_list(tags)
    if going_on:
        members["TransitiveTagKeys"] = [*going_on]
        keys["sts:TransitiveTagKeys"] = [*going_on]
    return members, keys


def _said(decision: Decision) -> Verdict:
    sids = [one.sid or "" for one in decision.statements if one.kind is decision.kind]
    denied = decision.outcome is Outcome.EXPLICITLY_DENIED
    kind = decision.kind and decision.kind.value
    return decision.outcome.value, kind, sorted(sids) if denied else []


def _wanted(answer: Json) -> Verdict:
    if "error" in answer:
        return "error", str(answer["error"]), []
    denied = answer["decision"] == "ExplicitlyDenied"
    return answer["decision"], answer["kind"], sorted(answer["statements"]) if denied else []
