"""How do people sign in by a provider?  What the operator says of it, beside what its account says.

A provider of SAML needs no such row: its people may begin here or there. One of OpenID Connect is
for people only with a row.
"""

import msgspec

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.store.protocol import Reader, Transaction

_KEY = ("account", "provider_id")
_TABLE = "signin_provider"


class SignInProvider(Record, frozen=True, kw_only=True, gc=False):
    """What the operator says of one provider."""

    account: str
    provider_id: str
    provider_initiated: int = 1  # SAML: may people begin at the provider?
    client_id: str = ""  # OpenID Connect, as the rest
    client_secret: bytes = b""  # sealed; empty: a client without one
    role_claim: str = ""  # the claim whose values are ARNs of roles
    role: str = ""  # or the one role of everybody
    name_claim: str = ""  # the claim that names the session
    scopes: str = ""  # what is asked for, with spaces between

    @property
    def callback(self) -> str:
        """The path of the provider's redirect URI, below the public URL (OpenID Connect)."""
        return f"oidc/callback/{self.provider_id}"


class SignInProviders:
    """The providers of all accounts of which the operator said something."""

    __slots__ = ("_secrets", "_table")

    def __init__(self, seals: RowSeals) -> None:
        self._table = SealedTable(seals, _TABLE, SignInProvider, _KEY, (Lookup(_KEY),))
        self._secrets = seals.secrets

    def get(self, reader: Reader, account: str, provider_id: str) -> SignInProvider | None:
        return self._table.get(reader, account, provider_id)

    def every(self, reader: Reader) -> list[SignInProvider]:
        return self._table.find(reader, "TRUE ORDER BY account, provider_id")

    def put(self, transaction: Transaction, record: SignInProvider, secret: bytes = b"") -> None:
        """Keep it, in the place of an earlier one."""
        place = (record.account, record.provider_id)
        sealed = self._secrets.seal(_TABLE, place, "client_secret", secret) if secret else b""
        self._table.delete(transaction, *place)
        self._table.insert(transaction, msgspec.structs.replace(record, client_secret=sealed))

    def client_secret(self, record: SignInProvider) -> bytes:
        """The secret that the provider gave us; empty if there is none."""
        if not record.client_secret:
            return b""
        place = (record.account, record.provider_id)
        return self._secrets.unseal(_TABLE, place, "client_secret", record.client_secret)

    def delete(self, transaction: Transaction, account: str, provider_id: str) -> bool:
        """Forget what was said of a provider; False if nothing was."""
        if self.get(transaction, account, provider_id) is None:
            return False
        self._table.delete(transaction, account, provider_id)
        return True
