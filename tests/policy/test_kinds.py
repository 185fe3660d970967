"""Which elements each kind of document may, must and must not have (iam.md 4.3; kms.md 10.3)."""

from typing import Any

import pytest

from keystead.policy.language.document import (
    DocumentKind,
    MalformedPolicy,
    compile_policy,
    stored_policy,
)
from tests.policy.support import ACCOUNT, ROOT, allow, deny, text, to

KIND = DocumentKind
STS = {"Effect": "Allow", "Action": "sts:AssumeRole", **to(ROOT)}
USUAL: dict[DocumentKind, dict[str, Any]] = {
    KIND.IDENTITY: {**allow()},
    KIND.BOUNDARY: {**allow()},
    KIND.SESSION: {**allow()},
    KIND.KEY: {**allow(**to(ROOT))},
    KIND.TRUST: STS,
    KIND.RESOURCE: {**allow(**to(ROOT))},
    KIND.ENDPOINT: {**allow(**to(ROOT))},
    KIND.SCP: {**allow()},
    KIND.RCP: {**deny(Principal="*")},
}
HOLDERS = {KIND.IDENTITY, KIND.BOUNDARY, KIND.SESSION}
CONTROL = {KIND.SCP, KIND.RCP}
EVERY = set(KIND)
READS_SIDS = {*HOLDERS, KIND.TRUST, *CONTROL}
NOT_PRINCIPAL = {"Principal": None, "NotPrincipal": {"AWS": ROOT}, "Effect": "Deny"}
SHORT = {KIND.IDENTITY, KIND.BOUNDARY}
ACTIONLESS = {"Action": None}
BEYOND_LATIN = {"Condition": {"StringEquals": {"aws:userid": "\u4e2d"}}}

MAY: list[tuple[str, dict[str, Any], set[DocumentKind]]] = [
    ("what is usual", {}, EVERY),
    ("a principal", {"Principal": "*"}, EVERY - HOLDERS - {KIND.SCP}),
    ("no principal", {"Principal": None}, {*HOLDERS, KIND.SCP, KIND.RESOURCE}),
    ("exempted principals", NOT_PRINCIPAL, {KIND.KEY, KIND.RESOURCE, KIND.ENDPOINT}),
    (
        "a service",
        {"Principal": {"Service": "logs.amazonaws.com"}},
        {KIND.KEY, KIND.TRUST, KIND.RESOURCE, KIND.ENDPOINT},
    ),
    ("an account", {"Principal": {"AWS": ACCOUNT}}, EVERY - HOLDERS - CONTROL),
    ("a provider", {"Principal": {"Federated": "accounts.google.com"}}, {KIND.TRUST}),
    ("a canonical user", {"Principal": {"CanonicalUser": "a" * 64}}, {KIND.RESOURCE}),
    ("no action", ACTIONLESS, set()),
    ("an empty list of actions", {"Action": []}, set()),
    ("no resource", {"Resource": None}, {KIND.TRUST}),
    ("an empty list of resources", {"Resource": []}, set()),
    ("a resource", {"Resource": "*"}, EVERY - {KIND.TRUST}),
    ("what is no ARN", {"Resource": "key"}, {KIND.RESOURCE}),
    ("an ARN of a service", {"Resource": "arn:aws:kms"}, SHORT | {KIND.RESOURCE}),
    (
        "an ARN that ends in `*`",
        {"Resource": "arn:aws:kms:*"},
        SHORT | {KIND.KEY, KIND.RESOURCE, KIND.ENDPOINT},
    ),
    (
        "what is no ARN of IAM",
        {"Resource": "arn:aws:iam::111122223333:nobody"},
        EVERY - HOLDERS - {KIND.TRUST},
    ),
    ("a Sid with blanks", {"Sid": "For all of us"}, EVERY - READS_SIDS),
    ("other alphabets", BEYOND_LATIN, {KIND.RESOURCE, KIND.ENDPOINT, KIND.SCP, KIND.RCP}),
]


def accepted(kind: DocumentKind, *statements: dict[str, Any], version: str = "2012-10-17") -> bool:
    try:
        compile_policy(text(*statements, version=version), kind)
    except MalformedPolicy:
        return False
    return True


@pytest.mark.parametrize("kind", KIND)
@pytest.mark.parametrize(("elements", "may"), [one[1:] for one in MAY], ids=[one[0] for one in MAY])
def test_elements(kind: DocumentKind, elements: dict[str, Any], may: set[DocumentKind]) -> None:
    """The usual statement of a kind, with one thing changed, is accepted or refused."""
    statement = {**USUAL[kind], **elements}
    written = {name: value for name, value in statement.items() if value is not None}
    assert accepted(kind, written) is (kind in may)


@pytest.mark.parametrize("kind", KIND)
def test_versions(kind: DocumentKind) -> None:
    """IAM's policies and RCPs are of the newer version, all others may be of the older."""
    assert accepted(kind, USUAL[kind], version="2008-10-17") is (kind not in {*HOLDERS, KIND.RCP})


@pytest.mark.parametrize("kind", KIND)
def test_sids(kind: DocumentKind) -> None:
    """Where they are read, no two statements have the same."""
    twice = {**USUAL[kind], "Sid": "A"}
    assert accepted(kind, twice, twice) is (kind not in READS_SIDS)
    assert accepted(kind, twice, {**twice, "Sid": "B"})


@pytest.mark.parametrize("kind", KIND)
def test_one_sentence_for_everything(kind: DocumentKind) -> None:
    """Organizations says of every document that it does not meet the requirements."""
    with pytest.raises(MalformedPolicy) as refused:
        compile_policy("{}", kind)
    assert ("does not meet the requirements" in refused.value.message) is (kind in CONTROL)


@pytest.mark.parametrize("kind", [KIND.KEY, KIND.RESOURCE])
def test_what_is_stored_and_matches_nothing(kind: DocumentKind) -> None:
    """An old key policy may lack actions and resources, another resource's policy principals."""
    lacking = {KIND.KEY: ("Action", "Resource"), KIND.RESOURCE: ("Principal",)}[kind]
    for name in lacking:
        element = {key: value for key, value in USUAL[kind].items() if key != name}
        (statement,) = stored_policy(text(element), kind).statements
        assert statement.void == f"it has no {name}"
    (statement,) = stored_policy(text(USUAL[kind]), kind).statements
    assert statement.void == ""
