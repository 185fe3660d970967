"""How do other rooms see a key?  As a view of its row, ready for decisions and custody.

A Key has no secret. Policies see it as a resource (`call.Resource`), custody as the name of a
material (`custody.CustodyKey`); `states` and `usage` see the rest.

INVARIANT: `kms:ResourceAliases` and `aws:ResourceTag` are facts for identity policies; a key
policy does not see them (kms.md 11). The key policy's compiler keeps that, not this module.
"""

from collections.abc import Mapping
from typing import ClassVar, Self

import msgspec
from msgspec.structs import force_setattr

from keystead.arns import kms_arn
from keystead.caches import Shared
from keystead.kms import ciphertext
from keystead.kms.ciphertext import KeyName
from keystead.kms.keys.records import ImportedMaterial, KeyRecord
from keystead.kms.keys.related import Relation
from keystead.kms.states import KeyState
from keystead.policy.evaluation import (
    NO_KEYS,
    ContextValue,
    OverAccount,
    PolicySource,
    documents,
)
from keystead.store.changes import Name
from keystead.tags import resource_keys
from keystead.wire.models import kms as api

RESOURCE_TYPE = "AWS::KMS::Key"

_KEY, _TAG, _ALIAS, _IMPORT = 3500, 450, 150, 900  # bytes of a key, and of what it may have
_RELATED = 2500  # bytes of what a multi-Region key knows of its set

_USABLE = {KeyState.ENABLED, KeyState.DISABLED, KeyState.UPDATING}

_read_tags = msgspec.json.Decoder(dict[str, str]).decode


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One key as it is now; or, for a stranger, a key that does not exist in its account.

    AWS does not tell strangers which keys and aliases exist. So if a stranger names a key that does
    not exist, that is a Key too. Nobody may use it, and the refusal is the same as for a key that
    the stranger may not use.
    """

    resource_type: ClassVar[str] = RESOURCE_TYPE
    resource_policy_required: ClassVar[bool] = True

    record: KeyRecord
    relation: Relation | None = None  # of a multi-Region key: its set and its primary
    arn_text: str
    state: KeyState
    tags: Mapping[str, str] = {}
    aliases: tuple[str, ...] = ()
    resource_policies: tuple[PolicySource, ...] = ()
    is_granted: bool = False  # Has anybody a grant on it?
    grants: tuple[PolicySource, ...] = ()  # Those of the caller who asks (`granted`).
    condition_keys: Mapping[str, ContextValue] = NO_KEYS
    imports: tuple[ImportedMaterial, ...] = ()
    expires_us: int | None = None  # when the first of its materials is not there any more
    header: bytes = b""  # Of the blobs that it makes now.
    exists: bool = True
    row_name: Name = b""  # The name that is announced when its row is written.
    called: str = ""  # A refusal to a stranger names it so: the alias' ARN. "" = by its own ARN.
    # Columns of its row that every use asks for:
    owner: str = ""
    account: str = ""
    key_id: str = ""
    material_id: str = ""
    row_version: int = 0  # Custody opens material anew after any change (KM-13).
    spec: api.KeySpec = "SYMMETRIC_DEFAULT"
    usage: api.KeyUsageType = "ENCRYPT_DECRYPT"

    def __post_init__(self) -> None:
        record = self.record
        force_setattr(self, "owner", record.account)
        force_setattr(self, "account", record.account)
        force_setattr(self, "key_id", record.key_id)
        force_setattr(self, "material_id", self.shared.material_id)
        force_setattr(self, "row_version", record.row_version)
        force_setattr(self, "spec", record.key_spec)
        force_setattr(self, "usage", record.key_usage)

    @property
    def shared(self) -> KeyRecord:
        """The row with what all members of a multi-Region set share; of other keys, their own."""
        return self.record if self.relation is None else self.relation.primary

    @property
    def region(self) -> str:
        return self.record.region

    @property
    def multi_region(self) -> str:
        """PRIMARY, REPLICA, or "" for a single-Region key."""
        return self.record.multi_region

    @property
    def has_replicas(self) -> bool:
        """Is it the primary of a set with other members?"""
        relation = self.relation
        if relation is None or self.multi_region != "PRIMARY":
            return False
        return len(relation.related.members) > 1

    @property
    def other_regions(self) -> list[str]:
        """The Regions of the other members of its set."""
        members = () if self.relation is None else self.relation.related.members
        return [region for region in members if region != self.region]

    @property
    def name(self) -> KeyName:
        """Its name as a ciphertext blob carries it."""
        return KeyName(self.record.account, self.record.region, self.record.key_id)

    @property
    def origin(self) -> api.OriginType:
        return self.record.origin

    @property
    def own_imports(self) -> list[ImportedMaterial]:
        """The imported material that belongs to it, and does not wait for a rotation."""
        return [each for each in self.imports if not each.rotation_state]

    def at(self, now_us: int) -> Self:
        """The same key at this time: material that is expired is missing, job or not (KM-6)."""
        state = KeyState(self.record.state)
        if self.expires_us is not None and self.expires_us <= now_us and state in _USABLE:
            state = KeyState.PENDING_IMPORT
        return self if state is self.state else msgspec.structs.replace(self, state=state)

    def made(self, name: KeyName) -> bool:
        """Did this key make a blob with that name?  In a multi-Region set, did any member?"""
        if name.key_id != self.key_id or name.account != self.account:
            return False
        return name.region == self.record.region or name.multi_region

    def requested_by(self, alias: str) -> Self:
        """The same key, asked for by this alias."""
        return msgspec.structs.replace(
            self,
            condition_keys={**self.condition_keys, "kms:requestalias": alias},
            called=kms_arn(self.region, self.account, alias),
        )


def key_view(
    record: KeyRecord,
    aliases: tuple[str, ...],
    policies: tuple[PolicySource, ...],
    relation: Relation | None = None,
    imports: tuple[ImportedMaterial, ...] = (),
) -> Key:
    """The view of a key's row. To make blobs it needs its header as well."""
    tags = _read_tags(record.tags)
    own = [each.valid_to_us for each in imports if not each.rotation_state]
    return Key(
        record=record,
        relation=relation,
        arn_text=kms_arn(record.region, record.account, f"key/{record.key_id}"),
        state=KeyState(record.state),
        tags=tags,
        aliases=aliases,
        resource_policies=policies,
        condition_keys=_condition_keys(record, tags, aliases),
        imports=imports,
        expires_us=min((us for us in own if us is not None), default=None),
    )


