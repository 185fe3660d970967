"""CreateKey, DescribeKey, ListKeys, UpdateKeyDescription, EnableKey, DisableKey,
ScheduleKeyDeletion and CancelKeyDeletion.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from keystead.audit.records import EventResource
from keystead.call import Target
from keystead.custody.material import Secret
from keystead.errors import ValidationException
from keystead.kms import creation, imports, key_policies
from keystead.kms.call import KmsCall
from keystead.kms.creation import Wanted
from keystead.kms.keys import (
    RESOURCE_TYPE,
    Key,
    KeyRecord,
    key_metadata,
    key_reference,
    key_view,
    tags,
)
from keystead.kms.operations.last_usage import trailing_days
from keystead.kms.paging import in_parts, page
from keystead.kms.schedule import schedule_deletion
from keystead.kms.states import KeyState
from keystead.policy.evaluation import NO_KEYS, AccessDenied, ContextValue, Permit
from keystead.registry import implements, implements_with_work
from keystead.store.protocol import Value
from keystead.times import from_microseconds, microseconds
from keystead.wire.models import kms as api
from keystead.work import Work, result

_DAYS_DEFAULT, _DAYS_LEAST, _DAYS_MOST = 30, 7, 30


@implements_with_work(api.CreateKey)
def create_key(call: KmsCall, request: api.CreateKeyRequest) -> api.CreateKeyResponse | Work[Any]:
    wanted = creation.read(request, call.region)
    call.record_defaults(**wanted.recorded)
    permit = call.authorize_any("kms:CreateKey", wanted.condition_keys)
    key_id = _new_id(call, permit, multi_region=bool(wanted.multi_region))
    if wanted.tags:
        # The key is not there yet and has no policy: identity policies alone allow its tags.
        arn = key_reference(call.account, call.region, key_id).arn
        authorize_tags(call, arn, wanted.tagging_keys)
    creation.require_served(call, wanted, request)
    policy = key_policies.read_policy(
        call, request.policy or key_policies.default_policy(call.account)
    )
    if isinstance(policy, Work):
        return policy
    draft = _draft(call, wanted, key_id, request.description or "", policy.compiled.id)
    if request.policy and not wanted.bypass:
        key_policies.require_no_lockout(call, key_view(draft, (), ()), policy)
    counted = creation.require_room(call)
    material_id = _new_material(call, permit, wanted, key_id)
    if isinstance(material_id, Work):
        return material_id
    record = msgspec.structs.replace(draft, material_id=material_id)
    call.repository.add_key(call.transaction, record, policy.text, policy.principals, counted)
    key_policies.remember(call, policy)
    key = key_view(record, (), (), call.repository.relation(call.transaction, record))
    call.event.resources.append(EventResource(call.account, RESOURCE_TYPE, key.arn_text))
    return api.CreateKeyResponse(key_metadata=key_metadata(key))


def _new_id(call: KmsCall, permit: Permit[Target], *, multi_region: bool) -> str:
    """An id that no key has or had; with `mrk-` it is the same in every Region (kms.md 2)."""
    while not (given := call.given.key_id):
        uuid = UUID(bytes=call.custody.random(permit, 16), version=4)
        key_id = f"mrk-{uuid.hex}" if multi_region else str(uuid)
        if call.repository.is_free(call.transaction, call.account, call.region, key_id):
            return key_id
    if not call.repository.is_free(call.transaction, call.account, call.region, given):
        raise api.AlreadyExistsException(f"The id {given} was given to a key before.")
    return given


def _draft(
    call: KmsCall, wanted: Wanted, key_id: str, description: str, policy_id: str
) -> KeyRecord:
    """The new key, before it has material."""
    return KeyRecord(
        account=call.account,
        region=call.region,
        key_id=key_id,
        state=wanted.state,
        key_spec=wanted.spec,
        key_usage=wanted.usage,
        origin=wanted.origin,
        multi_region=wanted.multi_region,
        description=description,
        tags=tags.write(wanted.tags),
        policy_id=policy_id,
        created_us=microseconds(call.now),
    )


def _new_material(
    call: KmsCall, permit: Permit[Target], wanted: Wanted, key_id: str
) -> str | Work[Secret]:
    """The id of the new key's material; "" for a key that waits until its material is imported."""
    if wanted.origin == "EXTERNAL":
        return ""
    secret = result(call, call.custody.generate(permit, wanted.spec))
    if isinstance(secret, Work):
        return secret
    return call.custody.create_material(
        call.transaction, permit, call.account, key_id, call.now,
        key_spec=wanted.spec, secret=secret,
    )  # fmt: skip


