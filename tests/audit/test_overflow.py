"""What is left out of a record that is too long, and what never is; and that both take no time."""

import json
import time
from typing import Any

import pytest

from keystead.audit.records import lines
from keystead.audit.records.event import Event
from keystead.audit.records.record import Recorder
from keystead.policy.evaluation.decision import DecidingStatement, Decision, Outcome, PolicyKind
from tests.audit.world import ALICE, KEY_ARN, TAGS, encrypt

LONG: dict[str, Any] = {
    "user_agent": "U" * 15_900,
    "host": "h" * 15_900,
    "secure": True,
    "error_code": "AccessDenied",
    "error_message": "m" * 15_900,
}


def written(event: Event) -> dict[str, Any]:
    """The event as a reader of the log gets it."""
    line, _ = lines.write(Recorder("0" * 24).record(event, 7), 7, TAGS, changed=False)
    assert len(line) <= lines.LIMIT
    found: dict[str, Any] = json.loads(line)["event"]
    return found


def cpu_seconds(event: Event) -> float:
    """What writing a record costs; the least of five, because others use the machine, too."""
    spent = []
    for _ in range(5):
        started = time.thread_time()
        written(event)
        spent.append(time.thread_time() - started)
    return min(spent)


def test_nothing_unsigned_pushes_out_what_was_asked() -> None:
    """A long User-Agent, Host or message goes before what was asked, by whom and how it ended."""
    asked = {"policyDocument": "d" * 2_000}
    usual = written(encrypt(request_parameters=asked))
    found = written(encrypt(request_parameters=asked, **LONG))

    assert found["requestParameters"] == asked
    assert found["userIdentity"] == usual["userIdentity"]
    assert found["keystead"]["decisions"] == usual["keystead"]["decisions"]
    for name in ("userAgent", "errorMessage", "tlsDetails"):
        assert found[name]["omitted"] is True


def test_what_fits_stays_as_it_is() -> None:
    """A User-Agent that leaves room for the rest is recorded as it came."""
    assert written(encrypt(user_agent="U" * 9_000))["userAgent"] == "U" * 9_000


def test_decisions_stay_when_their_statements_do_not_fit() -> None:
    """Of too many statements that decided, the decision stays."""
    statement = DecidingStatement(PolicyKind.IDENTITY, "own", ALICE.arn, 0, "s" * 100, "Deny")
    denied = Decision(
        Outcome.EXPLICITLY_DENIED, ALICE.arn, "kms:Encrypt", KEY_ARN, PolicyKind.IDENTITY,
        (statement,) * 100,
    )  # fmt: skip
    event = written(encrypt(decisions=[denied]))
    [decision] = event["keystead"]["decisions"]

    assert (decision["action"], event["resources"][0]["ARN"]) == ("kms:Encrypt", KEY_ARN)
    assert decision["outcome"] == denied.outcome.value
    assert decision["statements"]["omitted"] is True


@pytest.mark.parametrize("text", ["é", "éa", 'é"', "é\\", "\U0001f600", "\x7f", "\x01é", "a"])
def test_writing_takes_time_linear_in_the_text(text: str) -> None:
    """No text that a caller may choose makes a record slow to write: it is escaped in C."""

    def seconds(length: int) -> float:
        return cpu_seconds(encrypt(request_parameters={"text": (text * length)[:length]}))

    # Eight times as long: eight times the time, or sixty-four times if it were quadratic.
    assert seconds(800_000) < 24 * seconds(100_000)


def test_each_member_is_measured_once() -> None:
    """Leaving out many members takes time linear in their number."""

    def seconds(count: int) -> float:
        return cpu_seconds(encrypt(request_parameters={str(n): "x" * 200 for n in range(count)}))

    assert seconds(8_000) < 24 * seconds(1_000)  # as above


@pytest.mark.parametrize("value", [2**70, -1, 2**63, 0.1, 1e300, True, None, ["é"], {"é": {}}])
def test_values_beside_a_strange_text_stay_themselves(value: Any) -> None:
    """That a text has to be escaped changes nothing else."""
    asked = {"text": "é\x7f\U0001f600", "value": value}

    assert written(encrypt(request_parameters=asked))["requestParameters"] == asked
