"""What is said about a document that cannot be stored, word for word (iam.md 4.5, 4.6, 4.9)."""

from typing import Any

import pytest

from keystead.policy.language import refused_documents
from keystead.policy.language.document import DocumentKind, MalformedPolicy, compile_policy
from tests.policy.support import USER, allow, text, to

TRUST = {"Effect": "Allow", "Principal": {"AWS": USER}, "Action": "sts:AssumeRole"}
ONLY_UNDER = (
    'IAM resource path must either be "*" or start with user/, federated-user/, role/, group/, '
    "instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, "
    "oidc-provider/, report/, access-report/."
)
ONLY_STS = (
    "Trust Policy statement actions can only be sts:AssumeRole, sts:AssumeRoleWithSAML,  "
    "and sts:AssumeRoleWithWebIdentity"
)
NOT_OF_THIS_TYPE = (
    "The provided policy document does not meet the requirements of the specified policy type."
)


def refused(document: str, kind: DocumentKind) -> MalformedPolicy:
    with pytest.raises(MalformedPolicy) as caught:
        compile_policy(document, kind)
    return caught.value


@pytest.mark.parametrize(
    ("kind", "document", "sentence"),
    [
        (DocumentKind.IDENTITY, "{", "Syntax errors in policy."),
        (DocumentKind.TRUST, "{", "This policy contains invalid Json"),
        (
            DocumentKind.IDENTITY,
            text(allow(), version="2008-10-17"),
            "Policy document must be version 2012-10-17 or greater.",
        ),
        (
            DocumentKind.IDENTITY,
            text(allow(Effect="allow")),
            "The policy failed legacy parsing",
        ),
        (
            DocumentKind.IDENTITY,
            text(allow(Sid="A"), allow(Sid="A")),
            "Statement IDs (SID) in a single policy must be unique.",
        ),
        (DocumentKind.IDENTITY, text(allow([])), "Policy statement must contain actions."),
        (
            DocumentKind.IDENTITY,
            text(allow("Encrypt")),
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        (
            DocumentKind.IDENTITY,
            text(allow("kms:En:crypt")),
            "Actions/Condition can contain only one colon.",
        ),
        (DocumentKind.IDENTITY, text(allow("*", [])), "Policy statement must contain resources."),
        (
            DocumentKind.IDENTITY,
            text(allow("*", "arn:aws:k*:::key")),
            "Resource vendor must be fully qualified and cannot contain regexes.",
        ),
        (DocumentKind.IDENTITY, text(allow("*", "arn:aws:iam::1:root/a")), ONLY_UNDER),
        (
            DocumentKind.IDENTITY,
            text(allow(**to(USER))),
            "Policy document should not specify a principal.",
        ),
        (DocumentKind.TRUST, text({**TRUST, "Resource": "*"}), "Has prohibited field Resource."),
        (
            DocumentKind.TRUST,
            text({"Effect": "Allow", "Action": "sts:AssumeRole"}),
            "Missing required field Principal",
        ),
        (
            DocumentKind.TRUST,
            text({**TRUST, "Action": "kms:Encrypt"}),
            ONLY_STS,
        ),
        (
            DocumentKind.KEY,
            text(allow(**to("alice"))),
            "Policy contains a statement with one or more invalid principals.",
        ),
        (
            DocumentKind.SCP,
            "{",
            NOT_OF_THIS_TYPE,
        ),
    ],
)
def test_sentences(kind: DocumentKind, document: str, sentence: str) -> None:
    """As AWS's own answers have them, blanks and all."""
    error = refused(document, kind)
    assert (error.message, str(error)) == (sentence, sentence)


@pytest.mark.parametrize(
    "name",
    [
        "*",
        "user/a",
        "user/*",
        "federated-user/a",
        "role/a",
        "group/a",
        "instance-profile/a",
        "mfa/a",
        "server-certificate/a",
        "policy/a",
        "sms-mfa/a",
        "saml-provider/a",
        "oidc-provider/a",
        "report/a",
        "access-report/a",
    ],
)
def test_what_iam_has(name: str) -> None:
    """A resource of IAM stands under one of its paths; a word that only begins like one is none."""
    document: Any = text(allow("iam:*", f"arn:aws:iam::1:{name}"))
    assert compile_policy(document, DocumentKind.IDENTITY)
    other = text(allow("iam:*", f"arn:aws:iam::1:{name.replace('/', 's/').replace('*', 'x')}"))
    assert refused(other, DocumentKind.IDENTITY).message == ONLY_UNDER


def test_the_operator_hears_more_than_the_caller() -> None:
    """A service's one sentence for everything leaves the reason to the details."""
    told = refused(text(allow("Encrypt")), DocumentKind.SCP)
    assert told.message == refused_documents.ORGANIZATIONS
    assert told.detail == refused_documents.NO_VENDOR
    plain = refused(text(allow("Encrypt")), DocumentKind.IDENTITY)
    assert plain.detail == plain.message
