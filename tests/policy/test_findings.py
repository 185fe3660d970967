"""What is found in a document: each issue, its twin that lacks it, and the exact place."""

from typing import Any

import pytest

from keystead.policy.findings.examine import PolicyFinding, checked, findings, is_trust_policy
from keystead.policy.findings.messages.issues import ISSUES, Type
from keystead.policy.language.document import DocumentKind
from tests.policy.issue_examples import (
    BASES,
    EXAMPLES,
    IDENTITY,
    KEYS,
    RCP,
    RESOURCE,
    ROOT,
    SCP,
    TRUST,
    USER,
    Elements,
    condition,
    document,
    large,
)
from tests.policy.support import KEY


def codes(text: str, kind: DocumentKind = IDENTITY, **more: Any) -> set[str]:
    return {finding.code for finding in findings(text, kind, **more)}


@pytest.mark.parametrize(("code", "kind", "text", "twin"), EXAMPLES, ids=[e[0] for e in EXAMPLES])
def test_each_issue(code: str, kind: DocumentKind, text: str, twin: str) -> None:
    """The issue is found, and not in the same document with one thing changed."""
    assert code in codes(text, kind)
    assert code not in codes(twin, kind)
    found = next(one for one in findings(text, kind) if one.code == code)
    assert "{" not in found.details.replace("${", "")
    assert found.link.endswith(f"-{code.lower().replace('_', '-')}")


def test_every_issue_has_an_example() -> None:
    assert {code for code, *_ in EXAMPLES} == set(ISSUES)


@pytest.mark.parametrize("kind", BASES)
def test_nothing_is_found_in_a_good_document(kind: DocumentKind) -> None:
    assert findings(document(kind, {}), kind) == ()


# What the table cannot say


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov"])
def test_a_good_document_of_another_partition(partition: str) -> None:
    """Its principals and resources are as good there; elsewhere they mean nothing."""
    text = document(RESOURCE, {}).replace("arn:aws:", f"arn:{partition}:")
    principal = f"arn:{partition}:iam::111122223333:root"
    named = document(RESOURCE, {"Principal": {"AWS": principal}})
    assert findings(text, RESOURCE, partition=partition) == ()
    assert "INVALID_PRINCIPAL_FORMAT" not in codes(named, RESOURCE, partition=partition)
    assert "INVALID_PRINCIPAL_FORMAT" in codes(named, RESOURCE)


def test_in_awss_own_words() -> None:
    """AWS's published example of ValidatePolicy: its findings, words and places."""
    text = """{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "",
            "Effect": "Allow",
            "Principal": {
                "Federated": "cognito-identity.amazonaws.com"
            },
            "Action": [
                "sts:AssumeRole",
                "sts:TagSession"
            ],
            "Condition": {
                "StringEquals": {
                    "cognito-identity.amazonaws.com:aud": "us-west-2_EXAMPLE"
                }
            }
        }
    ]
}"""
    assert is_trust_policy(text)
    sid, mismatched, unsupported = findings(text, TRUST)

    assert (sid.code, sid.type) == ("EMPTY_SID_VALUE", Type.SUGGESTION)
    assert sid.details == "Add a value to the empty string in the Sid element."
    assert place(sid) == (["Statement", 0, "Sid"], (5, 19, 79), (5, 21, 81))
    assert mismatched.type is Type.ERROR
    assert mismatched.details == (
        "The sts:AssumeRole action is invalid with the following principal(s):"
        " cognito-identity.amazonaws.com. Use a SAML provider principal with the"
        " sts:AssumeRoleWithSAML action or use an OIDC provider principal with the"
        " sts:AssumeRoleWithWebIdentity action. Ensure the provider is Federated if you use"
        " either of the two options."
    )
    assert mismatched.link.endswith("-policy-checks-error-mismatched-action-for-principal")
    assert place(mismatched, 0) == (["Statement", 0, "Action", 0], (11, 16, 258), (11, 32, 274))
    federated = ["Statement", 0, "Principal", "Federated"]
    assert place(mismatched, 1) == (federated, (8, 29, 170), (8, 61, 202))
    assert unsupported.code == "UNSUPPORTED_ACTION_FOR_CONDITION_KEY"
    assert unsupported.details.startswith(
        "The following actions: sts:TagSession are not supported by the condition key"
        " cognito-identity.amazonaws.com:aud. The condition will not be evaluated"
    )
    assert place(unsupported, 0) == (["Statement", 0, "Action", 1], (12, 16, 292), (12, 32, 308))


