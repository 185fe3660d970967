"""How are keys stored?  The rows of this room, one record per table.

Times are stored as `keystead.times` has them. Every row begins with the account and the Region
that own it.

INVARIANT: the policy of a key is found by `KeyRecord.policy_id`, the hash of its text and
principals. A policy of another moment does not match it.
"""

from keystead.custody.rows import Record
from keystead.wire.models import kms as api

Place = tuple[str, str, str]
"""The key of a key's row: account, Region, key id."""


class KeyRecord(Record, frozen=True, kw_only=True, gc=False):
    """A key, without its material (custody), its policy's text and its aliases."""

    account: str
    region: str
    key_id: str
    state: api.KeyState
    key_spec: api.KeySpec
    key_usage: api.KeyUsageType
    origin: api.OriginType
    manager: api.KeyManagerType = "CUSTOMER"
    multi_region: str = ""  # "" = single-Region; otherwise a MultiRegionKeyType
    description: str = ""
    tags: str = "{}"  # JSON object
    material_id: str = ""  # the material that encrypts now; "" = never had one
    policy_id: str
    created_us: int
    deletion_us: int | None = None  # when it will be destroyed; None = not scheduled
    rotation_days: int = 0  # 0 = no automatic rotation
    next_rotation_us: int | None = None


class AliasRecord(Record, frozen=True, kw_only=True, gc=False):
    """An alias and the key that it names."""

    account: str
    region: str
    name: str  # "alias/…"
    key_id: str
    created_us: int
    updated_us: int


class MaterialRecord(Record, frozen=True, kw_only=True, gc=False):
    """One generation of a key's material: when and why it came to be. The secret is custody's."""

    account: str
    region: str
    key_id: str
    generation: int  # from 1
    material_id: str
    rotated_us: int | None = None  # None for the first generation, which no rotation made
    rotation_type: api.RotationType | None = None


class ImportedMaterial(Record, frozen=True, kw_only=True, gc=False):
    """Material that was imported into a key in this Region, or will be, and may be gone by now.

    Material that waits for a rotation does not belong to its key yet, and is no generation of it.
    """

    account: str
    region: str
    key_id: str
    material_id: str  # a fingerprint of the secret: custody takes no other for it
    rotation_state: str = ""  # "PENDING_ROTATION" while it waits for a rotation, "" afterwards
    import_state: api.ImportState = "IMPORTED"
    expiration_model: api.ExpirationModelType
    valid_to_us: int | None = None  # None = it does not expire, or is gone
    description: str = ""

    def is_there(self, now_us: int) -> bool:
        """Can it be used?  A date that has come counts before the job comes (KM-6)."""
        expired = self.valid_to_us is not None and self.valid_to_us <= now_us
        return self.import_state == "IMPORTED" and not expired


class KeyCount(Record, frozen=True, kw_only=True, gc=False):
    """How many keys an account has in a Region, so that the quota needs no count."""

    account: str
    region: str
    keys: int
