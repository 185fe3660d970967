"""Which facts does each KMS operation need?  A row for each of AWS's 56, in the order of names.

Policies are evaluated by the fact whether an operation works across accounts. So that stands with
the other facts about actions, in `policy/evaluation/service_rules.py`.
"""

from dataclasses import dataclass, field, replace

from keystead import quotas
from keystead.arns import service_in
from keystead.custody.material import VERBS, Verb
from keystead.kms import charges, states, usage
from keystead.kms.states import NO_KEY, Line, line
from keystead.kms.usage import Use
from keystead.paging import Sizes
from keystead.policy.evaluation import ContextValue, works_across_accounts
from keystead.policy.text import ascii_lower
from keystead.rules import Elsewhere, Rules, table
from keystead.wire.models import kms as api


@dataclass(frozen=True, slots=True)
class KmsRules(Rules):
    """The row of one KMS operation."""

    answer_recorded: bool = False

    states: Line = field(default_factory=lambda: NO_KEY)
    """May it be done in a state of its key, and how is it refused if not?  (kms.md 7)"""

    use: Use = usage.NONE
    """Which keys can do it cryptographically, and with which algorithms?  (kms.md 5.1)"""

    by_alias: bool = False
    """May its key be named by an alias?  Such an operation changes nothing (kms.md 3)."""

    sets_alias: bool = False
    """Does it name the key that an alias shall name, which no alias can?  (kms.md 6.4)"""

    of_caller: bool = True
    """Do its decisions have `kms:CallerAccount`, and `kms:ViaService`?  (kms.md 10.5, 11)"""

    pages: Sizes | None = None
    """How long are the pages of its list?  (kms.md 1)"""

    @property
    def verbs(self) -> frozenset[Verb]:
        """What custody does for it with key material, by the actions that it asks about."""
        return frozenset(VERBS[action] for action in self.asks if action in VERBS)


CIPHER = usage.of("ENCRYPT_DECRYPT")
SIGNATURE = usage.of("SIGN_VERIFY")
MAC = usage.of("GENERATE_VERIFY_MAC")
AGREEMENT = usage.of("KEY_AGREEMENT")
ENCAPSULATION = usage.of("ENCAPSULATE_DECAPSULATE")
DATA_KEY = usage.of("ENCRYPT_DECRYPT", only=usage.SYMMETRIC_DEFAULT)

SYMMETRIC = charges.named(quotas.SYMMETRIC)
ECC = charges.named(quotas.ECC)
ML_KEM = charges.named(quotas.ML_KEM)
BY_ALGORITHM = charges.by_algorithm("encryption_algorithm")
BY_SIGNATURE = charges.by_algorithm("signing_algorithm", quotas.RSA)
BY_BOTH = charges.by_algorithms("source_encryption_algorithm", "destination_encryption_algorithm")

ok = None
dis, pdel, nopd = states.disabled, states.pending_deletion, states.not_pending_deletion
imp, una, org = states.pending_import, states.unavailable, states.wrong_origin
cre, upd, noi = states.creating, states.updating, states.no_import

