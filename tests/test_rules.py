"""Which facts has each operation?  One row for each, in the table of its service.

What the rows of KMS say is held against the reference in `tests/kms/test_rules.py`.
"""

import pytest

import keystead.identity.analyzer
import keystead.identity.anywhere
import keystead.identity.iam
import keystead.identity.instances
import keystead.identity.organizations
import keystead.identity.sts
import keystead.kms.operations
import keystead.network
import keystead.trails
from keystead.identity.signin import SIGNIN
from keystead.policy.evaluation import open_to_everybody
from keystead.policy.language.published import ACTIONS
from keystead.registry import implementation, implemented
from keystead.rules import EVERY_KIND, SERVICES_TOO, CredentialKind, Rules, table
from keystead.server.pipeline.open_operations import OPEN
from keystead.wire.models import kms
from tests.condition_keys import BY_PROOF, FOR_SERVICES, TABLES
from tests.matrix import published
from tests.rules import RULES

# The operations register themselves when their modules are imported.
REGISTERED = (
    keystead.identity.analyzer,
    keystead.identity.anywhere,
    keystead.identity.iam,
    keystead.identity.instances,
    keystead.identity.organizations,
    keystead.identity.sts,
    keystead.kms.operations,
    keystead.network,
    keystead.trails,
)
# kms.md 10.5 and iam.md 1.8 have these, the list of 2026 that policies are checked by does not.
NOT_PUBLISHED = {
    "AcquireRole", "Decapsulate", "Encapsulate", "GetAccountProperties",
    "GetKeyLastUsage",
    "GetRoleTemplateVersion", "GetScopedCredentials", "PutAccountProperties",
    "UpdateDelegationRequest", "UpdateOpenIDConnectProvider",
}  # fmt: skip
SERVED = [(one.operation.service.name, one.operation.name) for one in implemented()]
ROWS = [(service, name) for service, rows in RULES.items() for name in rows]


@pytest.mark.parametrize(("service", "name"), SERVED)
def test_what_is_served_has_a_row(service: str, name: str) -> None:
    """Every operation that is served has its row, about the operation of the model."""
    served = implementation(service, name)
    assert served is not None
    assert RULES[service][name].operation is served.operation


@pytest.mark.parametrize(("service", "name"), ROWS)
def test_rows_are_about_operations(service: str, name: str) -> None:
    """A row is about an operation of its service, and asks about published actions."""
    row = RULES[service][name]
    assert (row.operation.service.name, row.operation.name) == (service, name)
    if service == "keystead":  # our own, and published nowhere
        return
    for action in row.asks:
        prefix, _, asked = action.partition(":")
        known = {*ACTIONS.get(prefix, "").split(), *NOT_PUBLISHED}
        assert asked in known or published.is_published(action), action


@pytest.mark.parametrize(("service", "name"), SERVED)
def test_rows_say_what_is_asked(service: str, name: str) -> None:
    """An operation asks about the actions of its row: those of the table of condition keys.

    What is open to everybody is never refused, and so it is not there.
    """
    if (service, name) in FOR_SERVICES:
        return
    asked = {row.action_of(service) for row in TABLES[service] if row.operation == name}
    asks = RULES[service][name].asks
    if (service, name) in BY_PROOF:
        asks = ()
    assert {one for one in asks if not open_to_everybody(one.lower())} == asked


def test_iam_never_works_across_accounts() -> None:
    """Of IAM, STS and Access Analyzer only two operations work on another account's resource."""
    rows = [row for service in ("iam", "sts", "access-analyzer") for row in RULES[service].values()]
    assert [row.operation.name for row in rows if row.across_accounts] == [
        "AssumeRole", "AssumeRoot",
    ]  # fmt: skip


def test_only_who_am_i_asks_nothing() -> None:
    """GetCallerIdentity answers every authenticated caller, and nothing else does (iam.md 2.4)."""
    open_to_all = [name for rows in RULES.values() for name, row in rows.items() if not row.asks]
    assert set(open_to_all) == {"GetCallerIdentity", "EnrolAgent"}  # the second has a proof


def test_answers_that_are_recorded() -> None:
    """An answer is recorded when it tells what was changed, or which session was issued."""
    assert not RULES["kms"]["Encrypt"].answer_recorded
    assert not RULES["iam"]["GetUser"].answer_recorded
    assert RULES["iam"]["CreateUser"].answer_recorded
    assert RULES["sts"]["GetSessionToken"].answer_recorded
    assert RULES["sts"]["GetScopedCredentials"].answer_recorded


def test_what_each_kind_of_credential_may_call() -> None:
    """The table of iam.md 2.7: of IAM a few kinds may call all, of STS some may call a few."""
    kinds = CredentialKind
    of_iam = {row.credentials for row in RULES["iam"].values()}
    may = {
        kinds.USER_KEY, kinds.ROOT_KEY, kinds.SESSION_WITH_MFA, kinds.ROLE, kinds.ROOT_TASK,
        kinds.CONSOLE, kinds.CONSOLE_ROOT, kinds.CONSOLE_ROLE, kinds.LOGIN, kinds.LOGIN_ROOT,
    }  # fmt: skip
    assert of_iam == {frozenset(may)}
    for service, taken in (("kms", SERVICES_TOO), ("access-analyzer", EVERY_KIND)):
        assert {row.credentials for row in RULES[service].values()} == {taken}
    of_sts = {
        kind: {name for name, row in RULES["sts"].items() if kind in row.credentials}
        for kind in kinds
    }
    unsigned = {"AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"}
    every = set(RULES["sts"]) - {"GetScopedCredentials"} - unsigned
    who = {"GetCallerIdentity", "GetScopedCredentials"}
    assert of_sts == {
        kinds.USER_KEY: every,
        kinds.ROOT_KEY: every - {"AssumeRole", "AssumeRoot"},
        kinds.ROLE: every - {"GetSessionToken", "GetFederationToken"} | who,
        kinds.SESSION: {"AssumeRole", *who},
        kinds.SESSION_WITH_MFA: {"AssumeRole", *who},
        kinds.ROOT_SESSION: who,
        kinds.ROOT_TASK: {"GetCallerIdentity"},
        kinds.FEDERATION: who,
        kinds.CONSOLE: {"GetCallerIdentity"},
        kinds.LOGIN: {"AssumeRole", *who},
        kinds.LOGIN_ROOT: who,
        kinds.CONSOLE_ROOT: {"GetCallerIdentity"},
        kinds.CONSOLE_ROLE: {"GetCallerIdentity"},
        kinds.PROOF: unsigned,
        kinds.SERVICE: {"AssumeRole", "GetCallerIdentity"},
        kinds.FORWARDED: {"GetCallerIdentity"},
    }


def test_what_is_open_without_a_signature() -> None:
    """The list is that of AWS's model and of sign-in, and nobody who signs may ask it (AU-1)."""
    every = {**RULES, "signin": SIGNIN}
    unsigned = {
        (service, name)
        for service, rows in every.items()
        for name, row in rows.items()
        if not row.operation.signed
    }
    assert set(OPEN) == unsigned
    assert set(BY_PROOF) == {each for each in unsigned if each[0] != "signin"}
    for service, name in OPEN:
        assert every[service][name].credentials == {CredentialKind.PROOF}


def test_an_operation_has_one_row() -> None:
    """A second row for an operation is a defect that stops the start."""
    with pytest.raises(RuntimeError):
        table(Rules(kms.Encrypt), Rules(kms.Encrypt))
    assert list(table(Rules(kms.Encrypt), Rules(kms.Decrypt))) == ["Encrypt", "Decrypt"]