def place(finding: PolicyFinding, number: int = 0) -> tuple[list[Any], Any, Any]:
    """A location as a path of plain values and two triples."""
    location = finding.locations[number]
    path = [
        next(one for one in (step.value, step.index, step.key, step.substring) if one is not None)
        for step in location.path
    ]
    start, end = location.start, location.end
    return (
        path,
        (start.line, start.column, start.offset),
        (end.line, end.column, end.offset),
    )


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("", 0),
        ("{", 1),
        ('{"a":1,}', 7),
        ('{"a" 1}', 5),
        ('{"a":1 "b":2}', 7),
        ("[1,]", 3),
        ('{"a":tru}', 5),
        ('{"a":01}', 6),
        ('{"a":NaN}', 5),
        ('{"a":1} x', 8),
        ('{"a":1,"a":2}', 7),
        ('{"a":"\\ud800"}', 5),
        ('{"a":"\\u0000"}', 5),
        ('{"a":1e999}', 5),
        ('{"a":"x', 5),
        ("\ufeff{}", 0),
    ],
)
def test_where_json_ends(text: str, offset: int) -> None:
    """The first character that is not JSON, counted from 0."""
    (found,) = findings(text, IDENTITY)
    assert found.code == "JSON_SYNTAX_ERROR"
    assert found.locations[0].start.offset == offset
    assert f"at index {offset} line 1 column {offset}." in found.details


def test_places_of_names_parts_and_lines() -> None:
    """A name, a part of a string, and lines that end in CR LF."""
    text = '{"Version":"2012-10-17",\r\n "Statement":{"Effect":"Allow","Acton":"x",\r\n'
    text += '"NotAction":"k?:x","Resource":"arn:aws:s3:::${aws:username"}}'
    found = {one.code: one for one in findings(text, IDENTITY)}

    element = place(found["INVALID_POLICY_ELEMENT"])
    assert element == (["Statement", "Acton"], (2, 31, 57), (2, 38, 64))
    assert found["INVALID_POLICY_ELEMENT"].locations[0].path[-1].key == "Acton"
    service = place(found["INVALID_SERVICE_IN_ACTION"])
    assert service == (["Statement", "NotAction", (0, 2)], (3, 13, 84), (3, 15, 86))
    variable = found["MISSING_BRACE_IN_VARIABLE"].locations[0]
    assert text[variable.start.offset : variable.end.offset] == "${aws:username"


def test_the_path_of_a_condition_key() -> None:
    """A name is the last step behind all that it stands under."""
    text = document(IDENTITY, condition("StringEquals", "aws:NoKey", "a"))
    [found] = findings(text, IDENTITY)
    path, start, end = place(found)
    assert path == ["Statement", 0, "Condition", "StringEquals", "aws:NoKey"]
    assert [step.key for step in found.locations[0].path] == [None] * 4 + ["aws:NoKey"]
    assert text[start[2] : end[2]] == '"aws:NoKey"'


def test_a_part_of_a_string_with_escapes() -> None:
    """Where a string has escapes, the span is the whole string's; the path is exact."""
    text = document(IDENTITY, {"Resource": "arn:aws:s3:::A${"}).replace("A$", "\\u0041$")
    found = next(one for one in findings(text, IDENTITY) if one.code == "MISSING_BRACE_IN_VARIABLE")
    path, start, end = place(found)
    assert path == ["Statement", 0, "Resource", (14, 2)]
    assert text[start[2] : end[2]] == '"arn:aws:s3:::\\u0041${"'


def test_a_similar_action_is_named() -> None:
    (found,) = findings(document(IDENTITY, {"Action": "KMS:Decrpt"}), IDENTITY)
    assert found.details == "The action KMS:Decrpt does not exist. Did you mean kms:Decrypt?"


@pytest.mark.parametrize(
    "action", ["kms:ReEncrypt*", "KMS:decrypt", "sts:TagSession", "iam:PassRole", "*",
               "organizations:ListRoots", "access-analyzer:ValidatePolicy", "ec2:Anything"]
)  # fmt: skip
def test_actions_that_exist(action: str) -> None:
    assert "INVALID_ACTION" not in codes(document(IDENTITY, {"Action": action}))


