"""How does an access key come to be?

INVARIANT: a secret leaves this room once, as the answer to the call that made it.
"""

from dataclasses import dataclass, field
from datetime import datetime

from keystead.custody import randomness
from keystead.identity import identifiers, times
from keystead.identity.repository import AccessKey, AccessKeys
from keystead.identity.resources import KeyOwner, Named
from keystead.policy.evaluation import Permit
from keystead.store.protocol import Transaction


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new access key, as its owner gets it."""

    access_key_id: str
    secret: str = field(repr=False)


def issue(
    transaction: Transaction, keys: AccessKeys, permit: Permit[Named[KeyOwner]], now: datetime
) -> IssuedKey:
    """A new active key for the owner that the permit is about."""
    account = permit.resource.owner
    owner = permit.resource.existing()
    access_key_id = _new_id(transaction, keys, account)
    secret = randomness.secret_access_key()
    keys.insert(
        transaction,
        AccessKey(
            account=account,
            access_key_id=access_key_id,
            owner_id=owner.owner_id,
            secret=keys.seal(account, access_key_id, secret),
            status="Active",
            created=times.stored(now),
        ),
    )
    return IssuedKey(access_key_id, secret)


def _new_id(transaction: Transaction, keys: AccessKeys, account: str) -> str:
    while True:
        access_key_id = identifiers.access_key_id(identifiers.LONG_TERM_KEY, account)
        if keys.is_new(transaction, account, access_key_id):
            return access_key_id
