"""CreateAlias, UpdateAlias, DeleteAlias, ListAliases.

Permission is needed on the alias and on each key that it names or shall name (kms.md 10.4).
"""

from keystead import quotas
from keystead.errors import ValidationException
from keystead.kms import usage
from keystead.kms.call import KmsCall
from keystead.kms.keys import AliasRecord, Key, aliases
from keystead.kms.paging import page
from keystead.registry import implements
from keystead.times import from_microseconds, microseconds
from keystead.wire.models import kms as api


@implements(api.CreateAlias)
def create_alias(call: KmsCall, request: api.CreateAliasRequest) -> None:
    name = aliases.read_name(request.alias_name)
    key = call.key(request.target_key_id)
    alias = aliases.target(call.region, call.account, name)
    call.authorize("kms:CreateAlias", alias)
    call.authorize("kms:CreateAlias", key)
    call.require_state(key)
    if call.repository.alias(call.transaction, call.account, call.region, name) is not None:
        raise api.AlreadyExistsException(f"An alias with the name {alias.arn_text} already exists")
    _require_room(call, key)
    now_us = microseconds(call.now)
    call.repository.add_alias(
        call.transaction,
        AliasRecord(
            account=call.account,
            region=call.region,
            name=name,
            key_id=key.key_id,
            created_us=now_us,
            updated_us=now_us,
        ),
    )


@implements(api.UpdateAlias)
def update_alias(call: KmsCall, request: api.UpdateAliasRequest) -> None:
    name = aliases.read_name(request.alias_name)
    alias, old_key = _named(call, name)
    key = call.key(request.target_key_id)
    call.authorize("kms:UpdateAlias", aliases.target(call.region, call.account, name))
    call.authorize("kms:UpdateAlias", old_key)
    call.authorize("kms:UpdateAlias", key)
    call.require_state(key)
    if (usage.kind(key.spec), key.usage) != (usage.kind(old_key.spec), old_key.usage):
        raise ValidationException(
            "An alias can only be moved to a KMS key of the same type and the same key usage."
        )
    if key.key_id != old_key.key_id:
        _require_room(call, key)
    call.repository.move_alias(call.transaction, alias, key.key_id, microseconds(call.now))


@implements(api.DeleteAlias)
def delete_alias(call: KmsCall, request: api.DeleteAliasRequest) -> None:
    name = aliases.read_name(request.alias_name)
    alias, key = _named(call, name)
    call.authorize("kms:DeleteAlias", aliases.target(call.region, call.account, name))
    call.authorize("kms:DeleteAlias", key)
    call.require_state(key)
    call.repository.remove_alias(call.transaction, alias)


@implements(api.ListAliases)
def list_aliases(call: KmsCall, request: api.ListAliasesRequest) -> api.ListAliasesResponse:
    key = None if request.key_id is None else _own_key(call, request.key_id)
    call.authorize_any("kms:ListAliases")

    def following(name: str, count: int) -> list[AliasRecord]:
        if key is not None:
            of_key = call.repository.aliases_of(call.transaction, key.record)
            return [alias for alias in of_key if alias.name > name][:count]
        return call.repository.aliases_after(
            call.transaction, call.account, call.region, name, count
        )

    listed = page(
        call,
        request,
        fetch=following,
        position=lambda alias: alias.name,
        parameters=() if key is None else (key.key_id,),
    )
    return api.ListAliasesResponse(
        aliases=[_entry(alias) for alias in listed.items],
        next_marker=listed.marker,
        truncated=listed.is_truncated,
    )


def _named(call: KmsCall, name: str) -> tuple[AliasRecord, Key]:
    """The alias and its key; raises NotFoundException."""
    alias = call.repository.alias(call.transaction, call.account, call.region, name)
    if alias is None:
        arn = aliases.target(call.region, call.account, name).arn_text
        raise api.NotFoundException(f"Alias {arn} is not found.")
    return alias, call.key(alias.key_id)


def _own_key(call: KmsCall, key_id: str) -> Key:
    """The key whose aliases are asked for. Keys of other accounts have none here to show."""
    key = call.key(key_id)
    if key.owner != call.account:
        raise api.NotFoundException(f"Key '{key.arn_text}' does not exist")
    return key


def _require_room(call: KmsCall, key: Key) -> None:
    most = call.quotas.most(quotas.ALIASES, key.owner)
    if len(key.aliases) >= most:
        raise api.LimitExceededException(
            f"{key.arn_text} has {most} aliases, which is the most a KMS key can have."
        )


def _entry(alias: AliasRecord) -> api.AliasListEntry:
    return api.AliasListEntry(
        alias_name=alias.name,
        alias_arn=aliases.target(alias.region, alias.account, alias.name).arn_text,
        target_key_id=alias.key_id,
        creation_date=from_microseconds(alias.created_us),
        last_updated_date=from_microseconds(alias.updated_us),
    )
