"""An installation in which views are looked at: what everybody is, and what every key is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from keystead.custody.rows.rows import Record, SealedTable
from keystead.wire.http import HttpRequest, HttpResponse
from keystead.wire.models import kms
from tests.server.installations import REGION, Local

ALLOW = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}'
DENY = ALLOW.replace("Allow", "Deny").replace("kms:*", "kms:Sign")


@dataclass
class World:
    """An installation with two of everything, and the requests of its callers.

    One of the keys is the primary of a multi-Region set, and another its replica.
    """

    local: Local
    users: list[Local] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    places: list[tuple[str, str]] = field(default_factory=list)  # Region and id of each key
    described: list[HttpRequest] = field(default_factory=list)
    used: list[HttpRequest] = field(default_factory=list)

    @property
    def tables(self) -> Mapping[str, SealedTable[Any]]:
        """Every table that decisions depend on."""
        return self.local.installation.hierarchy.rows.tables

    def records(self, table: SealedTable[Any]) -> list[Record]:
        """What stands in a table."""
        reader = self.local.installation.store.read()
        found: list[Record] = table.find(reader, "TRUE")
        return found

    def views(self) -> dict[str, object]:
        """What everybody is, what every key is, and whether it can be used, as it is cached."""
        installation, seen = self.local.installation, {}
        reader, now = installation.store.read(), self.local.time.wall()
        account = self.local.founded.account_id
        authenticate = installation.authenticator.authenticate
        for place, request in enumerate(self.described):
            seen[f"caller {place}"] = _told(
                _caller, partial(authenticate, reader, request, kms.SERVICE, now)
            )
        seen["over"] = _told(msgspec.to_builtins, partial(installation.guardrails.over, account))
        for region, key in (*self.places, (REGION, unused(self.keys[0]))):
            seen[f"key {region} {key}"] = _told(
                _key, partial(installation.keys.key, reader, account, region, key)
            )
        for place, request in enumerate((*self.described, *self.used)):
            seen[f"answer {place}"] = self.answer(request)
        return seen

    def answer(self, request: HttpRequest) -> object:
        """What a request is answered; the turn stays open."""
        return answered(self.local.installation.pipeline.answer(request).response)


def answered(response: HttpResponse) -> tuple[int, object]:
    """The status of an answer, with what it tells of a key, or its error."""
    told = msgspec.json.decode(response.body) if response.body else {}
    return response.status, told.get("KeyMetadata") or told.get("__type")


def _told(shown: Callable[[Any], object], view: Callable[[], object]) -> object:
    try:
        return shown(view())
    except Exception as error:  # noqa: BLE001  # an error is what is seen, too
        return type(error).__name__


def _caller(caller: Any) -> object:
    policies = [(each.policy.text, each.id, each.attached_to) for each in caller.policies.every]
    keys = {k: v for k, v in caller.keys.items() if k != "aws:multifactorauthage"}  # it passes
    return repr(caller.principal), policies, keys, caller.access_key_id


def _key(key: Any) -> object:
    if key is None:
        return None
    return (
        key.record,
        _relation(key),
        key.aliases,
        dict(key.condition_keys),
        [p.policy.text for p in key.resource_policies],
    )


def _relation(key: Any) -> object:
    """What a multi-Region key knows of its set, without the versions of these rows."""
    if key.relation is None:
        return None
    return tuple(msgspec.structs.replace(row, row_version=1) for row in key.relation)


def unused(key: str) -> str:
    """An id that no key has."""
    return f"{'0' * 8}{key[8:]}"


def member(xml: bytes, name: str) -> str:
    return xml.decode().partition(f"<{name}>")[2].partition("<")[0]
