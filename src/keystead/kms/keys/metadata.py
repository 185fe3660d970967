"""How is a key described to callers?  By AWS's KeyMetadata (kms.md 4.1, 9.1)."""

from datetime import datetime
from typing import cast, get_args

import msgspec

from keystead.kms import usage
from keystead.kms.keys.identifiers import key_reference
from keystead.kms.keys.key import Key
from keystead.kms.states import KeyState
from keystead.times import from_microseconds
from keystead.wire.models import kms as api

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_OLD_SPECS = frozenset(get_args(api.CustomerMasterKeySpec))

_ALGORITHM_MEMBERS = {
    "ENCRYPT_DECRYPT": "encryption_algorithms",
    "SIGN_VERIFY": "signing_algorithms",
    "GENERATE_VERIFY_MAC": "mac_algorithms",
    "KEY_AGREEMENT": "key_agreement_algorithms",
    "ENCAPSULATE_DECAPSULATE": "encapsulation_algorithms",
}


def key_metadata(key: Key) -> api.KeyMetadata:
    """The metadata of a key. A member that does not apply is absent."""
    record = key.record
    metadata = api.KeyMetadata(
        aws_account_id=record.account,
        key_id=record.key_id,
        arn=key.arn_text,
        creation_date=from_microseconds(record.created_us),
        enabled=key.state is KeyState.ENABLED,
        description=record.description,
        key_usage=record.key_usage,
        key_state=key.state.value,
        deletion_date=_deletion_date(key),
        valid_to=_valid_to(key),
        expiration_model=_expiration_model(key),
        pending_deletion_window_in_days=_pending_days(key),
        origin=record.origin,
        key_manager=record.manager,
        customer_master_key_spec=old_spec(key.spec),
        key_spec=record.key_spec,
        multi_region=record.multi_region != "",
        multi_region_configuration=_multi_region(key),
        current_key_material_id=_current_material(key),
    )
    return msgspec.structs.replace(metadata, **algorithm_lists(key))


def _deletion_date(key: Key) -> datetime | None:
    stored = key.record.deletion_us
    return None if stored is None else from_microseconds(stored)


def _pending_days(key: Key) -> int | None:
    """The waiting period of a primary that begins when its last replica is gone."""
    if key.relation is None or key.state is not KeyState.PENDING_REPLICA_DELETION:
        return None
    return key.relation.related.pending_days


def _multi_region(key: Key) -> api.MultiRegionConfiguration | None:
    """The members of a multi-Region key's set."""
    if key.relation is None:
        return None
    related, primary = key.relation
    members = {
        region: api.MultiRegionKey(
            arn=key_reference(key.account, region, key.key_id).arn, region=region
        )
        for region in related.members
    }
    return api.MultiRegionConfiguration(
        multi_region_key_type=cast("api.MultiRegionKeyType", key.record.multi_region),
        primary_key=members.pop(primary.region),
        replica_keys=list(members.values()),
    )


def _valid_to(key: Key) -> datetime | None:
    """When the first of its materials expires, if it has any that does."""
    if key.expires_us is None or _expiration_model(key) is None:
        return None
    return from_microseconds(key.expires_us)


def _expiration_model(key: Key) -> api.ExpirationModelType | None:
    """Does its imported material expire?  None unless all of it is there (kms.md 9.1)."""
    own = key.own_imports
    states = {each.import_state for each in own}
    if states != {"IMPORTED"} or key.state is KeyState.PENDING_IMPORT:
        return None
    return "KEY_MATERIAL_DOES_NOT_EXPIRE" if key.expires_us is None else "KEY_MATERIAL_EXPIRES"


def algorithm_lists(key: Key) -> dict[str, list[str]]:
    """The member that lists the algorithms of a key of this usage; of others there is none."""
    return {_ALGORITHM_MEMBERS[key.usage]: list(usage.algorithms(key.spec, key.usage))}


def old_spec(spec: api.KeySpec) -> api.CustomerMasterKeySpec | None:
    """The spec by its old name, which newer specs do not have."""
    return cast("api.CustomerMasterKeySpec", spec) if spec in _OLD_SPECS else None


def _current_material(key: Key) -> str | None:
    return key.material_id or None if key.spec == usage.SYMMETRIC_DEFAULT else None
