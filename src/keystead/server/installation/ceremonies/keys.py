"""Which acts about keys may the operator do on this machine?  They are ceremonies.

`schedule-deletion` asks for force if the key was used in the last 24 hours (threat-model KM-7). The
API has no such question, as AWS has none.

`rescue` gives AWS's default policy to a key whose policy nobody may change any more. Whether
somebody may is asked as `who-can` asks it, of the one evaluator. It is asked in the transaction
that writes, so nobody can come between.
"""

import base64
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from keystead.arns import Arn, NotAnArn
from keystead.audit.log import key_id as name_of_key
from keystead.audit.records import HIGH, EventResource
from keystead.custody.material import BadTombstone
from keystead.custody.signing import signature_verifier
from keystead.errors import AwsError
from keystead.failures import Failure
from keystead.identity.principals import StoredPrincipals
from keystead.inquiry import who_can
from keystead.kms import key_policies, states
from keystead.kms.keys import RESOURCE_TYPE, Key, Place
from keystead.kms.rules import KMS
from keystead.kms.schedule import schedule_deletion
from keystead.policy.language import shown_again
from keystead.server.installation.founding import ceremony_event
from keystead.server.installation.installation import Installation
from keystead.store.protocol import Reader
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
        key = _key(installation, transaction, str(arguments["arn"]))
        _require_state(key, "ScheduleKeyDeletion")
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


def _key(installation: Installation, reader: Reader, arn: str) -> Key:
    key = installation.keys.key(reader, *_place(arn))
    if key is None:
        raise Failure(f"there is no key `{arn}`", "name a key of this installation")
    if key.record.manager == "AWS":
        raise Failure(
            f"`{arn}` is the key of a service: nobody changes or deletes it",
            "name a key that somebody created",
        )
    return key


def _require_state(key: Key, operation: str) -> None:
    try:
        states.require(KMS[operation].states, key)
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


def orphaned(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """One page of the question whether a key may be rescued, with its policy as it is now.

    It changes nothing. `after` is where the next page begins, None at the end; raises Failure if
    a principal is found.
    """
    reader = installation.store.read()
    key = _key(installation, reader, str(arguments["arn"]))
    _require_state(key, "PutKeyPolicy")
    page = _page_without_keeper(installation, key, arguments.get("after"))
    return {
        "keyId": key.arn_text,
        "oldPolicy": _shown(installation, reader, key),
        "newPolicy": key_policies.default_policy(key.account),
        "shownPolicy": key.record.policy_id,
        "after": page["after"],
        "asked": page["asked"],
        "whole": page["whole"],
    }


def rescue(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Give a key the default policy; refused while any principal may write another one.

    `shownPolicy` is the id of the policy that the operator saw: another one is not replaced.
    """
    now = installation.clock.now()
    with installation.store.write() as transaction:
        key = _key(installation, transaction, str(arguments["arn"]))
        _require_state(key, "PutKeyPolicy")
        if key.record.policy_id != arguments["shownPolicy"]:
            raise Failure(
                f"the policy of `{key.arn_text}` was changed meanwhile",
                "run the command again, and read the policy that it shows",
                status=1,
            )
        _require_no_keeper(installation, key)
        new = key_policies.policy_of_account(key.account, key.region)
        told = {
            "keyId": key.arn_text,
            "oldPolicy": _shown(installation, transaction, key),
            "newPolicy": new.text,
        }
        installation.keys.change_policy(
            transaction, key.record, new.compiled.id, new.text, new.principals
        )
        event = ceremony_event("RescueKey", now, told)
        event.severity = HIGH
        event.resources = [EventResource(key.account, RESOURCE_TYPE, key.arn_text)]
        installation.trail.record(event)
    return told


def _shown(installation: Installation, reader: Reader, key: Key) -> str:
    """The key's policy as GetKeyPolicy shows it: with the ids of principals that are gone."""
    policy = installation.keys.policies.stored(reader, key.record)
    principals = StoredPrincipals(installation.identities, reader)
    return shown_again(policy.text, policy.meant, principals.arn)


def _require_no_keeper(installation: Installation, key: Key) -> None:
    after = None
    while True:
        page = _page_without_keeper(installation, key, after)
        after = page["after"]
        if after is None:
            return


def _page_without_keeper(installation: Installation, key: Key, after: object) -> dict[str, Any]:
    """One page of the principals; raises Failure if one of them may write the key's policy.

    A principal that was deleted is none. Policies of the organization are not asked: they can
    change.
    """
    question: dict[str, Any] = {
        "action": key_policies.PUT_KEY_POLICY,
        "resource": key.arn_text,
        "organization": False,
    }
    if after is not None:
        question["after"] = after
    page = who_can.who_can(installation, question)
    for found in page["principals"]:
        if not found["gone"]:
            raise Failure(
                f"`{key.arn_text}` is not orphaned: `{found['principal']}` may change its policy",
                f"ask that principal; `keystead who-can {key_policies.PUT_KEY_POLICY} ARN` tells"
                " how, and policies of the organization may forbid it",
                status=1,
            )
    return page


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