def header_of(key: Key) -> bytes:
    """The header of the blobs that a key makes now; b"" for a key that never had material."""
    return ciphertext.header(key.name, key.material_id) if key.material_id else b""


def cost(key: Key) -> tuple[int, Shared]:
    """The bytes that a key takes, and the policies that other views may have as well."""
    record = key.record
    texts = len(record.description) + 6 * len(record.tags) + 2 * sum(map(len, key.aliases))
    related = 0 if key.relation is None else _RELATED
    own = _KEY + related + texts + _TAG * len(key.tags) + _ALIAS * len(key.aliases)
    own += _IMPORT * len(key.imports)
    return own, documents((*key.resource_policies, *key.grants))


def over_resource(resource: object, over: OverAccount) -> OverAccount:
    """What stands over a resource. Resource control policies are about no key of AWS's own."""
    if over.resource_control and isinstance(resource, Key) and resource.record.manager == "AWS":
        return msgspec.structs.replace(over, resource_control=())
    return over


def nobodys_key(arn_text: str, account: str, region: str) -> Key:
    """The Key that a stranger gets for a key or alias of another account that does not exist.

    It looks like an ordinary key, so that the stranger's own policies decide alike.
    """
    record = KeyRecord(
        account=account,
        region=region,
        key_id="",
        state="Enabled",
        key_spec="SYMMETRIC_DEFAULT",
        key_usage="ENCRYPT_DECRYPT",
        origin="AWS_KMS",
        policy_id="",
        created_us=0,
    )
    return Key(
        record=record,
        arn_text=arn_text,
        state=KeyState.ENABLED,
        condition_keys=_condition_keys(record, {}, ()),
        exists=False,
    )


def _condition_keys(
    record: KeyRecord, tags: Mapping[str, str], aliases: tuple[str, ...]
) -> Mapping[str, ContextValue]:
    keys: dict[str, ContextValue] = described(
        record.key_spec, record.key_usage, record.origin, record.multi_region
    )
    keys |= resource_keys(tags, "aws")
    if aliases:
        keys["kms:resourcealiases"] = aliases
    return keys


def described(spec: str, usage: str, origin: str, multi_region: str) -> dict[str, ContextValue]:
    """The condition keys that describe a key, for the key or for the request to create it."""
    keys: dict[str, ContextValue] = {
        "kms:keyspec": spec,
        "kms:keyusage": usage,
        "kms:customermasterkeyspec": spec,
        "kms:customermasterkeyusage": usage,
        "kms:keyorigin": origin,
        "kms:multiregion": "true" if multi_region else "false",
    }
    if multi_region:
        keys["kms:multiregionkeytype"] = multi_region
    return keys
