"""How does an entity get its name, or another name?"""

from collections.abc import Mapping
from typing import Any

import msgspec

from keystead.call import Target
from keystead.identity import resources, times
from keystead.identity.call import IamCall
from keystead.identity.iam.entities import boundaries
from keystead.identity.names import canonical
from keystead.identity.repository import E, new
from keystead.identity.resources import Named
from keystead.policy.evaluation import NO_KEYS, ContextValue
from keystead.tags import request_keys
from keystead.wire.models import iam as api


def ask_to_create(
    call: IamCall,
    record: type[E],
    name: str,
    path: str,
    *,
    tags: Mapping[str, str] = {},
    keys: Mapping[str, ContextValue] = NO_KEYS,
) -> None:
    """May the caller make this, and tag it?  `keys` are those of this kind."""
    kind = record.kind
    arn = kind.arn(call.account, path, name)
    tag_keys = request_keys(tags)
    call.ask(Target(arn, call.account, kind.resource_type), {**tag_keys, **keys})
    if tags and kind.tagging:
        call.ask(Target(arn, call.account), tag_keys, kind.tagging.operation)


def create(call: IamCall, record: type[E], name: str, path: str, **columns: Any) -> E:
    """Make an entity; refuses a name that is taken, and more than the quota."""
    require_room(call, record, name)
    boundaries.require_policy(call, columns.get("boundary"))
    made = new(record, call.account, path, name, times.stored(call.now), **columns)
    call.repository.of(record).insert(call.transaction, made)
    return made


def require_room(call: IamCall, record: type[E], name: str) -> None:
    """Refuse a name that is taken, and more entities of a kind than the quota."""
    _require_free(call, record, name)
    quota, most = record.kind.quota
    if not call.repository.of(record).has_room(call.transaction, call.account, most):
        raise api.LimitExceededException(f"Cannot exceed quota for {quota}: {most}")


def rename(call: IamCall, named: Named[E], new_name: str | None, new_path: str | None) -> None:
    """Give another name, another path, or both. The unique id stays."""
    call.ask(named)
    known = named.existing()
    record, name = type(known), new_name or known.name
    renamed = msgspec.structs.replace(
        known, name=name, name_key=canonical(name), path=new_path or known.path
    )
    if renamed.arn != known.arn:  # both the old and the new name must be allowed (IA-8)
        call.ask(resources.entity(record, call.account, name, renamed))
    if renamed.name_key != known.name_key:
        _require_free(call, record, name)
    call.repository.update(call.transaction, renamed)


def _require_free(call: IamCall, record: type[E], name: str) -> None:
    if not call.repository.of(record).is_free(call.transaction, call.account, name):
        kind = record.kind
        raise api.EntityAlreadyExistsException(kind.sentence(kind.exists, name))
