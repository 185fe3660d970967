"""CreateAccessKey, UpdateAccessKey, DeleteAccessKey, ListAccessKeys, GetAccessKeyLastUsed."""

from typing import Any, cast

import msgspec

from keystead.call import Target
from keystead.errors import ValidationException
from keystead.identity import access_keys, limits, paging, resources, times
from keystead.identity.call import IamCall
from keystead.identity.repository import AccessKey, User
from keystead.identity.resources import KeyOwner, Named
from keystead.policy.evaluation import AccessDenied
from keystead.registry import implements
from keystead.wire.models import iam as api


@implements(api.CreateAccessKey)
def create_access_key(
    call: IamCall, request: api.CreateAccessKeyRequest
) -> api.CreateAccessKeyResponse:
    owner = call.key_owner(request.user_name)
    permit = call.ask(owner)
    known = owner.existing()
    keys = call.repository.access_keys.of(call.transaction, call.account, known.owner_id)
    if len(keys) >= limits.ACCESS_KEYS_PER_USER:
        raise api.LimitExceededException(
            f"Cannot exceed quota for AccessKeysPerUser: {limits.ACCESS_KEYS_PER_USER}"
        )
    issued = access_keys.issue(
        call.transaction, call.repository.access_keys, permit, call.now, call.given_key
    )
    return api.CreateAccessKeyResponse(
        access_key=api.AccessKey(
            user_name=cast("str", known.user_name),  # root has none, though the model asks for one
            access_key_id=issued.access_key_id,
            status="Active",
            secret_access_key=issued.secret,
            create_date=call.now,
        )
    )


@implements(api.UpdateAccessKey)
def update_access_key(call: IamCall, request: api.UpdateAccessKeyRequest) -> None:
    if request.status == "Expired":  # in the model for other credentials only
        raise ValidationException(
            "1 validation error detected: Value at 'status' failed to satisfy constraint: "
            "Member must satisfy enum value set: [Active, Inactive]"
        )
    owner = call.key_owner(request.user_name)
    call.ask(owner)
    key = _key(call, owner, request.access_key_id)
    changed = msgspec.structs.replace(key, status=request.status)
    call.repository.access_keys.update(call.transaction, changed)


@implements(api.DeleteAccessKey)
def delete_access_key(call: IamCall, request: api.DeleteAccessKeyRequest) -> None:
    owner = call.key_owner(request.user_name)
    call.ask(owner)
    key = _key(call, owner, request.access_key_id)
    call.repository.access_keys.delete(call.transaction, key)


@implements(api.ListAccessKeys)
def list_access_keys(
    call: IamCall, request: api.ListAccessKeysRequest
) -> api.ListAccessKeysResponse:
    owner = call.key_owner(request.user_name)
    call.ask(owner)
    known = owner.existing()
    keys = call.repository.access_keys.of(call.transaction, call.account, known.owner_id)
    page = paging.cut(call, request, keys)
    return api.ListAccessKeysResponse(
        access_key_metadata=[
            api.AccessKeyMetadata(
                user_name=known.user_name,
                access_key_id=key.access_key_id,
                status=cast("Any", key.status),  # never "Deleted": such a key has no owner
                create_date=times.shown(key.created),
            )
            for key in page.items
        ],
        is_truncated=page.is_truncated,
        marker=page.marker,
    )


@implements(api.GetAccessKeyLastUsed)
def get_access_key_last_used(
    call: IamCall, request: api.GetAccessKeyLastUsedRequest
) -> api.GetAccessKeyLastUsedResponse:
    owner = _owner_of(call, request.access_key_id)
    if owner is None:
        unknown = Target(f"access key {request.access_key_id}", call.account)
        call.ask(unknown)
        # Not even a caller who may ask about every user learns whether a key of another account
        # exists (iam.md 1.9).
        raise AccessDenied(
            None,
            f"User: {call.principal.arn} is not authorized to perform: iam:GetAccessKeyLastUsed"
            f" on resource: {unknown.arn_text}",
        )
    call.ask(owner)
    use = call.last_used.of(
        call.repository.access_keys, call.transaction, call.account, request.access_key_id
    )
    return api.GetAccessKeyLastUsedResponse(
        user_name=owner.existing().user_name,
        access_key_last_used=api.AccessKeyLastUsed(
            last_used_date=times.shown(use.used) if use else None,
            service_name=use.service if use else "N/A",
            region=use.region if use else "N/A",
        ),
    )


def _key(call: IamCall, owner: Named[KeyOwner], access_key_id: str) -> AccessKey:
    """The key of this owner, and of no other."""
    known = owner.existing()
    key = call.repository.access_keys.get(call.transaction, call.account, access_key_id)
    if key is None or key.owner_id != known.owner_id:
        raise api.NoSuchEntityException(f"The Access Key with id {access_key_id} cannot be found")
    return key


def _owner_of(call: IamCall, access_key_id: str) -> Named[KeyOwner] | None:
    """The owner of the key with this id, if the key is of the caller's account."""
    key = call.repository.access_keys.get(call.transaction, call.account, access_key_id)
    if key is None:
        return None
    if key.owner_id == call.account:
        return resources.root(call.own_account())
    user = call.repository.users.get(call.transaction, call.account, key.owner_id)
    if user is None:
        return None
    return resources.owner_of_keys(resources.entity(User, call.account, user.name, user))
