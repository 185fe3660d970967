"""What each KMS operation needs, held against the tables of the reference (kms.md 3, 7, 10)."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from keystead.custody.material import VERBS, Verb
from keystead.kms import states, usage
from keystead.kms.call import KmsCall
from keystead.kms.rules import KMS
from keystead.kms.states import Cell, KeyState
from keystead.wire.models import kms as api
from tests.kms.world import Kms

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "kms.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading of the page, without its head."""
    section = re.split(r"\n##", PAGE.split(heading, 1)[1], maxsplit=1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in lines[2:]]


CATALOGUE = {cells[0]: cells for cells in rows("## 3. Operation catalogue")}
"""Operation, required and optional input, output, DryRun, GrantTokens, key form, X-acct, errors."""


def test_every_operation_has_its_row() -> None:
    """The table has AWS's 56 operations, in the order of their names, and so has the page."""
    assert list(KMS) == sorted(api.OPERATIONS)
    assert set(KMS) == set(CATALOGUE)


ACTIONS = {cells[0]: cells for cells in rows("### 10.5 Action table")}
"""Action, access level, resource types, kinds of policies, CallerAccount and ViaService, keys."""

CODES: Mapping[Cell, set[str]] = {
    states.disabled: {"1"},
    states.pending_deletion: {"3", "8", "10"},
    states.not_pending_deletion: {"4"},
    states.pending_import: {"5"},
    states.unavailable: {"11"},
    states.creating: {"14"},
    states.updating: {"15"},
    states.no_import: {"8", "9"},  # which of them depends on where the key's material comes from
}
"""The codes of the refusals in the table of key states."""

OF_ORIGIN = {"6", "7", "8", "9"}
"""Its codes for what depends on where the key's material comes from."""


def lines() -> dict[str, list[str]]:
    """The cells of each operation in the table of key states."""
    found: dict[str, list[str]] = {}
    for name, *cells in rows("## 7. Key states"):
        written = name.replace("…WithoutPlaintext", "GenerateDataKeyPairWithoutPlaintext")
        found |= {one: cells for one in re.findall(r"[A-Z][A-Za-z]+", written) if one in KMS}
    return found


LINES = lines()
COLUMNS = (
    KeyState.ENABLED, KeyState.DISABLED, KeyState.PENDING_DELETION, KeyState.PENDING_IMPORT,
    KeyState.UNAVAILABLE, KeyState.CREATING, KeyState.UPDATING,
)  # fmt: skip


@pytest.mark.parametrize("name", LINES)
def test_states(name: str) -> None:
    """A cell allows or refuses as AWS's table does, and with the refusal of its code."""
    for state, written in zip(COLUMNS, LINES[name], strict=True):
        cell = KMS[name].states[state]
        if written.startswith(("✗", "?10")):  # 10: the row of UpdateAlias is about the new key
            codes = set(re.findall(r"[0-9]+", written))
            assert cell is not None, state
            if cell is states.wrong_origin:
                assert codes & OF_ORIGIN, state
            else:
                assert CODES[cell] & codes, state
        elif written.startswith(("✓", "?")):  # "?": it depends on more than the state
            assert cell is None, state
        else:  # AWS: not possible, because no such key can be in this state; we refuse
            assert written == "N/A", state
            assert cell in {states.unavailable, states.wrong_origin}, state


def test_operations_on_keys_have_states() -> None:
    """Whatever is about a key has a cell for every state, and nothing else has any."""
    without = {name for name, row in KMS.items() if row.states is states.NO_KEY}
    assert without == {
        "CreateKey", "ListKeys", "ListRetirableGrants", "GenerateRandom",
        "ConnectCustomKeyStore", "CreateCustomKeyStore", "DeleteCustomKeyStore",
        "DescribeCustomKeyStores", "DisconnectCustomKeyStore", "UpdateCustomKeyStore",
    }  # fmt: skip
    assert set(LINES) | {"GetKeyLastUsage"} == set(KMS) - without
    assert all(set(KMS[name].states) == set(KeyState) for name in set(KMS) - without)


@pytest.mark.parametrize("name", KMS)
def test_keys_by_alias(name: str) -> None:
    """A key may be named by an alias where the catalogue says so."""
    assert KMS[name].by_alias is (CATALOGUE[name][6] == "K+A")
    assert KMS[name].sets_alias is ("TargetKeyId" in CATALOGUE[name][1])


