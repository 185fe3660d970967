"""Which acts about keys may the operator do on this machine?  They are ceremonies.

`schedule-deletion` asks for force if the key was used in the last 24 hours (threat-model KM-7). The
API has no such question, as AWS has none.
"""

import base64
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from keystead.arns import Arn, NotAnArn
from keystead.audit.checkpoint import key_id as name_of_key
from keystead.audit.event import HIGH, EventResource
from keystead.custody.material import BadTombstone
from keystead.custody.verification import signature_verifier
from keystead.errors import AwsError
from keystead.failures import Failure
from keystead.kms import states
from keystead.kms.keys import RESOURCE_TYPE, Key, Place
from keystead.kms.rules import KMS
from keystead.kms.schedule import schedule_deletion
from keystead.server.installation.founding import ceremony_event
from keystead.server.installation.installation import Installation
from keystead.times import from_microseconds, iso_seconds

IN_USE = timedelta(hours=24)
LEAST_DAYS, MOST_DAYS = 7, 30


def delete(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Schedule the deletion of a key; refused without force while the key is in use."""
    days, force = int(arguments["days"]), bool(arguments.get("force"))
    if not LEAST_DAYS <= days <= MOST_DAYS:
        raise Failure(f"`{days}` is not a waiting period", f"give {LEAST_DAYS} to {MOST_DAYS} days")
    now = installation.clock.now()
    with installation.store.write() as transaction:
        place = _place(str(arguments["arn"]))
        key = installation.keys.key(transaction, *place)
        if key is None:
            raise Failure(
                f"there is no key `{arguments['arn']}`", "name a key of this installation"
            )
        _require_state(key)
        if not force:
            _require_not_in_use(installation, key)
        record = schedule_deletion(transaction, installation.keys, key, days, now)
        event = ceremony_event(
            "ScheduleKeyDeletion", now, {"keyId": key.arn_text, "pendingWindowInDays": str(days)}
        )
        event.severity = HIGH
        event.resources = [EventResource(key.account, RESOURCE_TYPE, key.arn_text)]
        installation.trail.record(event)
    date = record.deletion_us
    return {
        "KeyId": key.arn_text,
        "KeyState": record.state,
        "DeletionDate": None if date is None else iso_seconds(from_microseconds(date)),
    }


def _place(arn: str) -> Place:
    try:
        parsed = Arn.parse(arn)
    except NotAnArn:
        raise Failure(f"`{arn}` is not the ARN of a key", "see `aws kms list-keys`") from None
    if parsed.service != "kms" or not parsed.resource.startswith("key/"):
        raise Failure(f"`{arn}` is not the ARN of a key", "see `aws kms list-keys`")
    return parsed.account, parsed.region, parsed.resource.removeprefix("key/")


def _require_state(key: Key) -> None:
    try:
        states.require(KMS["ScheduleKeyDeletion"].states, key)
    except AwsError as error:
        raise Failure(str(error.message), "see `aws kms describe-key`") from None


def _require_not_in_use(installation: Installation, key: Key) -> None:
    use = installation.last_uses.of(key.account, key.arn_text)
    use = use or installation.keys.last_use(installation.store.read(), key.record)
    if use is None:
        return
    used = from_microseconds(use.used_us)
    if installation.clock.now() - used < IN_USE:
        raise Failure(
            f"`{key.arn_text}` is in use: {use.operation} at {iso_seconds(used)}",
            "disable the key first and see who misses it, or give --force",
            status=1,
        )


def tombstone(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The signed statement about a key that was destroyed."""
    arn = str(arguments["arn"])
    reader, place = installation.store.read(), _place(arn)
    stone = installation.keys.tombstones.statement(reader, place)
    if stone is None:
        there = installation.keys.key(reader, *place) is not None
        destroyed = installation.keys.tombstones.has(reader, place)
        why = "the key is there" if there else "no such key was destroyed here"
        if destroyed:
            why = "an older version destroyed this key, and signed nothing"
        raise Failure(
            f"there is no tombstone of `{arn}`: {why}", "see `keystead audit show`", status=1
        )
    pem = installation.hierarchy.audit_signer.public_key_pem
    try:
        told = stone.told(signature_verifier(pem))
    except BadTombstone as error:
        raise Failure(
            f"the tombstone of `{arn}` is not good: {error}", "run `keystead audit verify`"
        ) from None
    return {
        "key": told.arn,
        "created": told.created.isoformat(),
        "destroyed": told.destroyed.isoformat(),
        "materials": list(told.materials),
        "installation": told.installation,
        "statement": stone.statement,
        "signature": base64.b64encode(stone.signature).decode(),
        "signedWith": name_of_key(pem),
    }
