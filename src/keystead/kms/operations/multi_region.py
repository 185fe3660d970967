"""ReplicateKey and UpdatePrimaryRegion.

Both act in two Regions. What is asked about the other Region is asked as of a call that is made
there (kms.md 10.4), and the other Region has a record of its own (kms.md 22.2).
"""

from typing import Any

import msgspec

from keystead.audit.records import Event, EventResource, response_elements
from keystead.kms import creation, key_policies, usage
from keystead.kms.call import KmsCall
from keystead.kms.creation import Wanted
from keystead.kms.key_policies import WrittenPolicy
from keystead.kms.keys import (
    RESOURCE_TYPE,
    Key,
    KeyRecord,
    key_metadata,
    key_reference,
    key_view,
    promoted,
    tags,
)
from keystead.kms.operations.lifecycle import authorize_tags
from keystead.registry import implements, implements_with_work
from keystead.times import microseconds
from keystead.wire.models import kms as api
from keystead.work import Work


@implements_with_work(api.ReplicateKey)
def replicate_key(
    call: KmsCall, request: api.ReplicateKeyRequest
) -> api.ReplicateKeyResponse | Work[Any]:
    region = request.replica_region
    key = call.key(request.key_id)
    wanted = _wanted(key, request)
    there = call.elsewhere(region)
    call.record_defaults(bypassPolicyLockoutSafetyCheck=bool(wanted.bypass))
    call.authorize("kms:ReplicateKey", key, {"kms:replicaregion": region})
    asked_here = len(call.event.decisions)
    there.authorize_any("kms:CreateKey", wanted.condition_keys)
    arn = key_reference(key.account, region, key.key_id).arn
    if wanted.tags:
        authorize_tags(there, arn, wanted.tagging_keys)
    call.require_state(key)
    usage.require_primary(key)
    _require_region(call, key, region)
    policy = key_policies.read_policy(
        there, request.policy or key_policies.default_policy(call.account)
    )
    if isinstance(policy, Work):
        return policy
    replica = _replica(there, key, wanted, request.description or "", policy)
    if request.policy and not wanted.bypass:
        key_policies.require_no_lockout(there, key_view(replica, (), ()), policy)
    counted = creation.require_room(there)
    there.repository.add_replica(
        there.transaction,
        replica,
        policy.text,
        policy.principals,
        counted,
        imported=key.imports,
    )
    key_policies.remember(there, policy)
    made = _metadata(call, replica)
    call.event.add(_creation(there, wanted, made, asked_here))
    return api.ReplicateKeyResponse(
        replica_key_metadata=made,
        replica_policy=policy.text,
        replica_tags=request.tags or None,
    )


def _wanted(key: Key, request: api.ReplicateKeyRequest) -> Wanted:
    """The replica, as a request to create it would describe it."""
    given = tags.read(request.tags)
    tags.require_together(given)
    return Wanted(
        spec=key.spec,
        usage=key.usage,
        origin=key.origin,
        multi_region="REPLICA",
        tags=given,
        bypass=request.bypass_policy_lockout_safety_check,
    )


def _require_region(call: KmsCall, key: Key, region: str) -> None:
    """Refuse a Region that is not served, and one that has a member of the set."""
    if region not in call.regions:
        raise api.UnsupportedOperationException(
            f"The Region {region} is not supported as the Region of a replica key."
        )
    if call.repository.row(call.transaction, key.account, region, key.key_id) is not None:
        arn = key_reference(key.account, region, key.key_id).arn
        raise api.AlreadyExistsException(f"The key {arn} already exists.")


def _replica(
    there: KmsCall, key: Key, wanted: Wanted, description: str, policy: WrittenPolicy
) -> KeyRecord:
    """The row of the replica. What it shares with its primary is not in it."""
    return KeyRecord(
        account=key.account,
        region=there.region,
        key_id=key.key_id,
        state=wanted.state,
        key_spec=wanted.spec,
        key_usage=wanted.usage,
        origin=wanted.origin,
        multi_region="REPLICA",
        description=description,
        tags=tags.write(wanted.tags),
        policy_id=policy.compiled.id,
        created_us=microseconds(there.now),
    )


def _metadata(call: KmsCall, replica: KeyRecord) -> api.KeyMetadata:
    """The metadata in the answer: AWS shows a replica that is being created (kms.md 9.1).

    Here it is made when the call returns.
    """
    view = key_view(replica, (), (), call.repository.relation(call.transaction, replica))
    return msgspec.structs.replace(
        key_metadata(view), key_state="Creating", enabled=False, current_key_material_id=None
    )


def _creation(there: KmsCall, wanted: Wanted, made: api.KeyMetadata, asked_here: int) -> Event:
    """The record of the replica's creation, in its own Region."""
    event = there.event
    shown = response_elements(api.CreateKey, api.CreateKeyResponse(key_metadata=made))
    return msgspec.structs.replace(
        event,
        name="CreateKey",
        region=there.region,
        request_parameters={**wanted.recorded, "description": made.description},
        response_elements=shown,
        resources=[EventResource(there.account, RESOURCE_TYPE, made.arn or "")],
        decisions=event.decisions[asked_here:],
    )


@implements(api.UpdatePrimaryRegion)
def update_primary_region(call: KmsCall, request: api.UpdatePrimaryRegionRequest) -> None:
    region = request.primary_region
    asked = {"kms:primaryregion": region}
    key = call.key(request.key_id)
    there = call.elsewhere(region)
    replica = _other_member(there, key)
    call.authorize("kms:UpdatePrimaryRegion", key, asked)
    if replica is not None:
        there.authorize("kms:UpdatePrimaryRegion", replica, asked)
    call.require_state(key)
    usage.require_primary(key)
    if region == key.region:
        raise api.UnsupportedOperationException(f"{key.arn_text} is the primary key already.")
    if replica is None:
        arn = key_reference(key.account, region, key.key_id).arn
        raise api.NotFoundException(f"Key '{arn}' does not exist")
    call.require_state(replica)
    for record in promoted(key.record, replica.record):
        call.repository.change_key(call.transaction, record)
    call.event.add(msgspec.structs.replace(call.event, region=region))


def _other_member(there: KmsCall, key: Key) -> Key | None:
    """The member of a key's set in another Region, as a call sees it there."""
    if key.relation is None or there.region == key.region:
        return None
    place = (key.account, there.region, key.key_id)
    member = there.repository.key(there.transaction, *place)
    return None if member is None else member.at(microseconds(there.now))