def test_what_is_not_stored_here_is_an_error() -> None:
    """AWS's warnings and suggestions become errors where a write would be refused."""
    assert kind_of("MISSING_VERSION", document(IDENTITY, {}, Version=None), IDENTITY) is Type.ERROR
    assert kind_of("MISSING_VERSION", document(KEYS, {}, Version=None), KEYS) is Type.WARNING
    exempt = {"Principal": None, "NotPrincipal": ROOT}
    assert kind_of("ALLOW_WITH_NOT_PRINCIPAL", document(KEYS, exempt), KEYS) is Type.ERROR
    resource = document(RESOURCE, exempt)
    assert kind_of("ALLOW_WITH_NOT_PRINCIPAL", resource, RESOURCE) is Type.SECURITY_WARNING
    size = "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA"
    assert kind_of(size, large(IDENTITY, 6145), IDENTITY) is Type.WARNING
    assert kind_of(size, large(IDENTITY, 10240), IDENTITY) is Type.WARNING
    assert kind_of(size, large(IDENTITY, 10241), IDENTITY) is Type.ERROR


def kind_of(code: str, text: str, kind: DocumentKind) -> Type:
    return next(one.type for one in findings(text, kind) if one.code == code)


def test_keys_that_never_have_a_value_here() -> None:
    """An error, unless the installation accepts such keys."""
    text = document(IDENTITY, condition("StringEquals", "aws:SourceOwner", "111122223333"))
    assert codes(text) == {"UNSUPPORTED_GLOBAL_CONDITION_KEY"}
    assert codes(text, any_key=True) == set()


@pytest.mark.parametrize(
    ("operator", "key", "value", "mismatch"),
    [
        ("ArnLike", "kms:EncryptionContext:aws:logs:arn", KEY, False),
        ("ArnLike", "kms:GranteePrincipal", USER, False),
        ("ArnLike", "aws:username", USER, True),
        ("StringLike", "aws:PrincipalArn", USER, False),
        ("StringEquals", "aws:SourceIp", "203.0.113.9", True),
        ("NumericLessThan", "aws:EpochTime", "9", False),
        ("Null", "aws:MultiFactorAuthAge", "true", False),
    ],
)
def test_operators_and_the_types_of_keys(
    operator: str, key: str, value: str, mismatch: bool
) -> None:
    """Each type has its operators; ARNs and dates may be compared as what they are written in."""
    text = document(IDENTITY, {"Action": "kms:*", **condition(operator, key, value)})
    assert ("TYPE_MISMATCH" in codes(text)) is mismatch


CONSOLE = {
    "Effect": "Allow",
    "Principal": {"Service": "logs.eu-central-1.amazonaws.com"},
    "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*"],
    "Resource": "*",
    **condition("ArnLike", "kms:EncryptionContext:aws:logs:arn", "arn:aws:logs:*:*:*"),
}
MFA = [
    {"Effect": "Allow", "Action": "iam:*AccessKey*", "Resource": f"{USER[:-5]}${{aws:username}}"},
    {
        "Effect": "Deny",
        "NotAction": ["iam:CreateVirtualMFADevice", "sts:GetSessionToken"],
        "Resource": "*",
        **condition("BoolIfExists", "aws:MultiFactorAuthPresent", "false"),
    },
]
PERIMETER = {
    "Action": ["s3:*", "kms:*", "sts:AssumeRole"],
    "Condition": {
        "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-abcdefghij"},
        "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
    },
}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (KEYS, document(KEYS, {}, Id="key-default-1", Statement=[CONSOLE])),
        (IDENTITY, document(IDENTITY, {}, Statement=MFA)),
        (RCP, document(RCP, PERIMETER)),
        (
            SCP,
            document(
                SCP,
                {
                    "Action": None,
                    "NotAction": ["iam:*", "organizations:*"],
                    **condition("StringNotEquals", "aws:RequestedRegion", ["eu-central-1"]),
                },
            ),
        ),
        (
            TRUST,
            document(
                TRUST,
                {
                    "Principal": {"Federated": "arn:aws:iam::111122223333:saml-provider/idp"},
                    "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession"],
                    **condition("StringEquals", "SAML:aud", "https://signin.example.com/saml"),
                },
            ),
        ),
    ],
)  # fmt: skip
def test_policies_from_the_manuals_are_clean(kind: DocumentKind, text: str) -> None:
    """AWS's own examples give nothing to complain about."""
    assert findings(text, kind) == ()


def test_policies_of_a_type() -> None:
    """A bucket's policy is about S3."""
    bucket = {"resource_type": "AWS::S3::Bucket"}
    assert codes(document(RESOURCE, {}), RESOURCE, **bucket) == set()
    found = codes(
        document(RESOURCE, {"Action": "kms:Decrypt", "Resource": KEY}), RESOURCE, **bucket
    )
    assert found == {"UNSUPPORTED_ACTION_IN_POLICY", "UNSUPPORTED_RESOURCE_ARN_IN_POLICY"}


