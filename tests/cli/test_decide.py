"""`keystead decide`: the engine without an installation."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.conftest import BIN
from tests.patience import PATIENCE

ALICE, KEY = "arn:aws:iam::111122223333:user/alice", "arn:aws:kms:eu-central-1:111122223333:key/1"


def statement(effect: str = "Allow", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": "kms:Encrypt", "Resource": "*", **more}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def line(**more: Any) -> dict[str, Any]:
    account = {"AWS": "arn:aws:iam::111122223333:root"}
    return {
        "principal": ALICE,
        "action": "kms:Encrypt",
        "resource": KEY,
        "resourcePolicy": document(statement(Principal=account)),
        **more,
    }


def decide(*lines: object, explain: bool = False) -> list[dict[str, Any]]:
    """The answers to these lines."""
    given = "".join(f"{json.dumps(each)}\n" for each in lines)
    ran = subprocess.run(
        [BIN / "keystead", "decide", *(["--explain"] if explain else [])],
        input=given, capture_output=True, text=True, check=True, timeout=PATIENCE,
    )  # fmt: skip
    return [json.loads(each) for each in ran.stdout.splitlines()]


def test_three_decisions() -> None:
    """One line each for allowed, not allowed and denied, in the order of the questions."""
    allowed, nothing, denied = decide(
        line(id=1, identityPolicies=[document(statement())]),
        line(id=2),
        line(id=3, identityPolicies=[document(statement(), statement("Deny", Sid="never"))]),
    )
    assert (allowed["id"], allowed["decision"]) == (1, "Allowed")
    assert (nothing["id"], nothing["decision"]) == (2, "ImplicitlyDenied")
    assert (denied["id"], denied["decision"]) == (3, "ExplicitlyDenied")
    assert denied["statements"][0]["sid"] == "never"


def test_a_role_stands_for_its_sessions() -> None:
    """What is given to a role is bounded by the boundary and session policy of its sessions."""
    role = "arn:aws:iam::111122223333:role/app/Reader"
    named = document(statement(Principal={"AWS": role}))
    other = document(statement(Action="s3:*"))
    asked = {"principal": role, "resourcePolicy": named}
    allowed, bounded, session = decide(
        line(**asked), line(**asked, boundary=other), line(**asked, sessionPolicy=other)
    )
    assert allowed["decision"] == "Allowed"
    assert (bounded["decision"], bounded["kind"]) == ("ImplicitlyDenied", "permissions boundary")
    assert (session["decision"], session["kind"]) == ("ImplicitlyDenied", "session policy")


def test_what_could_not_be_stored_is_an_error() -> None:
    """A bad document is named on its own line; the next line is answered all the same."""
    bad, good = decide(
        line(id="bad", identityPolicies=[document(statement(Effect="allow"))]),
        line(id="good", identityPolicies=[document(statement())]),
    )
    assert bad["error"]
    assert "decision" not in bad
    assert good["decision"] == "Allowed"


def test_trace_on_demand() -> None:
    """Every step is told with --explain, and only then."""
    asked = line(id=1, identityPolicies=[document(statement())])
    assert "trace" not in decide(asked)[0]
    steps = [finding["step"] for finding in decide(asked, explain=True)[0]["trace"]]
    assert steps[0].startswith("1 ")
    assert any(step.startswith("6 ") for step in steps)


def test_a_line_that_is_no_question(tmp_path: Path) -> None:
    """Text that is not JSON is an error on its line, from a file too."""
    file = tmp_path / "questions.jsonl"
    file.write_text("not json\n\n")
    ran = subprocess.run(
        [BIN / "keystead", "decide", file],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    [answer] = [json.loads(each) for each in ran.stdout.splitlines()]
    assert answer["error"]


def test_bulk_is_answered_in_order() -> None:
    """What several processes share comes back in the order in which it was asked."""
    longer = {"app:Padding": "x" * 8000}  # a few hundred lines are more than one process takes
    questions = [
        line(
            id=i,
            context=longer,
            identityPolicies=[document(statement("Allow" if i % 3 else "Deny"))],
        )
        for i in range(400)
    ]

    answers = decide(*questions)

    assert [answer["id"] for answer in answers] == list(range(400))
    assert [answer["decision"] for answer in answers] == [
        "Allowed" if i % 3 else "ExplicitlyDenied" for i in range(400)
    ]


def test_one_line_is_answered_before_the_next_comes() -> None:
    """Who asks one question at a time gets one answer at a time."""
    with subprocess.Popen(
        [BIN / "keystead", "decide"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in (1, 2):
            process.stdin.write(json.dumps(line(id=number)).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == number
        process.stdin.close()
        assert process.wait(timeout=PATIENCE) == 0
