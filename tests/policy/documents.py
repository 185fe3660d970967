"""Documents that almost are policies: right ones, with something changed at random."""

import copy
import json
from typing import Any

from hypothesis import strategies as st

from keystead.policy.language import operators
from keystead.policy.language.condition_keys import KNOWN
from keystead.policy.language.document import DocumentKind
from tests.policy.generators import CONDITIONS, statements

KINDS = [
    DocumentKind.IDENTITY,
    DocumentKind.KEY,
    DocumentKind.TRUST,
    DocumentKind.SCP,
    DocumentKind.RCP,
]

VALUES: list[Any] = [
    None,
    True,
    7,
    1.5,
    "",
    "*",
    [],
    {},
    [[]],
    ["*", 7],
    "Allow",
    "allow",
    "Deny",
    "kms:Encrypt",
    "kms:Encrpt",
    "kms:*",
    "k?s:*",
    ":x",
    "kms:a:b",
    "kms:Encrypt, kms:Decrypt",
    "sts:AssumeRole",
    "sts:Assume*",
    "sts:TagSession",
    "arn:aws:kms:eu-central-1:111122223333:key/*",
    "arn:aws:kms:*",
    "arn:aws:kms",
    "arn:aws:*:::x",
    "arn:aws::::x",
    "arn:aws-cn:kms:*:*:key/a",
    "arn:aws:iam:eu-central-1:111122223333:user/a",
    "arn:aws:iam::111122223333:root",
    "arn:aws:iam::111122223333:*/x",
    "arn:aws:iam::111122223333:user/${aws:username}",
    "arn:aws:s3:::${aws:username}/*",
    "arn:aws:s3:::${aws:user name}",
    "arn:${aws:username}:s3:::b",
    "${aws:username}",
    "${aws:NoSuchKey}",
    "${aws:PrincipalTag/team, 'x'}",
    "${aws:username, x}",
    "${",
    "${}",
    "${a${b}}",
    "x" * 600 + "?",
    "?*" * 600,
    "ä",
    "€",
    "\n",
    "AIDAEXAMPLEEXAMPLEEX1",
    "AROAEXAMPLEEXAMPLEEX1",
    "111122223333",
    "arn:aws:iam::111122223333:user/*",
    "arn:aws:sts::111122223333:assumed-role/r/s",
    "arn:aws:iam::111122223333:role/r",
    "arn:aws:iam::111122223333:saml-provider/p",
    "accounts.google.com",
    "logs.amazonaws.com",
    "logs",
    "2012-10-17",
    "2008-10-17",
    "2020-01-01",
    "2020-13-01",
    "20200101",
    "10.0.0.1/8",
    "300.0.0.1",
    "aGk=",
    "true",
    "yes",
]
SOME_VALUE = st.sampled_from(VALUES).map(copy.deepcopy)  # it may be changed itself
NAMES = [
    "Version",
    "Id",
    "Statement",
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
    "AWS",
    "Service",
    "Federated",
    "CanonicalUser",
    "effect",
    "Zzz",
    "StringEquals",
    "stringEquals",
    "StringLike",
    "ArnLike",
    "Bool",
    "Null",
    "NullIfExists",
    "ForAllValues:Null",
    "ForAllValues:StringEquals",
    "ForAnyValue:StringLikeIfExists",
    "NumericLessThan",
    "DateGreaterThan",
    "IpAddress",
    "BinaryEquals",
    "StringSame",
    "aws:username",
    "AWS:UserName",
    "aws:TagKeys",
    "aws:RequestTag/team",
    "aws:RequestTag/",
    "aws:RequestTag",
    "aws:ResourceTag/team",
    "aws:NoSuchKey",
    "aws:SourceOwner",
    "kms:EncryptionContext:a",
    "kms:EncryptionContext:",
    "kms:ResourceAliases",
    "kms:NoSuchKey",
    "s3:prefix",
    "nokey",
    ":x",
    "sts:ExternalId",
    "saml:aud",
]
TRUSTED: list[tuple[Any, list[str]]] = [  # principals, and what they may be allowed
    ({"AWS": "arn:aws:iam::111122223333:root"}, ["sts:AssumeRole", "sts:TagSession"]),
    ({"AWS": ["arn:aws:iam::111122223333:role/r", "111122223333"]}, ["sts:AssumeRole"]),
    ({"Service": "ec2.amazonaws.com"}, ["sts:AssumeRole", "sts:SetSourceIdentity"]),
    (
        {"Federated": "arn:aws:iam::111122223333:oidc-provider/example.com"},
        ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
    ),
    ({"Federated": "arn:aws:iam::111122223333:saml-provider/p"}, ["sts:AssumeRoleWithSAML"]),
]


@st.composite
def trust_statements(draw: st.DrawFn) -> dict[str, Any]:
    principal, actions = draw(st.sampled_from(TRUSTED))
    statement: dict[str, Any] = {
        "Effect": draw(st.sampled_from(["Allow", "Deny"])),
        "Principal": principal,
        "Action": draw(st.lists(st.sampled_from(actions), min_size=1, max_size=2, unique=True)),
    }
    if draw(st.booleans()):
        statement["Condition"] = draw(st.sampled_from(CONDITIONS))
    return statement