@pytest.mark.parametrize(
    ("elements", "code"),
    [
        ({"Effect": "Allow"}, "INVALID_EFFECT"),
        ({"Action": "*"}, "INVALID_ACTION"),
        ({"Principal": ROOT}, "INVALID_PRINCIPAL_FORMAT"),
        ({"Action": None, "NotAction": "kms:*"}, "INVALID_POLICY_ELEMENT"),
        ({"Principal": None, "NotPrincipal": "*"}, "INVALID_POLICY_ELEMENT"),
        ({"Effect": "Allow", "Action": "*"}, ""),
    ],
)
def test_resource_control_policies(elements: Elements, code: str) -> None:
    """They deny, to everybody, service by service; or they are AWS's full access."""
    assert codes(document(RCP, elements), RCP) == ({code} if code else set())


def test_other_characters() -> None:
    """What IAM and KMS do not take in a document has a place; organizations take it."""
    (found,) = findings(document(IDENTITY, {}, Id="€").replace("\\u20ac", "€"), IDENTITY)
    assert found.code == "JSON_SYNTAX_ERROR"
    (escaped,) = findings(document(IDENTITY, {}, Id="€"), IDENTITY)
    assert escaped.code == "JSON_SYNTAX_ERROR"
    assert codes(document(SCP, {}, Id="€"), SCP) == set()


ASSUME = {"Effect": "Allow", "Principal": ROOT, "Action": "sts:AssumeRole"}


@pytest.mark.parametrize(
    ("statements", "trust"),
    [
        ([ASSUME], True),
        (ASSUME, True),
        ([ASSUME, {**ASSUME, "Action": ["STS:TagSession", "sts:SetContext"]}], True),
        ([ASSUME, {**ASSUME, "Resource": "*"}], False),
        ([{**ASSUME, "NotResource": "*"}], False),
        ([ASSUME, {**ASSUME, "Action": ["sts:AssumeRole", "kms:Decrypt"]}], False),
        ([{**ASSUME, "Action": "*"}], False),
        ([{**ASSUME, "Action": []}], False),
        ([{**ASSUME, "Action": None}], False),
        ([{**ASSUME, "Action": 7}], False),
        ([{"Effect": "Allow", "Principal": ROOT, "NotAction": "sts:AssumeRole"}], False),
        ([7, ASSUME], True),
        ([7], False),
        ([], False),
        (7, False),
    ],
)
def test_which_documents_are_trust_policies(statements: Any, trust: bool) -> None:
    """All that they say is about STS, and none of it names a resource."""
    assert is_trust_policy(document(TRUST, {}, Statement=statements)) is trust


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "{}", '{"Version":"2012-10-17"}'])
def test_what_is_no_document_is_no_trust_policy(text: str) -> None:
    assert is_trust_policy(text) is False


def test_the_checks_alone() -> None:
    """What they find is in the order of the document, and is all that is found."""
    text = document(IDENTITY, {"Action": "kms:Decrpt", "Sid": "a b"}, Id=7)
    assert [one.code for one in checked(text, IDENTITY)] == [
        "INVALID_ACTION", "UNSUPPORTED_SID", "DATA_TYPE_MISMATCH",
    ]  # fmt: skip
    assert tuple(checked(text, IDENTITY)) == findings(text, IDENTITY)
    owner = document(IDENTITY, condition("StringEquals", "aws:SourceOwner", "111122223333"))
    assert [one.code for one in checked(owner, IDENTITY)] == ["UNSUPPORTED_GLOBAL_CONDITION_KEY"]
    assert checked(owner, IDENTITY, any_key=True) == []


def test_where_aws_explains() -> None:
    """Under the type that AWS gives the issue, whatever it is here."""

    def told(kind: DocumentKind, elements: Elements) -> tuple[str, str]:
        [found] = findings(document(kind, elements), kind)
        return found.type.value, found.link.partition("#access-analyzer-reference-policy-checks-")[
            2
        ]

    assert told(IDENTITY, {"Effect": "allow"}) == ("ERROR", "error-invalid-effect")
    assert told(IDENTITY, {"Action": []}) == ("ERROR", "suggestion-empty-array-action")
    assert told(KEYS, {"Action": []}) == ("ERROR", "suggestion-empty-array-action")
    but_root = {"Principal": None, "NotPrincipal": ROOT}
    link = "security-warning-allow-with-not-principal"
    assert told(KEYS, but_root) == ("ERROR", link)
    assert told(RESOURCE, but_root) == ("SECURITY_WARNING", link)
    wild = condition("StringEquals", "aws:username", "a*")
    link = "general-warning-wildcard-without-like-operator"
    assert told(IDENTITY, wild) == ("WARNING", link)
