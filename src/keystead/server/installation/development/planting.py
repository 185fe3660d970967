"""How does a seed become rows?  The root user of its account makes what it describes.

Every row is made by the operation that makes it for a caller: CreateUser, CreateAccessKey,
CreateKey, ImportKeyMaterial and so on, each with its question, its limits and its record. Only
three things are given that no request can say: the id of a key, the secret of an import, and an
access key (`kms.call.Given`, `IamCall.given_key`).

What a seed made is remembered with a digest of what it said (`records`). So the same seed changes
nothing at the next start, whatever became of the keys meanwhile. What is new in a seed is made.
What is said differently is refused, and what is said no more stays.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from keystead.arns import spoken
from keystead.audit.records import HIGH, Event, request_parameters, response_elements
from keystead.custody.backends import GivenSecret
from keystead.errors import AwsError
from keystead.failures import Failure
from keystead.identity.access_keys import IssuedKey
from keystead.identity.authentication import callers
from keystead.identity.call import IamCall
from keystead.identity.repository import Account
from keystead.kms.call import NOTHING_GIVEN, Given, KmsCall
from keystead.registry import implementation
from keystead.request_keys import global_keys
from keystead.server.installation.development.records import SeedRecords, digest_of
from keystead.server.installation.development.seed import (
    KeySeed,
    MemberSeed,
    Seed,
    UserSeed,
    secrets_of,
)
from keystead.server.installation.installation import Installation
from keystead.server.installation.services import ROWS
from keystead.server.pipeline import new_request_id
from keystead.store.protocol import Transaction
from keystead.wire.http import Endpoint, HttpRequest
from keystead.wire.models import iam, kms
from keystead.wire.operation import Operation
from keystead.work import NO_SPARE, Work

_AGENT = "keystead seed"
_FOR_EVER = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
_OURS = HttpRequest("POST", "/", "", {"user-agent": _AGENT}, b"", "127.0.0.1", False, Endpoint())
"""The request that none of these calls came with, for the facts that conditions ask about."""

_Thing = UserSeed | KeySeed


def plant(installation: Installation, seed: Seed, file: Path) -> list[str]:
    """Make what is new in a seed, all of it or nothing; returns the names of what was made.

    Raises Failure for a seed that does not fit what an earlier one made.
    """
    if not installation.hierarchy.development:
        raise Failure(f"`{installation.directory}` is no installation for development", "")
    records = SeedRecords(installation.hierarchy.rows)
    account = _account(installation, seed, file)
    regions = installation.config.regions
    new = _new(installation, records, _things(seed, regions[0]), file)
    if not new:
        return []
    with installation.store.write() as transaction:
        gardener = _Gardener(installation, transaction, account)
        for name, thing in new.items():
            try:
                gardener.plant(thing, regions)
            except AwsError as error:
                raise Failure(
                    f"`{file}`: the {name} is refused: {error.code}: {error.message or ''}",
                    "change it in the seed",
                ) from None
            except ValueError as error:
                raise Failure(f"`{file}`: the {name} is refused: {error}", "change it") from None
            records.add(transaction, name, digest_of(thing))
    for event in gardener.events:
        installation.trail.record(event)
    installation.commit()
    return list(new)


def _things(seed: Seed, region: str) -> dict[str, _Thing]:
    """Everything in a seed but its account, by its name: users before the policies of keys."""
    things: dict[str, _Thing] = {f"user {user.name}": user for user in seed.users}
    for key in seed.keys:
        things[f"key {key.id}"] = msgspec.structs.replace(key, region=key.region or region)
    return things


def _account(installation: Installation, seed: Seed, file: Path) -> Account:
    """The seed's account, which is the installation's."""
    accounts = installation.identities.accounts
    account = accounts.get(installation.store.read(), seed.account.id)
    if account is None or account.email != seed.account.email:
        raise Failure(
            f"`{file}`: there is no account `{seed.account.id}` with the e-mail address"
            f" `{seed.account.email}` in `{installation.directory}`",
            "name an empty data directory: an account is made with the first start",
        )
    return account


def _new(
    installation: Installation, records: SeedRecords, things: Mapping[str, _Thing], file: Path
) -> dict[str, _Thing]:
    """What no seed made yet; raises Failure for what another seed made."""
    reader, new = installation.store.read(), {}
    for name, thing in things.items():
        before = records.digest(reader, name)
        if before is None:
            new[name] = thing
        elif before != digest_of(thing):
            raise Failure(
                f"`{file}`: the {name} is not what it was when it was made in"
                f" `{installation.directory}`",
                "undo the change, or name an empty data directory",
            )
    return new


class _Gardener:
    """The root user of the seed's account, who makes what the seed describes."""

    def __init__(
        self, installation: Installation, transaction: Transaction, account: Account
    ) -> None:
        self._installation = installation
        self._transaction = transaction
        self._now = installation.clock.now()
        self._root = callers.root(installation.identities, transaction, account)
        self.events: list[Event] = []

    def plant(self, thing: _Thing, regions: Sequence[str]) -> None:
        """Make a user or a key; raises AwsError, or ValueError, in words for a person."""
        if isinstance(thing, UserSeed):
            self._plant_user(thing)
            return
        for member in (thing, *thing.replicas):
            if member.region not in regions:
                raise ValueError(
                    f"the server does not serve the Region `{member.region}`:"
                    f" add `--region {member.region}`"
                )
        self._plant_key(thing, secrets_of(thing))

    # users

    def _plant_user(self, user: UserSeed) -> None:
        named: dict[str, Any] = {"UserName": user.name}
        tags = [{"Key": key, "Value": value} for key, value in user.tags.items()]
        described: dict[str, Any] = {**named, "Tags": tags} if tags else named
        self._ask_iam(iam.CreateUser, **described)
        for arn in user.managed_policies:
            self._ask_iam(iam.AttachUserPolicy, **named, PolicyArn=arn)
        for name, document in user.policies.items():
            self._ask_iam(iam.PutUserPolicy, **named, PolicyName=name, PolicyDocument=document)
        for key in user.access_keys:
            self._ask_iam(iam.CreateAccessKey, given=IssuedKey(key.id, key.secret), **named)

    # keys

    def _plant_key(self, key: KeySeed, secrets: list[GivenSecret]) -> None:
        region = key.region
        members: dict[str, Any] = {"KeySpec": key.spec, "MultiRegion": key.id.startswith("mrk-")}
        if key.usage is not None:
            members["KeyUsage"] = key.usage
        if secrets:
            members["Origin"] = "EXTERNAL"
        self._ask_kms(region, kms.CreateKey, Given(key_id=key.id), **members, **_described(key))
        for secret in secrets[:1]:
            self._import(region, key.id, secret)
        for replica in key.replicas:
            self._ask_kms(
                region, kms.ReplicateKey, KeyId=key.id, ReplicaRegion=replica.region,
                **_described(replica),
            )  # fmt: skip
            for secret in secrets[:1]:
                self._import(replica.region, key.id, secret)
        for secret in secrets[1:]:
            self._import(region, key.id, secret, ImportType="NEW_KEY_MATERIAL")
            for replica in key.replicas:
                self._import(replica.region, key.id, secret)
            self._ask_kms(region, kms.RotateKeyOnDemand, KeyId=key.id)
        for member in (key, *key.replicas):
            self._finish(key.id, member)

    def _import(self, region: str, key_id: str, secret: GivenSecret, **members: str) -> None:
        self._ask_kms(
            region, kms.ImportKeyMaterial, Given(secret=secret), KeyId=key_id, ImportToken=b"-",
            EncryptedKeyMaterial=b"-", **_FOR_EVER, **members,
        )  # fmt: skip

    def _finish(self, key_id: str, member: MemberSeed) -> None:
        """Give a key its aliases and its state, and last its policy, which may bind root, too."""
        region = member.region
        for alias in member.aliases:
            self._ask_kms(region, kms.CreateAlias, AliasName=alias, TargetKeyId=key_id)
        if not member.enabled:
            self._ask_kms(region, kms.DisableKey, KeyId=key_id)
        if member.policy:
            self._ask_kms(
                region, kms.PutKeyPolicy, KeyId=key_id, Policy=member.policy,
                BypassPolicyLockoutSafetyCheck=member.bypass_policy_lockout_safety_check,
            )  # fmt: skip

    # calls

    def _ask_kms(
        self,
        region: str,
        operation: Operation[Any, Any],
        given: Given = NOTHING_GIVEN,
        **members: Any,
    ) -> None:
        def give(call: Any) -> None:
            cast("KmsCall", call).given = given

        self._ask(operation, region, members, give)

    def _ask_iam(
        self, operation: Operation[Any, Any], given: IssuedKey | None = None, **members: Any
    ) -> None:
        def give(call: Any) -> None:
            cast("IamCall", call).given_key = given

        self._ask(operation, spoken().global_region, members, give)

    def _ask(
        self, operation: Operation[Any, Any], region: str, members: Mapping[str, Any], give: Any
    ) -> None:
        """Make one call as root, and note its event, as the pipeline does (steps 4 to 6)."""
        service = operation.service.name
        implemented = implementation(service, operation.name)
        if implemented is None:
            raise RuntimeError(f"{operation.name} is not served")
        request = _request(operation, members)
        rules: Any = ROWS[service][operation.name]
        event = Event(
            request_id=new_request_id(),
            time=self._now,
            source=operation.service.event_source,
            name=operation.name,
            region=region,
            user_agent=_AGENT,
            read_only=operation.read_only,
            principal=self._root.principal,
            request_parameters=request_parameters(operation, request),
            severity=HIGH,
        )
        call = self._installation.pipeline.calls[service](
            operation=operation, rules=rules, event=event, principal=self._root.principal,
            policies=self._root.policies, now=self._now, region=region, endpoint=_OURS.endpoint,
            transaction=self._transaction,
            keys=global_keys(_OURS, self._now, region, self._root.keys), session=None,
            spare=NO_SPARE,
        )  # fmt: skip
        give(call)
        answer = implemented.function(call, request)
        while isinstance(answer, Work):
            call.outcomes = (*call.outcomes, answer.do())
            answer = implemented.function(call, request)
        if rules.answer_recorded:
            event.response_elements = response_elements(operation, answer)
        self.events += [event, *event.also]


def _request(operation: Operation[Any, Any], members: Mapping[str, Any]) -> Any:
    """The input of an operation, within the limits of AWS's model; raises ValueError."""
    try:
        return msgspec.convert(members, operation.input, builtin_types=(bytes,), strict=True)
    except msgspec.ValidationError as error:
        raise ValueError(f"{operation.name}: {error}") from None


def _described(member: MemberSeed) -> dict[str, Any]:
    """The members of the request that makes a key or a replica."""
    tags = [{"TagKey": key, "TagValue": value} for key, value in member.tags.items()]
    return {"Description": member.description, **({"Tags": tags} if tags else {})}
