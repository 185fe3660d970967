"""Key policies as versions before stored them: a row for each key."""

import msgspec

from keystead.kms.keys import DEFAULT_POLICY, KeyRepository, Place
from keystead.kms.keys.policies import OwnPolicy
from keystead.store.protocol import Reader, Transaction


def as_older(keys: KeyRepository, transaction: Transaction, place: Place) -> None:
    """Store the policy of a key as versions before did."""
    record = keys.row(transaction, *place)
    assert record is not None
    stored = keys.policies.stored(transaction, record)
    keys.policies.release(transaction, record)
    keys.policies._own.insert(
        transaction,
        OwnPolicy(
            account=record.account,
            region=record.region,
            key_id=record.key_id,
            name=DEFAULT_POLICY,
            text=stored.text,
            principals=msgspec.json.encode(stored.meant).decode(),
        ),
    )


def own_policies(reader: Reader) -> int:
    """How many keys have a policy row of their own?"""
    return len(reader.all("SELECT key_id FROM kms_key_policies"))


def assert_whole(keys: KeyRepository, reader: Reader) -> None:
    """Every key has its policy, each text is counted as often as keys have it, and none is left."""
    uses: dict[tuple[str, str], int] = {}
    for place in reader.all("SELECT account, region, key_id FROM kms_keys"):
        record = keys.row(reader, *place)
        assert record is not None
        assert keys.policies.stored(reader, record).text
        own = "SELECT 1 FROM kms_key_policies WHERE account = ? AND region = ? AND key_id = ?"
        if not reader.all(own, place):
            name = (record.account, record.policy_id)
            uses[name] = uses.get(name, 0) + 1
    counted = reader.all("SELECT account, policy_id, keys FROM kms_policy_uses")
    assert {(account, policy): number for account, policy, number in counted} == uses
    texts = reader.all("SELECT account, policy_id FROM kms_policy_texts")
    assert sorted(texts) == sorted(uses)
