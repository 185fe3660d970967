"""Which key is derived for which purpose?  (threat-model RK-2)

    root key --HKDF(purpose)--> one key per purpose
    account domains key --HKDF(account)--> one key per account, which seals key material
    session tokens key --HKDF(day)--> one key per day, which seals the tokens of that day

INVARIANT: no key has two purposes. A label is never given another meaning: a new meaning is a new
label.
"""

from enum import StrEnum

from keystead.caches import KIB, MIB, BoundedCache, Room
from keystead.custody.kdf import hkdf
from keystead.custody.proofs import OneTimeCodes, Passwords, TypedNames
from keystead.custody.rows import ColumnSeals, RecordSealer, RowSeals
from keystead.custody.seals import RootKey
from keystead.custody.secrecy import Guarded
from keystead.custody.signing import AuditSigner, AuditTags
from keystead.custody.sums import Sums
from keystead.custody.tokens import SessionTokens, Tokens
from keystead.custody.wrapping import ImportedIds, ImportTokens

_KNOWN_TO_ALL = hkdf(bytes(32), "keystead/1/development/imported material ids")
"""In every development installation the same material has the same id, and opens the same blobs."""

_DOMAIN = 2500  # bytes
_DOMAINS = Room(of_owner=4 * KIB, in_all=12 * MIB)


class Purpose(StrEnum):
    """The purposes of the keys under the root. The values are parts of the labels."""

    STORE_FILE = "store file"
    ROWS = "rows"
    COLUMNS = "columns"
    AUDIT = "audit signature"
    AUDIT_LINES = "audit lines"
    TOKENS = "tokens"
    SESSION_TOKENS = "session tokens"
    PASSWORDS = "password pepper"
    ACCOUNT_DOMAINS = "account domains"
    IMPORT_TOKENS = "import tokens"
    IMPORTED_MATERIAL_IDS = "imported material ids"
    STATE_PLACES = "state places"
    STATE_DIGESTS = "state digests"
    TYPED_NAMES = "typed names"


class Hierarchy(Guarded):
    """Everything that custody derives from the root key."""

    __slots__ = (
        "_domains", "_domains_key", "_generation", "audit_signer", "audit_tags", "development",
        "import_tokens", "imported_ids", "incarnation", "installation", "one_time_codes",
        "passwords", "rows", "session_tokens", "store_key", "sums", "tokens",
        "typed_names",
    )  # fmt: skip

    def __init__(self, root: RootKey) -> None:
        def key(purpose: Purpose) -> bytes:
            return root.derive(f"keystead/1/purpose/{purpose}")

        self.installation = root.installation
        self.development = root.development
        """Is this an installation for development, and for nothing else?  (decision 0043)"""
        self.incarnation = root.incarnation
        self.store_key = key(Purpose.STORE_FILE)
        columns = RecordSealer(key(Purpose.COLUMNS), "column", root.generation)
        self.sums = Sums(key(Purpose.STATE_PLACES), key(Purpose.STATE_DIGESTS))
        self.rows = RowSeals(key(Purpose.ROWS), ColumnSeals(columns), self.sums)
        self.audit_signer = AuditSigner(key(Purpose.AUDIT))
        self.audit_tags = AuditTags(key(Purpose.AUDIT_LINES))
        self.tokens = Tokens(key(Purpose.TOKENS), root.incarnation)
        self.import_tokens = ImportTokens(key(Purpose.IMPORT_TOKENS), root.incarnation)
        self.imported_ids = ImportedIds(
            _KNOWN_TO_ALL if root.development else key(Purpose.IMPORTED_MATERIAL_IDS)
        )
        self.session_tokens = SessionTokens(key(Purpose.SESSION_TOKENS), root.incarnation)
        self.passwords = Passwords(key(Purpose.PASSWORDS))
        self.typed_names = TypedNames(key(Purpose.TYPED_NAMES))
        self.one_time_codes = OneTimeCodes(root.incarnation)
        self._generation = root.generation
        self._domains_key = key(Purpose.ACCOUNT_DOMAINS)
        self._domains: BoundedCache[str, RecordSealer] = BoundedCache(_DOMAINS)

    @property
    def kept_bytes(self) -> int:
        """The cost, in bytes, of the accounts' domains in memory."""
        return self._domains.cost

    def domain(self, account: str) -> RecordSealer:
        """The sealer for the key material of this account, and of no other."""
        domain = self._domains.get(account)
        if domain is None:
            key = hkdf(self._domains_key, f"keystead/1/account/{account}")
            domain = RecordSealer(key, "key material", self._generation)
            self._domains.put(account, domain, account, _DOMAIN)
        return domain