@st.composite
def documents(draw: st.DrawFn, kind: DocumentKind) -> dict[str, Any]:
    """A document of this kind."""
    one = trust_statements() if kind is DocumentKind.TRUST else statements(kind)
    return {
        "Version": "2012-10-17",
        "Statement": draw(st.lists(one, min_size=1, max_size=3)),
    }


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container with each of its names or indexes."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        one = waiting.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one))
        found += [(one, key) for key in keys]
        waiting += [one[key] for key in keys if isinstance(one[key], dict | list)]
    return found


@st.composite
def changed(draw: st.DrawFn, kind: DocumentKind) -> str:
    """The text of a document in which up to three things were changed."""
    document = copy.deepcopy(draw(documents(kind)))
    for _ in range(draw(st.integers(0, 3))):
        container, key = draw(st.sampled_from(places(document) or [(document, "Version")]))
        match draw(st.integers(0, 3)):
            case 0:
                container[key] = draw(SOME_VALUE)
            case 1:
                container.pop(key, None) if isinstance(container, dict) else container.pop(key)
            case 2 if isinstance(container, dict):
                container[draw(st.sampled_from(NAMES))] = draw(SOME_VALUE)
            case _ if isinstance(container, dict):
                container[draw(st.sampled_from(NAMES))] = container.pop(key, "x")
            case _:
                container[key] = [container[key], draw(SOME_VALUE)]
    text = json.dumps(document, ensure_ascii=draw(st.booleans()))
    if draw(st.integers(0, 9)) == 0:
        at = draw(st.integers(0, len(text)))
        text = (
            text[:at]
            + draw(st.sampled_from(["", ",", "}", '"', "\\", "\x00", "€"]))
            + text[at + 1 :]
        )
    return text


PIECES = ["arn", "aws", ":", "::", ":", "*", "?", "${", "}", "kms", "iam", "s3", "key/", "user/"]
PIECES += ["eu-central-1", "111122223333", "aws:username", "aws:TagKeys", ", ", "'", " ", "x", "/"]
PIECES += ["root", "role/", "sts", "AssumeRole", "Encrypt", "1", "-", ".", "2020", "T", "amazonaws"]
PIECES += [".com", "arn:aws:kms:eu-central-1:111122223333:", "arn:aws:s3:::", "=", "é", "true"]

TEXTS = st.lists(st.sampled_from(PIECES), max_size=9).map("".join)
OPERATORS = [f"{prefix}{operator.name}{suffix}"
    for operator in operators.OPERATORS.values()
    for prefix in ("", "ForAllValues:", "ForAnyValue:")
    for suffix in ("", "IfExists")]  # fmt: skip


@st.composite
def odd(draw: st.DrawFn, kind: DocumentKind) -> str:
    """The text of a document of which one element says things put together from pieces."""
    document = copy.deepcopy(draw(documents(kind)))
    document["Version"] = draw(st.sampled_from(["2012-10-17"] * 4 + ["2008-10-17"]))
    statement = draw(st.sampled_from(document["Statement"]))
    words = draw(st.lists(TEXTS, min_size=1, max_size=2))
    match draw(st.integers(0, 5)):
        case 0:
            statement[draw(st.sampled_from(["Action", "NotAction"]))] = words
        case 1:
            statement[draw(st.sampled_from(["Resource", "NotResource"]))] = words
        case 2:
            of = draw(st.sampled_from(["AWS", "Service", "Federated"]))
            statement[draw(st.sampled_from(["Principal", "NotPrincipal"]))] = {of: words}
        case 3:
            key = draw(st.sampled_from(NAMES[-17:]) | TEXTS)
            statement["Condition"] = {draw(st.sampled_from(OPERATORS)): {key: words}}
        case 4:
            value = draw(SOME_VALUE)
            key = draw(st.sampled_from([fact.name for fact in KNOWN.values()]))
            statement["Condition"] = {draw(st.sampled_from(OPERATORS)): {key: value}}
        case _:
            statement["Sid"] = words[0]
    return json.dumps(document)


LEAVES = SOME_VALUE | TEXTS | st.sampled_from(NAMES)
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES + OPERATORS) | TEXTS, inner, max_size=3)
    ),
    max_leaves=8,
)


@st.composite
def anything(draw: st.DrawFn) -> str:
    """The text of a document whose elements hold anything at all."""
    statement = draw(st.dictionaries(st.sampled_from(NAMES[3:12]), JSON, max_size=6))
    whole = draw(st.sampled_from([statement, [statement]]))
    version = draw(st.sampled_from(["2012-10-17", "2008-10-17"]))
    document = {"Version": version, "Statement": whole}
    return json.dumps(draw(st.sampled_from([document, document, document, whole])))