@pytest.mark.parametrize("name", KMS)
def test_callers_account(name: str) -> None:
    """Decisions have `kms:CallerAccount` where the table of actions says so, or nothing yet."""
    for action in KMS[name].asks:
        told = ACTIONS[action.removeprefix("kms:")][4]
        assert KMS[name].of_caller is (told in {"CV", "C", "?"}), action


def test_what_custody_does_for_each() -> None:
    """The row of an operation tells its verbs; three actions are work that nobody asks for."""
    told = {name: row.verbs for name, row in KMS.items() if row.verbs}
    encrypts = {name for name in KMS if name.startswith("GenerateDataKey")} | {"Encrypt"}
    assert told == {
        **{name: {Verb.ENCRYPT} for name in encrypts},
        "CreateKey": {Verb.CREATE},
        "Decapsulate": {Verb.DECAPSULATE},
        "ReplicateKey": {Verb.CREATE},  # it asks about kms:CreateKey, and makes no material
        "Decrypt": {Verb.DECRYPT},
        "DeleteImportedKeyMaterial": {Verb.DELETE_IMPORTED},
        "DeriveSharedSecret": {Verb.AGREE},
        "Encapsulate": {Verb.ENCAPSULATE},
        "GenerateMac": {Verb.MAC},
        "GetParametersForImport": {Verb.WRAP},
        "GetPublicKey": {Verb.PUBLIC_KEY},
        "ImportKeyMaterial": {Verb.IMPORT},
        "ReEncrypt": {Verb.DECRYPT, Verb.ENCRYPT},
        "RotateKeyOnDemand": {Verb.ROTATE},
        "Sign": {Verb.SIGN},
        "Verify": {Verb.VERIFY},
        "VerifyMac": {Verb.VERIFY_MAC},
    }
    asked = {action for row in KMS.values() for action in row.asks}
    assert set(VERBS) - asked == {
        "kms:DeleteExpiredKeyMaterial", "kms:DeleteKey", "kms:RotateKey",
    }  # fmt: skip


@pytest.mark.parametrize("name", KMS)
def test_pages(name: str) -> None:
    """Operations with a `Limit` have sizes of pages (kms.md 1), and no others."""
    pages = KMS[name].pages
    assert (pages is not None) is (" Limit" in f" {CATALOGUE[name][2]}")
    if pages is not None:
        [told] = [cells for cells in rows("## 1. Wire protocol") if name in cells[0].split(", ")]
        assert re.findall(r"[0-9]+", told[1]) == ["1", str(pages.most)]
        assert told[2] in {str(pages.default), "not stated"}


def test_every_usage_has_its_operations() -> None:
    """Keys of each usage do something, and only cryptographic operations are about usages."""
    usages = {key[1] for row in KMS.values() for key in row.use.keys}
    assert usages == {one for row in usage.ALGORITHMS.values() for one in row}
    assert all(row.by_alias for row in KMS.values() if row.use is not usage.NONE)


@pytest.mark.parametrize("name", KMS)
def test_across_accounts(name: str) -> None:
    """An operation works on a key of another account when the catalogue says so."""
    assert KMS[name].across_accounts is (CATALOGUE[name][7] == "Y")


def test_answers_that_records_show() -> None:
    """Records show the answers of five operations, as CloudTrail does (kms.md 22.2)."""
    shown = {name for name, row in KMS.items() if row.answer_recorded}
    told = {"CancelKeyDeletion", "CreateGrant", "CreateKey", "ReplicateKey", "ScheduleKeyDeletion"}
    assert shown == told
    assert not any(KMS[name].operation.read_only for name in shown)


def test_an_operation_asks_about_its_own_actions(
    admin: Kms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question about an action that the row does not list is our bug; its twin is answered."""
    key = admin.key()
    admin.describe_key(KeyId=key)
    other = KMS["GetKeyPolicy"]
    monkeypatch.setattr(KmsCall, "rules", property(lambda _: other))
    with pytest.raises(RuntimeError, match="DescribeKey does not ask about kms:DescribeKey"):
        admin.describe_key(KeyId=key)
