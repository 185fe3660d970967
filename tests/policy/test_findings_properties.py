"""What is true of the findings of every document: bounds, and agreement with what is stored."""

import json
from time import thread_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keystead.policy.findings.checks.actions import exists
from keystead.policy.findings.examine import checked, findings, is_trust_policy
from keystead.policy.findings.json_tree import NotJson, read
from keystead.policy.findings.messages.issues import Type
from keystead.policy.findings.report import MOST
from keystead.policy.language.document import (
    DocumentKind,
    MalformedPolicy,
    compile_policy,
    is_too_long,
)
from keystead.policy.language.grammar import DEEPEST
from keystead.strictjson import NotStrictJson, loads
from tests.models import service_model
from tests.policy.documents import KINDS, anything, changed, documents, odd
from tests.policy.issue_examples import BASES, IDENTITY, TRUST, document


def test_a_document_of_nothing_but_mistakes() -> None:
    """The number of findings is bounded, and an error is among them."""
    text = json.dumps({"Version": "2012-10-17", "Statement": list(range(5000))})
    found = findings(text, IDENTITY)
    assert len(found) == MOST
    late = {"Sid": 7, **BASES[IDENTITY]}
    text = json.dumps(
        {"Version": "2012-10-17", "Statement": [*([{**late, "Sid": ""}] * 2000), late]}
    )
    assert any(one.type is Type.ERROR for one in findings(text, IDENTITY))


STAR = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}
ASSUMED = {"Effect": "Allow", "Principal": {"AWS": ["1"] * 4000}}
TAGS = {"StringEquals": {f"aws:RequestTag/{number}": "x" for number in range(350)}}
CONTEXT = {"StringEquals": {f"kms:EncryptionContext:{number}": "x" for number in range(400)}}
WIDE: dict[str, list[Any]] = {
    "open variables": [{**STAR, "Resource": "arn:aws:s3:::" + "${*" * 12_000}],
    "patterns": [{**STAR, "Action": [f"iam:*x{number}?y*" for number in range(2_300)]}],
    "values": [{**STAR, "Condition": {"StringEquals": {"aws:username": ["*"] * 7_500}}}],
    "principals": [{**ASSUMED, "Action": ["sts:AssumeRoleWithSAML"] * 600}],
    "tags": [{**ASSUMED, "Action": [f"sts:A{i}" for i in range(600)], "Condition": TAGS}],
    "contexts": [{**STAR, "Action": ["kms:DisableKey"] * 1_200, "Condition": CONTEXT}],
    "statements": [STAR] * 500,
}


@pytest.mark.parametrize("name", WIDE)
@pytest.mark.parametrize("kind", [IDENTITY, TRUST])
def test_time_is_bounded(kind: DocumentKind, name: str) -> None:
    """No document that fits into a request takes long: a fiftieth of this, as a rule."""
    text = json.dumps({"Version": "2012-10-17", "Statement": WIDE[name]})
    assert len(text) < 40_000
    started = thread_time()
    assert findings(text, kind)
    assert thread_time() - started < 4


@pytest.mark.parametrize(
    ("service", "model"),
    [("kms", "kms"), ("iam", "iam"), ("sts", "sts"), ("organizations", "organizations"),
     ("access-analyzer", "accessanalyzer")],
)  # fmt: skip
def test_every_operation_is_an_action(service: str, model: str) -> None:
    """What botocore knows of a service is known; ReEncrypt is two actions of other names."""
    operations = service_model(model).operation_names
    unknown = {name for name in operations if not exists(f"{service}:{name}".lower())}
    assert unknown == ({"ReEncrypt"} if service == "kms" else set())


# One source of truth: what a write refuses, and what is found


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_what_is_refused_has_an_error(data: st.DataObject) -> None:
    """A document in which the checks find no error can be stored as that kind."""
    kind = data.draw(st.sampled_from(KINDS))
    text = data.draw(changed(kind) | odd(kind))
    if any(finding.type is Type.ERROR for finding in checked(text, kind)):
        return
    compile_policy(text, kind)
    assert not is_too_long(text, kind)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_can_be_stored_can_be_clean(kind: DocumentKind, data: st.DataObject) -> None:
    """Good documents of every kind have no errors, but for conditions on what is not set."""
    text = json.dumps(data.draw(documents(kind)))
    compile_policy(text, kind)
    found = {one.code for one in findings(text, kind) if one.type is Type.ERROR}
    assert found <= {
        "MISSING_ACTION_FOR_CONDITION_KEY",
        "UNSUPPORTED_ACTION_FOR_CONDITION_KEY",
        "UNSUPPORTED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL",
    }


def test_the_validation_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should every check miss it, the reason of the refusal is the finding."""
    monkeypatch.setattr("keystead.policy.findings.examine._CHECKS", ())
    text = document(IDENTITY, {"Sid": "a b"}, Id="bad")
    with pytest.raises(MalformedPolicy) as refused:
        compile_policy(text, IDENTITY)
    (found,) = findings(text, IDENTITY)
    assert found.type is Type.ERROR
    assert found.details == f"The policy element ({refused.value.detail}) is not valid."
    [whole] = found.locations
    assert (whole.path, whole.start.offset, whole.end.offset) == ((), 0, len(text))
    assert findings(document(IDENTITY, {}, Id="good"), IDENTITY) == ()


JSON_PIECES = ["{", "}", "[", "]", ":", ",", "1", "-0.5e3", "true", "null", " ", "\n", "\\", "NaN"]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(JSON_PIECES), max_size=12).map("".join))
def test_the_reader_takes_what_the_strict_parser_takes(text: str) -> None:
    """Two readers, one language."""
    try:
        expected = loads(text, max_depth=DEEPEST)
    except NotStrictJson:
        with pytest.raises(NotJson):
            read(text)
    else:
        assert read(text).plain() == expected


@pytest.mark.parametrize("text", ["[true,false,null,-0.5e3,0]", ' \n{"a": [ ] , "b":"\\u0041"}\t'])
def test_every_kind_of_value_is_read(text: str) -> None:
    """With blanks around it and within."""
    root = read(text)
    assert root.plain() == loads(text)
    assert text[root.start : root.end] == text.strip()


@pytest.mark.parametrize("depth", [DEEPEST, DEEPEST + 1])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_the_reader_is_as_deep_as_the_grammar(depth: int, opening: str, closing: str) -> None:
    text = opening * depth + ("1" if closing == "}" else "") + closing * depth
    if depth == DEEPEST:
        assert read(text).plain() == loads(text, max_depth=DEEPEST)
    else:
        with pytest.raises(NotJson):
            read(text)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_document_is_looked_at(data: st.DataObject) -> None:
    """Whatever stands where: findings with places inside of the text, and no reason left over."""
    kind = data.draw(st.sampled_from([*KINDS, DocumentKind.RESOURCE]))
    text = data.draw(anything())
    resource_type = data.draw(st.sampled_from(["", "AWS::S3::Bucket", "AWS::DynamoDB::Table"]))
    is_trust_policy(text)
    for found in findings(
        text, kind, resource_type=resource_type, any_key=data.draw(st.booleans())
    ):
        assert not found.details.startswith("The policy element (")
        for one in found.locations:
            assert 0 <= one.start.offset <= one.end.offset <= len(text)
