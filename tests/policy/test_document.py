"""Compiled documents: what they are known by, and how their size is counted."""

import ast
from pathlib import Path

import pytest

from keystead import policy as room
from keystead.policy.language.condition_keys import KNOWN, family, is_supplied
from keystead.policy.language.document import (
    GREATEST_SIZES,
    GROUP_POLICIES_SIZE,
    MANAGED_POLICY_SIZE,
    ROLE_POLICIES_SIZE,
    SESSION_POLICY_SIZE,
    TRUST_POLICY_SIZE,
    USER_POLICIES_SIZE,
    DocumentKind,
    MalformedPolicy,
    compile_policy,
    document_size,
    is_too_long,
    named_principals,
    stored_policy,
)
from tests.policy.support import ACCOUNT, ROOT, USER, allow, text, to

DOCUMENT = text(allow(**to(USER)))


def test_an_id_is_of_all_that_the_meaning_depends_on() -> None:
    """The same text with other principals, or of another kind, is another policy."""
    kind = DocumentKind.KEY
    policies = [
        compile_policy(DOCUMENT, kind),
        compile_policy(DOCUMENT, kind, {USER: "AIDAALICEEXAMPLE1"}),
        compile_policy(DOCUMENT, kind, {USER: "AIDAALICEAGAIN123"}),
        compile_policy(DOCUMENT, DocumentKind.RESOURCE),
        compile_policy(DOCUMENT + " ", kind),
    ]
    assert len({policy.id for policy in policies}) == len(policies)


def test_a_document_that_is_only_asked_about_is_not_kept() -> None:
    """It is compiled anew each time; its id is the same, however its principals are ordered."""
    document = text(allow(Principal={"AWS": [USER, ROOT]}))
    kind = DocumentKind.KEY
    ids = {USER: "AIDAALICEEXAMPLE1", ROOT: ACCOUNT}
    other = dict(reversed(ids.items()))
    first, second = compile_policy(document, kind, ids), compile_policy(document, kind, other)
    assert first is not second
    assert first.id == second.id
    assert compile_policy(document, kind, ids).text is document


def test_a_refused_document_is_refused_again() -> None:
    """A refusal is not forgotten, and neither is that an installation accepts any key."""
    document = text(allow(Condition={"Bool": {"aws:ChatbotSourceArn": "true"}}))
    kind = DocumentKind.IDENTITY
    for _ in range(2):
        with pytest.raises(MalformedPolicy):
            compile_policy(document, kind)
        assert compile_policy(document, kind, accept_unsupported_condition_keys=True)


def test_a_broken_policy_says_why() -> None:
    """Whoever reads it from the store can raise the alarm."""
    broken = stored_policy("{", DocumentKind.KEY)
    assert "JSON" in broken.broken
    assert broken.text == "{"
    assert not stored_policy(DOCUMENT, DocumentKind.KEY).broken
    assert stored_policy(DOCUMENT, DocumentKind.KEY, {}).broken


def test_principals_of_no_policy() -> None:
    """Whoever resolves principals first hears the sentence of the kind."""
    with pytest.raises(MalformedPolicy, match="Syntax errors"):
        named_principals("{")
    with pytest.raises(MalformedPolicy, match="invalid Json"):
        named_principals("{", DocumentKind.TRUST)


def test_a_statement_without_principals_names_none() -> None:
    """Where a policy may leave them out, there is nothing to resolve."""
    assert named_principals(text(allow()), DocumentKind.RESOURCE) == []


def test_sizes_are_counted_as_aws_counts_them() -> None:
    """IAM counts no white space outside of strings, KMS counts bytes, Organizations all."""
    document = '{ "a b" :\n\t"c \\" d" , "é" : 1 }'
    assert document_size(document, DocumentKind.IDENTITY) == len('{"a b":"c \\" d","é":1}')
    assert document_size(document, DocumentKind.KEY) == len(document) + 1
    assert document_size(document, DocumentKind.SCP) == len(document)
    assert document_size('{"a":  "\\" x"}', DocumentKind.IDENTITY) == len('{"a":"\\" x"}')


@pytest.mark.parametrize(
    ("kind", "most"),
    [
        (DocumentKind.IDENTITY, 10240),
        (DocumentKind.BOUNDARY, 6144),
        (DocumentKind.SESSION, 2048),
        (DocumentKind.KEY, 32768),
        (DocumentKind.TRUST, 8192),
        (DocumentKind.SCP, 5120),
        (DocumentKind.RCP, 5120),
    ],
)
def test_the_greatest_sizes(kind: DocumentKind, most: int) -> None:
    """A document of just that size is not too long; one more is (iam.md 2.5, kms.md 10.3)."""
    assert GREATEST_SIZES[kind] == most
    assert not is_too_long("x" * most, kind)
    assert is_too_long("x" * (most + 1), kind)
    spaces = kind not in (DocumentKind.KEY, DocumentKind.SCP, DocumentKind.RCP)
    assert is_too_long("x" * most + " ", kind) is not spaces
    assert is_too_long("é" + "x" * (most - 1), kind) is (kind is DocumentKind.KEY)
    assert not is_too_long("x" * 100_000, DocumentKind.RESOURCE)


def test_the_quotas_of_inline_policies() -> None:
    """What one entity's inline policies may be together, and what others may be (iam.md 2.5)."""
    sums = (USER_POLICIES_SIZE, GROUP_POLICIES_SIZE, ROLE_POLICIES_SIZE)
    assert sums == (2048, 5120, 10240)
    assert (MANAGED_POLICY_SIZE, SESSION_POLICY_SIZE, TRUST_POLICY_SIZE) == (6144, 2048, 2048)


def test_condition_keys_are_known_by_name_or_family() -> None:
    """A tag key or a pair of an encryption context belongs to a family."""
    assert family("aws:principaltag/a/b:c") == "aws:principaltag/"
    assert family("kms:encryptioncontext:a/b") == "kms:encryptioncontext:"
    assert family("aws:sourceip") == "aws:sourceip"
    assert KNOWN["kms:grantoperations"].multi_valued
    assert not is_supplied("kms:encryptioncontext")
    assert all(name == name.lower() for name in KNOWN)


def test_the_room_is_pure() -> None:
    """No module of it reaches a clock, randomness, the network, the system or a log."""
    forbidden = {"time", "random", "os", "secrets", "socket", "asyncio", "logging", "uuid", "sys"}
    modules = sorted(Path(room.__path__[0]).rglob("*.py"))
    assert len(modules) > 20
    for module in modules:
        tree = ast.parse(module.read_text(encoding="utf-8"))
        imported = {
            name.partition(".")[0]
            for node in ast.walk(tree)
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        assert not imported & forbidden, module.name
        called = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
        assert not called & {"now", "utcnow", "today"}, module.name
