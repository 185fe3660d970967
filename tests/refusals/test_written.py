"""How a refusal is written down: whoever reads it decides exactly what was decided, or nothing."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from keystead.policy.evaluation.layers import form_of
from keystead.policy.evaluation.question import (
    ApplicablePolicies,
    PolicySource,
    PrincipalPolicies,
    Question,
    RefusedQuestion,
    RequestContext,
)
from keystead.policy.language.document import DocumentKind
from keystead.policy.reasons.explain import explain
from keystead.refusals import written as written_form
from keystead.refusals.written import (
    Document,
    NotARefusal,
    Refusal,
    WrittenRefusal,
    read,
    read_document,
    write,
)
from tests.policy.generators import questions
from tests.policy.support import (
    ALICE,
    KEY,
    USER,
    about_key,
    allow,
    ask,
    ceiling,
    deny,
    key_policy,
    own,
    policy,
    source,
    to,
)

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


def refusal(asked: RefusedQuestion | None) -> Refusal:
    return Refusal("id", NOW, "111122223333", "no", asked)


def about(*actions: str) -> RefusedQuestion:
    """A question of somebody with a policy for each of these actions."""
    return RefusedQuestion(
        Question(ask(), about_key(tuple(own(allow(action)) for action in actions)))
    )


def every_kind() -> ApplicablePolicies:
    """Each kind of policy once, and each of them another document."""
    scp, rcp = DocumentKind.SCP, DocumentKind.RCP
    names = {"Principal": "*"}
    return ApplicablePolicies(
        PrincipalPolicies(
            identity_based=(own(allow("a:*")), own(allow("b:*"))),
            boundary=ceiling(allow("c:*")),
            session=((ceiling(allow("d:*"), kind=DocumentKind.SESSION),),),
            service_control=(
                (ceiling(allow("e:*"), kind=scp),),
                (ceiling(allow("f:*"), kind=scp),),
            ),
        ),
        resource_based=(key_policy(allow("g:*", **to(USER))),),
        grants=(key_policy(allow("h:*", **to(USER))),),
        resource_control=tuple((source(deny(a, **names), kind=rcp),) for a in ("i:*", "j:*")),
        endpoint=source(allow("k:*", **names), kind=DocumentKind.ENDPOINT),
    )


@pytest.mark.parametrize(
    "policies",
    [
        every_kind(),
        ApplicablePolicies(PrincipalPolicies()),
        ApplicablePolicies(PrincipalPolicies(session=())),
        ApplicablePolicies(PrincipalPolicies(), resource_policy_required=True),
        ApplicablePolicies(PrincipalPolicies(), cross_account_allowed=False),
        ApplicablePolicies(PrincipalPolicies(), sessions_always_bound=True),
    ],
)
def test_a_question_is_read_as_it_was_asked(policies: ApplicablePolicies) -> None:
    """Every policy of every kind, where it is attached, and every switch."""
    context = ask(aws__username="alice", aws__tagkeys=("a", "b"))
    asked = RefusedQuestion(
        Question(context, policies), frozenset({"aws:x", "aws:y"}), f"{KEY}/alias"
    )
    written, documents = write(refusal(asked), ())
    again = read(written, documents.__getitem__)
    assert again == replaced(refusal(asked), again)
    assert again.asked is not None
    assert (again.asked.question.context, again.asked.described, again.asked.shown_as) == (
        context, frozenset({"aws:x", "aws:y"}), f"{KEY}/alias",
    )  # fmt: skip
    assert plain(again.asked.question.policies) == plain(policies)


def replaced(written: Refusal, again: Refusal) -> Refusal:
    """The refusal with the question of another: compiled policies cannot be compared."""
    return msgspec.structs.replace(written, asked=again.asked)


def plain(value: Any) -> Any:
    """Policies by their id, for compiled ones cannot be compared."""
    if isinstance(value, PolicySource):
        return value.policy.id, value.id, value.attached_to
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    if isinstance(value, ApplicablePolicies | PrincipalPolicies):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    return value


def test_a_refusal_that_no_policy_decided() -> None:
    """It has its words, and no question."""
    written, documents = write(refusal(None), ())
    assert (documents, written.documents) == ({}, ())
    assert read(written, documents.__getitem__) == refusal(None)


@settings(max_examples=40, deadline=None)
@given(questions())
def test_what_is_read_is_decided_alike(question: tuple[RequestContext, ApplicablePolicies]) -> None:
    """A question that was written down is explained as it was, to the last word."""
    written, documents = write(refusal(RefusedQuestion(Question(*question))), {})
    again = read(written, documents.__getitem__)
    assert again.asked is not None
    assert again.asked.question.context == question[0]
    assert explain(again.asked.question) == explain(Question(*question))


def test_every_part_of_a_question_is_written() -> None:
    """A member that policies get is a member that is written: none can be forgotten."""
    parts = {*ApplicablePolicies.__struct_fields__, *PrincipalPolicies.__struct_fields__}
    for name in parts - {"principal", "ids"}:
        assert form_of(name) in written_form._FORMS
    asked = {*Question.__struct_fields__, *RefusedQuestion.__struct_fields__} - {"question"}
    assert set(written_form._Asked.__struct_fields__) == asked


def test_who_asked_is_read_with_every_name() -> None:
    """With their tags, and whether SCPs bind them: a policy may ask for each of these."""
    who = replace(ALICE, tags={"team": "red"}, service_linked=True)
    written, documents = write(refusal(RefusedQuestion(Question(ask(who), about_key()))), ())
    again = read(written, documents.__getitem__).asked
    assert again is not None
    assert again.question.context.principal == who


# documents


def test_documents_are_named_once_and_written_once() -> None:
    """Each document has one name in a refusal; those that are known are not written again."""
    asked = about("s3:Get*", "s3:Put*", "s3:Get*")
    written, documents = write(refusal(asked), ())
    get, put = written.documents
    assert list(documents) == [get, put]
    assert get == asked.question.policies.principal.identity_based[0].policy.id

    again, new = write(refusal(asked), {get})
    assert list(new) == [put]
    assert again == written


def test_a_document_is_the_text_that_was_compiled() -> None:
    """With its kind, and whom its principals meant; its size is about that of its texts."""
    compiled = policy(allow(**to(USER)), kind=DocumentKind.KEY, principals={USER: "AIDAALICE"})
    asked = RefusedQuestion(Question(ask(), about_key((), (PolicySource(compiled, "default"),))))
    written, documents = write(refusal(asked), ())
    [document] = documents.values()
    assert document == Document(1, DocumentKind.KEY, compiled.text, ((USER, "AIDAALICE"),))
    assert document.size == len(compiled.text) + len(USER) + len("AIDAALICE")
    assert read_document(document.encode()) == document
    again = read(written, documents.__getitem__).asked
    assert again is not None
    assert again.question.policies.resource_based[0].policy.meant == compiled.meant

    [unnamed] = write(refusal(about("s3:*")), ())[1].values()
    assert unnamed.meant is None
    assert unnamed.size == len(unnamed.text)


# what is refused when it is read


def test_another_text_is_not_taken_for_the_one_that_was_evaluated() -> None:
    """A document must be the policy that its id names, whoever gives it."""
    one, its = write(refusal(about("s3:Get*")), {})
    _, others = write(refusal(about("s3:Put*")), {})
    [name], [other] = its, others.values()
    assert read(one, its.__getitem__)
    with pytest.raises(NotARefusal):
        read(one, {name: other}.__getitem__)


def test_the_form_of_version_1_is_fixed() -> None:
    """What was written once can be read: names as they are here, and nothing for what is usual."""
    asked = RefusedQuestion(
        Question(ask(action="s3:Get", resource="r"), ApplicablePolicies(PrincipalPolicies()))
    )
    written, documents = write(refusal(asked), ())
    assert json.loads(written.content) == {
        "version": 1,
        "message": "no",
        "asked": {
            "context": {
                "principal": {
                    "type": "User",
                    "arn": USER,
                    "account": "111122223333",
                    "user_id": "AIDAALICEEXAMPLE1",
                    "unique_id": "AIDAALICEEXAMPLE1",
                    "name": "alice",
                    "principal_arn": "",
                    "issuer_arn": "",
                    "issuer_id": "",
                    "begun_by": "",
                    "service_names": [],
                    "service_linked": False,
                    "organization": "",
                    "organization_path": "",
                    "tags": {},
                },
                "action": "s3:Get",
                "resource": "r",
                "resource_account": "111122223333",
                "keys": {},
            },
            "policies": {},
            "described": [],
            "shown_as": "",
        },
    }
    assert documents == {}
    [document] = write(refusal(about("s3:*")), ())[1].values()
    assert json.loads(document.encode()) == [1, "identity-based policy", document.text, None]


def test_another_version_is_not_guessed_at() -> None:
    """A refusal or a document of a version that this code does not know is refused."""
    written, documents = write(refusal(about("s3:*")), ())
    [(name, document)] = documents.items()
    content = json.loads(written.content)
    assert content.pop("version") == 1
    later = replace_content(written, {**content, "version": 2})
    with pytest.raises(NotARefusal, match="version 2"):
        read(later, documents.__getitem__)
    assert read(replace_content(written, {**content, "version": 1}), documents.__getitem__)
    newer = msgspec.structs.replace(document, version=2)
    with pytest.raises(NotARefusal, match="version 2"):
        read(written, {name: newer}.__getitem__)


def replace_content(written: WrittenRefusal, content: Any) -> WrittenRefusal:
    return msgspec.structs.replace(written, content=json.dumps(content).encode())


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"version":"1"}', b"\xff"])
def test_what_was_never_written_is_refused(content: bytes) -> None:
    """Bytes that are no refusal, or no document, are nothing else either."""
    written, documents = write(refusal(about("s3:*")), ())
    with pytest.raises(NotARefusal):
        read(msgspec.structs.replace(written, content=content), documents.__getitem__)
    with pytest.raises(NotARefusal):
        read_document(content)