# fmt: off
_ROWS = (
    # The states: Enabled, Disabled, PendingDeletion, PendingImport, Unavailable, Creating, Updating
    KmsRules(api.CancelKeyDeletion, answer_recorded=True,
             states=line(nopd, nopd, ok,   nopd, nopd, nopd, nopd)),
    KmsRules(api.ConnectCustomKeyStore),
    KmsRules(api.CreateAlias, sets_alias=True,
             states=line(ok,   ok,   pdel, ok,   ok,   ok,   ok)),
    KmsRules(api.CreateCustomKeyStore),
    KmsRules(api.CreateGrant, answer_recorded=True,
             states=line(ok,   dis,  pdel, imp,  ok,   cre,  ok)),
    KmsRules(api.CreateKey, asks=("kms:CreateKey", "kms:TagResource"), answer_recorded=True),
    KmsRules(api.Decapsulate, by_alias=True, use=ENCAPSULATION, quotas=ML_KEM,
             states=line(ok,   dis,  pdel, imp,  una,  cre,  ok)),
    KmsRules(api.Decrypt, by_alias=True, use=CIPHER, quotas=BY_ALGORITHM,
             states=line(ok,   dis,  pdel, imp,  una,  cre,  ok)),
    KmsRules(api.DeleteAlias,
             states=line(ok,   ok,   ok,   ok,   ok,   ok,   ok)),
    KmsRules(api.DeleteCustomKeyStore),
    KmsRules(api.DeleteImportedKeyMaterial,
             states=line(ok,   ok,   ok,   ok,   org,  cre,  upd)),
    KmsRules(api.DeriveSharedSecret, by_alias=True, use=AGREEMENT, quotas=ECC,
             states=line(ok,   dis,  pdel, imp,  una,  cre,  ok)),
    KmsRules(api.DescribeCustomKeyStores, pages=Sizes(100, 1000)),
    KmsRules(api.DescribeKey, by_alias=True,
             states=line(ok,   ok,   ok,   ok,   ok,   ok,   ok)),
    KmsRules(api.DisableKey,
             states=line(ok,   ok,   pdel, imp,  ok,   cre,  upd)),
    KmsRules(api.DisableKeyRotation,
             states=line(ok,   dis,  pdel, org,  org,  cre,  ok)),
    KmsRules(api.DisconnectCustomKeyStore),
    KmsRules(api.EnableKey,
             states=line(ok,   ok,   pdel, imp,  ok,   cre,  upd)),
    KmsRules(api.EnableKeyRotation,
             states=line(ok,   dis,  pdel, org,  org,  cre,  ok)),
    KmsRules(api.Encapsulate, by_alias=True, use=ENCAPSULATION, quotas=ML_KEM,
             states=line(ok,   dis,  pdel, imp,  una,  cre,  ok)),
    KmsRules(api.Encrypt, by_alias=True, use=CIPHER, quotas=BY_ALGORITHM,
             states=line(ok,   dis,  pdel, imp,  una,  cre,  ok)),
    KmsRules(api.GenerateDataKey, by_alias=True, use=DATA_KEY, quotas=SYMMETRIC,
             states=line(ok,   dis,  pdel, imp,  una,  cre,  ok)),
    KmsRules(api.GenerateDataKeyPair, by_alias=True, use=DATA_KEY, quotas=charges.by_pair,
             states=line(ok,   dis,  pdel, imp,  org,  cre,  ok)),
    KmsRules(api.GenerateDataKeyPairWithoutPlaintext, by_alias=True, use=DATA_KEY,
             quotas=charges.by_pair,
             states=line(ok,   dis,  pdel, imp,  org,  cre,  ok)),
    KmsRules(api.GenerateDataKeyWithoutPlaintext, by_alias=True, use=DATA_KEY, quotas=SYMMETRIC,
             states=line(ok,   dis,  pdel, imp,  una,  cre,  ok)),
    KmsRules(api.GenerateMac, by_alias=True, use=MAC, quotas=SYMMETRIC,
             states=line(ok,   dis,  pdel, imp,  una,  cre,  ok)),
    KmsRules(api.GenerateRandom, of_caller=False, quotas=SYMMETRIC),
    KmsRules(api.GetKeyLastUsage,
             states=line(ok,   ok,   ok,   ok,   ok,   ok,   ok)),
    KmsRules(api.GetKeyPolicy,
             states=line(ok,   ok,   ok,   ok,   ok,   ok,   ok)),
    KmsRules(api.GetKeyRotationStatus,
             states=line(ok,   ok,   ok,   org,  org,  ok,   ok)),
    KmsRules(api.GetParametersForImport,
             states=line(ok,   ok,   noi,  ok,   org,  cre,  ok)),
    KmsRules(api.GetPublicKey, by_alias=True,
             states=line(ok,   ok,   pdel, ok,   una,  cre,  ok)),
    KmsRules(api.ImportKeyMaterial,
             states=line(ok,   ok,   noi,  ok,   org,  cre,  ok)),
    KmsRules(api.ListAliases, pages=Sizes(50, 100), of_caller=False,
             states=line(ok,   ok,   ok,   ok,   ok,   ok,   ok)),
    KmsRules(api.ListGrants, pages=Sizes(50, 100),
             states=line(ok,   ok,   ok,   ok,   ok,   ok,   ok)),
    KmsRules(api.ListKeyPolicies, pages=Sizes(100, 1000),
             states=line(ok,   ok,   ok,   ok,   ok,   ok,   ok)),
    KmsRules(api.ListKeyRotations, pages=Sizes(100, 1000),
             states=line(ok,   ok,   ok,   ok,   org,  ok,   ok)),
    KmsRules(api.ListKeys, pages=Sizes(100, 1000), of_caller=False),
    KmsRules(api.ListResourceTags, pages=Sizes(50, 50),
             states=line(ok,   ok,   ok,   ok,   ok,   ok,   ok)),
    KmsRules(api.ListRetirableGrants, pages=Sizes(50, 100), of_caller=False),
    KmsRules(api.PutKeyPolicy,
             states=line(ok,   ok,   ok,   ok,   ok,   ok,   ok)),
    KmsRules(api.ReEncrypt, asks=("kms:ReEncryptFrom", "kms:ReEncryptTo"),
             by_alias=True, use=CIPHER, quotas=BY_BOTH,
             states=line(ok,   dis,  pdel, imp,  una,  cre,  ok)),
    KmsRules(api.ReplicateKey, answer_recorded=True,
             asks=("kms:ReplicateKey", "kms:CreateKey", "kms:TagResource"),
             quota_elsewhere=Elsewhere("replica_region", "CreateKey", times=2),
             states=line(ok,   dis,  pdel, imp,  una,  cre,  upd)),
    KmsRules(api.RetireGrant,
             states=line(ok,   ok,   ok,   ok,   ok,   ok,   ok)),
    KmsRules(api.RevokeGrant,
             states=line(ok,   ok,   ok,   ok,   ok,   ok,   ok)),
    KmsRules(api.RotateKeyOnDemand,
             states=line(ok,   dis,  pdel, imp,  org,  cre,  ok)),
    KmsRules(api.ScheduleKeyDeletion, answer_recorded=True,
             states=line(ok,   ok,   pdel, ok,   ok,   ok,   upd)),
    KmsRules(api.Sign, by_alias=True, use=SIGNATURE, quotas=BY_SIGNATURE,
             states=line(ok,   dis,  pdel, imp,  una,  cre,  ok)),
    KmsRules(api.TagResource,
             states=line(ok,   ok,   pdel, ok,   ok,   ok,   ok)),
    KmsRules(api.UntagResource,
             states=line(ok,   ok,   pdel, ok,   ok,   ok,   ok)),
    # The key that the alias leaves may be pending deletion; the row is about the new one.
    KmsRules(api.UpdateAlias, sets_alias=True,
             states=line(ok,   ok,   pdel, ok,   ok,   ok,   ok)),
    KmsRules(api.UpdateCustomKeyStore),
    KmsRules(api.UpdateKeyDescription,
             states=line(ok,   ok,   pdel, ok,   ok,   ok,   ok)),
    KmsRules(api.UpdatePrimaryRegion,
             quota_elsewhere=Elsewhere("primary_region", "UpdatePrimaryRegion"),
             states=line(ok,   dis,  pdel, imp,  una,  cre,  ok)),
    KmsRules(api.Verify, by_alias=True, use=SIGNATURE, quotas=BY_SIGNATURE,
             states=line(ok,   dis,  pdel, imp,  una,  cre,  ok)),
    KmsRules(api.VerifyMac, by_alias=True, use=MAC, quotas=SYMMETRIC,
             states=line(ok,   dis,  pdel, imp,  una,  cre,  ok)),
)
# fmt: on