def authorize_tags(call: KmsCall, arn: str, keys: Mapping[str, ContextValue]) -> None:
    """May they tag a new key?  A refusal does not name it: it is not there (kms.md 8.4)."""
    new = Target(arn, call.account)
    try:
        call.authorize("kms:TagResource", new, keys)
    except AccessDenied as refusal:
        named = f" on resource: {new.arn_text}"
        raise refusal.reworded(str(refusal.message).replace(named, "", 1)) from None


@implements(api.DescribeKey)
def describe_key(call: KmsCall, request: api.DescribeKeyRequest) -> api.DescribeKeyResponse:
    key = call.key(request.key_id)
    call.authorize("kms:DescribeKey", key)
    call.require_tokens(request.grant_tokens)
    call.require_state(key)
    return api.DescribeKeyResponse(key_metadata=key_metadata(key))


@implements(api.ListKeys)
def list_keys(call: KmsCall, request: api.ListKeysRequest) -> api.ListKeysResponse:
    call.authorize_any("kms:ListKeys")
    owners = request.resource_owners or ["SELF"]

    def following(key_id: str, count: int) -> list[str]:
        if "SELF" not in owners:
            return []  # no key of another account is shared
        keys = call.repository.keys_after(
            call.transaction, call.account, call.region, key_id, count
        )
        return [key.key_id for key in keys]  # of many waiting lists, only the ids are kept

    listed = page(
        call,
        request,
        fetch=in_parts(call, following, str),
        position=str,
        parameters=tuple(owners),
    )
    arns = key_reference(call.account, call.region, "").arn  # the beginning of each
    return api.ListKeysResponse(
        keys=[
            api.KeyListEntry(key_id=key_id, key_arn=f"{arns}{key_id}") for key_id in listed.items
        ],
        next_marker=listed.marker,
        truncated=listed.is_truncated,
    )


@implements(api.UpdateKeyDescription)
def update_key_description(call: KmsCall, request: api.UpdateKeyDescriptionRequest) -> None:
    _change(call, call.key(request.key_id), NO_KEYS, description=request.description)


@implements(api.EnableKey)
def enable_key(call: KmsCall, request: api.EnableKeyRequest) -> None:
    _change(call, call.key(request.key_id), NO_KEYS, state="Enabled")


@implements(api.DisableKey)
def disable_key(call: KmsCall, request: api.DisableKeyRequest) -> None:
    key = call.key(request.key_id)
    _change(call, key, trailing_days(call, key), state="Disabled")


def _change(call: KmsCall, key: Key, asked: Mapping[str, ContextValue], **changes: Value) -> None:
    """Ask, require, and change columns of the key. `asked`: the condition keys of the request."""
    call.authorize(f"kms:{call.operation.name}", key, asked)
    call.require_state(key)
    call.repository.change_key(call.transaction, key.record, **changes)


@implements(api.ScheduleKeyDeletion)
def schedule_key_deletion(
    call: KmsCall, request: api.ScheduleKeyDeletionRequest
) -> api.ScheduleKeyDeletionResponse:
    days = _pending_days(request.pending_window_in_days)
    key = call.key(request.key_id)
    call.authorize(
        "kms:ScheduleKeyDeletion",
        key,
        {"kms:schedulekeydeletionpendingwindowindays": str(days), **trailing_days(call, key)},
    )
    call.require_state(key)
    record = schedule_deletion(call.transaction, call.repository, key, days, call.now)
    date = record.deletion_us
    return api.ScheduleKeyDeletionResponse(
        key_id=key.arn_text,
        deletion_date=None if date is None else from_microseconds(date),
        key_state=record.state,
        pending_window_in_days=days,
    )


def _pending_days(asked: int | None) -> int:
    days = _DAYS_DEFAULT if asked is None else asked
    if not _DAYS_LEAST <= days <= _DAYS_MOST:
        raise ValidationException(
            f"PendingWindowInDays should be between {_DAYS_LEAST} and {_DAYS_MOST}, but it is"
            f" {days}"
        )
    return days


@implements(api.CancelKeyDeletion)
def cancel_key_deletion(
    call: KmsCall, request: api.CancelKeyDeletionRequest
) -> api.CancelKeyDeletionResponse:
    key = call.key(request.key_id)
    call.authorize("kms:CancelKeyDeletion", key)
    call.require_state(key)
    whole = key.origin != "EXTERNAL" or imports.is_whole(key.imports, call.now)
    state = "Disabled" if whole else "PendingImport"
    call.repository.change_key(call.transaction, key.record, state=state, deletion_us=None)
    if key.state is KeyState.PENDING_REPLICA_DELETION:
        call.repository.related.change_pending(call.transaction, key.record, None)
    return api.CancelKeyDeletionResponse(key_id=key.arn_text)
