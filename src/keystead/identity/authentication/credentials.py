"""Which access key may authenticate now?  (AU-10, IA-6)

Unknown, inactive, deleted, without its owner, of a closed account: all of these are the same
"none", so that nobody can tell them apart.
"""

from dataclasses import dataclass

from keystead.identity import identifiers
from keystead.identity.authentication import callers
from keystead.identity.authentication.callers import Caller
from keystead.identity.repository import AccessKey, Account, IdentityRepository, User
from keystead.store.protocol import Reader


@dataclass(frozen=True, slots=True)
class Credential:
    """An active access key and its owner."""

    key: AccessKey
    account: Account
    user: User | None  # None: the root of the account

    def secret(self, repository: IdentityRepository) -> str:
        return repository.access_keys.secret(self.key).decode()

    def caller(self, repository: IdentityRepository, reader: Reader) -> Caller:
        """Who signs with it, with policies."""
        if self.user is None:
            return callers.root(self.account)
        return callers.user(repository, reader, self.user)


def usable(repository: IdentityRepository, reader: Reader, access_key_id: str) -> Credential | None:
    """The credential with this id, if it may authenticate now."""
    number = identifiers.account_of(access_key_id)
    if number is None:
        return None
    key = repository.access_keys.get(reader, number, access_key_id)
    account = repository.accounts.get(reader, number)
    if key is None or key.status != "Active" or account is None or not account.is_open:
        return None
    if key.owner_id == number:
        return Credential(key, account, None)
    user = repository.users.get(reader, number, key.owner_id)
    return None if user is None else Credential(key, account, user)
