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
    transaction: Transaction,
    keys: AccessKeys,
    permit: Permit[Named[KeyOwner]],
    now: datetime,
    given: IssuedKey | None = None,
) -> IssuedKey:
    """A new active key for the owner that the permit is about: a random one, unless one is given.

    Only a seed gives one (decision 0043). Raises ValueError if its id was given before.
    """
    account = permit.resource.owner
    owner = permit.resource.existing()
    if given is not None and not keys.is_new(transaction, account, given.access_key_id):
        raise ValueError(f"the access key {given.access_key_id} is not new")
    issued = given or IssuedKey(_new_id(transaction, keys, account), randomness.secret_access_key())
    keys.insert(
        transaction,
        AccessKey(
            account=account,
            access_key_id=issued.access_key_id,
            owner_id=owner.owner_id,
            secret=keys.seal(account, issued.access_key_id, issued.secret),
            status="Active",
            created=times.stored(now),
        ),
    )
    return issued


def _new_id(transaction: Transaction, keys: AccessKeys, account: str) -> str:
    while True:
        access_key_id = identifiers.access_key_id(identifiers.LONG_TERM_KEY, account)
        if keys.is_new(transaction, account, access_key_id):
            return access_key_id