def _complete(row: KmsRules) -> KmsRules:
    """The row, with the fact that policies know about its actions, and the quota of its name."""
    across = any(works_across_accounts(ascii_lower(action)) for action in row.asks)
    charged = row.quotas or charges.named(row.operation.name)
    return replace(row, across_accounts=across, quotas=charged)


KMS = table(*map(_complete, _ROWS))

ACTIONS_BY_ALIAS = frozenset(
    ascii_lower(action) for row in KMS.values() if row.by_alias for action in row.asks
)
"""The actions of the operations whose key may be named by an alias, in lower case."""

_BY_ACTION = {
    **{ascii_lower(action): row for row in KMS.values() for action in row.asks},
    **{ascii_lower(f"kms:{name}"): row for name, row in KMS.items()},  # its own, before all others
}


def add_request_keys(
    keys: dict[str, ContextValue], row: KmsRules | None, caller_account: str, region: str
) -> None:
    """Add what every request for an operation says beside the keys of all services (kms.md 11).

    What is about no key has not the key of a calling service either.
    """
    if row is None or row.of_caller:
        if caller_account:
            keys["kms:calleraccount"] = caller_account
        via = keys.get("aws:calledvialast")
        if isinstance(via, str):
            keys["kms:viaservice"] = service_in(via, region)
    else:
        keys.pop("kms:viaservice", None)


def row_of(action: str) -> KmsRules | None:
    """The row of the operation that asks about an action; None when none of AWS's does."""
    return _BY_ACTION.get(ascii_lower(action))
