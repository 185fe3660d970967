"""One document with each issue, and its twin: the same with one thing changed."""

import json
from typing import Any

from keystead.policy.language.document import DocumentKind, document_size
from tests.policy.support import KEY

IDENTITY, KEYS, TRUST = DocumentKind.IDENTITY, DocumentKind.KEY, DocumentKind.TRUST
SCP, RCP, RESOURCE = DocumentKind.SCP, DocumentKind.RCP, DocumentKind.RESOURCE

USER = "arn:aws:iam::111122223333:user/alice"
ROOT = {"AWS": "arn:aws:iam::111122223333:root"}
OIDC = "arn:aws:iam::111122223333:oidc-provider/"
GITHUB = "token.actions.githubusercontent.com"
BASES: dict[DocumentKind, dict[str, Any]] = {
    IDENTITY: {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": KEY},
    KEYS: {"Effect": "Allow", "Principal": ROOT, "Action": "kms:Decrypt", "Resource": "*"},
    TRUST: {"Effect": "Allow", "Principal": ROOT, "Action": "sts:AssumeRole"},
    SCP: {"Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*"},
    RCP: {"Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"},
    RESOURCE: {
        "Effect": "Allow",
        "Principal": ROOT,
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::b/*",
    },
}

Elements = dict[str, Any]


def document(kind: DocumentKind, elements: Elements, **top: Any) -> str:
    """A document with one statement; an element that is None is left out."""
    statement = {**BASES[kind], **elements}
    statement = {name: value for name, value in statement.items() if value is not None}
    whole = {"Version": "2012-10-17", "Statement": [statement], **top}
    return json.dumps({name: value for name, value in whole.items() if value is not None})


def condition(operator: str, key: str, value: Any) -> Elements:
    return {"Condition": {operator: {key: value}}}


def web(*actions: str, condition: Any = None, provider: str = GITHUB) -> Elements:
    principal = {"Federated": f"{OIDC}{provider}"}
    return {"Principal": principal, "Action": list(actions), "Condition": condition}


WEB = "sts:AssumeRoleWithWebIdentity"
SUB, AUD = f"{GITHUB}:sub", f"{GITHUB}:aud"
REPOSITORY = {"StringEquals": {SUB: "repo:keystead/keystead:ref:refs/heads/main"}}

# (code, kind, elements that have the issue, elements that have it not)
STATEMENTS: list[tuple[str, DocumentKind, Elements, Elements]] = [
    ("ALLOW_WITH_NOT_PRINCIPAL", RESOURCE, {"Principal": None, "NotPrincipal": ROOT}, {}),
    (
        "ARN_ACCOUNT_NOT_ALLOWED",
        IDENTITY,
        {"Resource": "arn:aws:s3::111122223333:b/*"},
        {"Resource": "arn:aws:s3:::b/*"},
    ),
    (
        "ARN_REGION_NOT_ALLOWED",
        IDENTITY,
        {"Resource": "arn:aws:iam:eu-central-1:111122223333:user/a"},
        {"Resource": "arn:aws:iam::111122223333:user/a"},
    ),
    (
        "CLAIM_IS_NO_CONDITION_KEY",
        TRUST,
        condition("StringEquals", "id.example.com:urn:example:group", "a"),
        condition("StringEquals", "id.example.com:group", "a"),
    ),
    ("DATA_TYPE_MISMATCH", IDENTITY, {"Action": ["kms:Decrypt", 7]}, {"Action": ["kms:Decrypt"]}),
    (
        "DUPLICATE_KEYS_WITH_DIFFERENT_CASE",
        IDENTITY,
        {"Condition": {"StringEquals": {"aws:username": "a", "aws:UserName": "b"}}},
        {"Condition": {"StringEquals": {"aws:username": "a", "aws:userid": "b"}}},
    ),
    ("EMPTY_ARRAY_ACTION", KEYS, {"Action": []}, {"Action": ["kms:Decrypt"]}),
    (
        "EMPTY_ARRAY_CONDITION",
        IDENTITY,
        condition("StringEquals", "aws:username", []),
        condition("StringEquals", "aws:username", ["a"]),
    ),
    (
        "EMPTY_ARRAY_CONDITION_FORALLVALUES",
        IDENTITY,
        condition("ForAllValues:StringEquals", "aws:TagKeys", []),
        condition("ForAllValues:StringEquals", "aws:TagKeys", ["a"]),
    ),
    (
        "EMPTY_ARRAY_CONDITION_FORANYVALUE",
        IDENTITY,
        condition("ForAnyValue:StringEquals", "aws:TagKeys", []),
        condition("ForAnyValue:StringEquals", "aws:TagKeys", ["a"]),
    ),
    (
        "EMPTY_ARRAY_CONDITION_IFEXISTS",
        IDENTITY,
        condition("StringEqualsIfExists", "aws:username", []),
        condition("StringEqualsIfExists", "aws:username", ["a"]),
    ),
    ("EMPTY_ARRAY_PRINCIPAL", KEYS, {"Principal": {"AWS": []}}, {}),
    ("EMPTY_ARRAY_RESOURCE", KEYS, {"Resource": []}, {}),
    ("EMPTY_OBJECT_CONDITION", IDENTITY, {"Condition": {}}, {}),
    ("EMPTY_OBJECT_PRINCIPAL", KEYS, {"Principal": {}}, {}),
    ("EMPTY_SID_VALUE", IDENTITY, {"Sid": ""}, {"Sid": "A"}),
    (
        "EMPTY_VARIABLE",
        IDENTITY,
        {"Resource": "arn:aws:s3:::${}/*"},
        {"Resource": "arn:aws:s3:::${aws:username}/*"},
    ),
    (
        "FEDERATED_PRINCIPAL_NOT_SUPPORTED",
        KEYS,
        {"Principal": {"Federated": "accounts.google.com"}},
        {},
    ),
    (
        "FORALLVALUES_WITH_SINGLE_VALUED_KEY",
        IDENTITY,
        condition("ForAllValues:StringEquals", "aws:username", "a"),
        condition("ForAnyValue:StringEquals", "aws:username", "a"),
    ),
    (
        "IMPROVE_IP_RANGE",
        IDENTITY,
        condition("IpAddress", "aws:SourceIp", "203.0.113.9/24"),
        condition("IpAddress", "aws:SourceIp", "203.0.113.0/24"),
    ),
    ("INVALID_ACTION", IDENTITY, {"Action": "kms:Decrpt"}, {"Action": "s3:NobodyKnows"}),
    (
        "INVALID_ARN_ACCOUNT",
        IDENTITY,
        {"Resource": "arn:aws:kms:eu-central-1:1111:key/*"},
        {"Resource": "arn:aws:kms:eu-central-1:*:key/*"},
    ),
    ("INVALID_ARN_PREFIX", IDENTITY, {"Resource": "b/*"}, {"Resource": "arn:aws:s3:::b/*"}),
    (
        "INVALID_ARN_REGION",
        IDENTITY,
        {"Resource": "arn:aws:kms:frankfurt:111122223333:key/*"},
        {"Resource": "arn:aws:kms:eu-central-1:111122223333:key/*"},
    ),
    (
        "INVALID_ARN_RESOURCE",
        IDENTITY,
        {"Resource": "arn:aws:kms:eu-central-1:111122223333:keys/*"},
        {"Resource": "arn:aws:kms:eu-central-1:111122223333:key/*"},
    ),
    (
        "INVALID_ARN_SERVICE_CASE",
        IDENTITY,
        {"Resource": "arn:aws:S3:::b"},
        {"Resource": "arn:aws:s3:::b"},
    ),
    (
        "INVALID_CONDITION_DATA_TYPE",
        IDENTITY,
        condition("StringEquals", "aws:username", ["1", 1]),
        condition("StringEquals", "aws:username", ["1", "2"]),
    ),
    (
        "INVALID_CONDITION_KEY_FORMAT",
        IDENTITY,
        condition("StringEquals", "username", "a"),
        condition("StringEquals", "aws:username", "a"),
    ),
    (
        "INVALID_CONDITION_MULTIPLE_BOOLEAN",
        IDENTITY,
        condition("Bool", "aws:SecureTransport", ["true", "false"]),
        condition("Bool", "aws:SecureTransport", ["true"]),
    ),
    (
        "INVALID_CONDITION_OPERATOR",
        IDENTITY,
        condition("StringSame", "aws:username", "a"),
        condition("stringequals", "aws:username", "a"),
    ),
    (
        "INVALID_DATE_VALUE",
        IDENTITY,
        condition("DateLessThan", "aws:CurrentTime", "20301231"),
        condition("DateLessThan", "aws:CurrentTime", "2030-12-31"),
    ),
    ("INVALID_EFFECT", IDENTITY, {"Effect": "allow"}, {"Effect": "Allow"}),
    (
        "INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY",
        TRUST,
        {"Principal": {"Federated": "example.com"}, "Action": WEB},
        {"Principal": {"Federated": "accounts.google.com"}, "Action": WEB},
    ),
    (
        "INVALID_GLOBAL_CONDITION_KEY",
        IDENTITY,
        condition("StringEquals", "aws:UserNam", "a"),
        condition("StringEquals", "aws:UserName", "a"),
    ),
    (
        "INVALID_PARTITION",
        IDENTITY,
        {"Resource": "arn:aws-cn:s3:::b"},
        {"Resource": "arn:aws:s3:::b"},
    ),
    ("INVALID_POLICY_ELEMENT", IDENTITY, {"Actions": "kms:Decrypt"}, {}),
    ("INVALID_PRINCIPAL_FORMAT", KEYS, {"Principal": "alice"}, {"Principal": "*"}),
    ("INVALID_PRINCIPAL_KEY", KEYS, {"Principal": {"User": USER}}, {"Principal": {"AWS": USER}}),
    (
        "INVALID_REGION",
        IDENTITY,
        condition("StringEquals", "aws:RequestedRegion", "frankfurt"),
        condition("StringEquals", "aws:RequestedRegion", "eu-central-1"),
    ),
    (
        "INVALID_ROLE_REFERENCE",
        KEYS,
        {"Principal": {"AWS": "AROAEXAMPLEEXAMPLEEX1"}},
        {"Principal": {"AWS": "arn:aws:iam::111122223333:role/r"}},
    ),
    (
        "INVALID_SERVICE_CONDITION_KEY",
        IDENTITY,
        condition("StringEquals", "kms:Colour", "red"),
        condition("StringEquals", "s3:Colour", "red"),
    ),
    ("INVALID_SERVICE_IN_ACTION", IDENTITY, {"Action": "k*:Decrypt"}, {}),
    (
        "INVALID_SERVICE_PRINCIPAL_FORMAT",
        TRUST,
        {"Principal": {"Service": "ec2"}},
        {"Principal": {"Service": "ec2.amazonaws.com"}},
    ),
    (
        "INVALID_USER_REFERENCE",
        KEYS,
        {"Principal": {"AWS": "AIDAEXAMPLEEXAMPLEEX1"}},
        {"Principal": {"AWS": USER}},
    ),
    (
        "INVALID_VARIABLE_FOR_OPERATOR",
        IDENTITY,
        condition("NumericLessThan", "aws:MultiFactorAuthAge", "${aws:PrincipalTag/age}"),
        condition("NumericLessThan", "aws:MultiFactorAuthAge", "300"),
    ),
    (
        "INVALID_VPCE_FORMAT",
        IDENTITY,
        condition("StringEquals", "aws:SourceVpce", "vpc-0123456789abcdef0"),
        condition("StringEquals", "aws:SourceVpce", "vpce-0123456789abcdef0"),
    ),
    (
        "INVALID_VPC_FORMAT",
        IDENTITY,
        condition("StringEquals", "aws:SourceVpc", "vpce-0123456789abcdef0"),
        condition("StringEquals", "aws:SourceVpc", "vpc-01234567"),
    ),
    (
        "IRRELEVANT_CONDITION_KEY_IN_POLICY",
        KEYS,
        condition("StringEquals", "aws:ResourceTag/team", "a"),
        condition("StringEquals", "aws:PrincipalTag/team", "a"),
    ),
    (
        "MISMATCHED_ACTION_FOR_PRINCIPAL",
        TRUST,
        web("sts:AssumeRole", condition=REPOSITORY),
        web(WEB, condition=REPOSITORY),
    ),
    ("MISSING_ACTION", IDENTITY, {"Action": None}, {"Action": None, "NotAction": "kms:Decrypt"}),
    (
        "MISSING_ACTION_FOR_CONDITION_KEY",
        TRUST,
        condition("StringEquals", "aws:RequestTag/team", "a"),
        {
            "Action": ["sts:AssumeRole", "sts:TagSession"],
            **condition("StringEquals", "aws:RequestTag/team", "a"),
        },
    ),
    (
        "MISSING_ACTION_FOR_ROLES_ANYWHERE_TRUST_POLICY",
        TRUST,
        {"Principal": {"Service": "rolesanywhere.amazonaws.com"}},
        {
            "Principal": {"Service": "rolesanywhere.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
        },
    ),
    ("MISSING_ARN_FIELD", IDENTITY, {"Resource": "arn:aws:s3:b"}, {"Resource": "arn:aws:s3:::b"}),
    (
        "MISSING_ARN_REGION",
        IDENTITY,
        {"Resource": "arn:aws:kms::111122223333:key/*"},
        {"Resource": "arn:aws:kms:*:111122223333:key/*"},
    ),
    (
        "MISSING_BRACE_IN_VARIABLE",
        IDENTITY,
        {"Resource": "arn:aws:s3:::b/${aws:username"},
        {"Resource": "arn:aws:s3:::b/${aws:username}"},
    ),
    (
        "MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL",
        TRUST,
        web(WEB, provider="id.example.com"),
        web(
            WEB,
            provider="id.example.com",
            condition={"StringEquals": {"id.example.com:aud": "keystead"}},
        ),
    ),
    ("MISSING_EFFECT", IDENTITY, {"Effect": None}, {}),
    (
        "MISSING_GITHUB_REPO_CONDITION_KEY",
        TRUST,
        web(WEB, condition={"StringEquals": {AUD: "sts.amazonaws.com"}}),
        web(WEB, condition=REPOSITORY),
    ),
    ("MISSING_PRINCIPAL", KEYS, {"Principal": None}, {}),
    (
        "MISSING_QUALIFIER",
        IDENTITY,
        condition("StringEquals", "aws:TagKeys", "a"),
        condition("ForAnyValue:StringEquals", "aws:TagKeys", "a"),
    ),
    (
        "MISSING_QUOTE_IN_VARIABLE",
        IDENTITY,
        {"Resource": "arn:aws:s3:::b/${aws:username, nobody}"},
        {"Resource": "arn:aws:s3:::b/${aws:username, 'nobody'}"},
    ),
    ("MISSING_RESOURCE", IDENTITY, {"Resource": None}, {}),
    (
        "MISSING_TAG_KEY_IN_CONDITION",
        IDENTITY,
        condition("StringEquals", "aws:PrincipalTag", "a"),
        condition("StringEquals", "aws:PrincipalTag/team", "a"),
    ),
    (
        "NULL_WITH_IF_EXISTS",
        IDENTITY,
        condition("NullIfExists", "aws:username", "true"),
        condition("Null", "aws:username", "true"),
    ),
    (
        "NULL_WITH_QUALIFIER",
        IDENTITY,
        condition("ForAllValues:Null", "aws:TagKeys", "true"),
        condition("Null", "aws:TagKeys", "true"),
    ),
    (
        "REDUNDANT_ACTION",
        IDENTITY,
        {"Action": ["kms:Decrypt", "kms:De*"]},
        {"Action": ["kms:Encrypt", "kms:De*"]},
    ),
    (
        "REDUNDANT_CONDITION_VALUE_NUM",
        IDENTITY,
        condition("NumericLessThan", "aws:MultiFactorAuthAge", ["60", "300"]),
        condition("NumericEquals", "aws:MultiFactorAuthAge", ["60", "300"]),
    ),
    (
        "REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY",
        TRUST,
        {
            "Principal": {
                "AWS": [
                    "arn:aws:iam::111122223333:role/app",
                    "arn:aws:sts::111122223333:assumed-role/app/job",
                ]
            }
        },
        {
            "Principal": {
                "AWS": [
                    "arn:aws:iam::111122223333:role/app",
                    "arn:aws:sts::111122223333:assumed-role/other/job",
                ]
            }
        },
    ),
    (
        "REDUNDANT_RESOURCE",
        IDENTITY,
        {"Resource": ["arn:aws:s3:::b/*", "arn:aws:s3:::b/a?c"]},
        {"Resource": ["arn:aws:s3:::b/?", "arn:aws:s3:::b/*/x"]},
    ),
    (
        "RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL",
        KEYS,
        {"Principal": {"Service": "logs.amazonaws.com"}},
        {
            "Principal": {"Service": "logs.amazonaws.com"},
            **condition("StringEquals", "aws:SourceAccount", "111122223333"),
        },
    ),
    (
        "ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL",
        TRUST,
        {"Principal": None, "NotPrincipal": ROOT},
        {},
    ),
    ("ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE", TRUST, {"Resource": "*"}, {}),
    (
        "ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL",
        TRUST,
        {"Principal": "*"},
        {"Principal": ROOT},
    ),
    ("SCP_SYNTAX_ERROR_PRINCIPAL", SCP, {"Principal": "*"}, {}),
    (
        "SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED",
        TRUST,
        web(WEB, condition={"StringLike": {SUB: "repo:keystead/*"}}),
        web(WEB, condition=REPOSITORY),
    ),
    (
        "TYPE_MISMATCH",
        IDENTITY,
        condition("NumericEquals", "aws:username", "1"),
        condition("StringEquals", "aws:username", "1"),
    ),
    (
        "TYPE_MISMATCH_BOOLEAN",
        IDENTITY,
        condition("Bool", "aws:SecureTransport", "yes"),
        condition("Bool", "aws:SecureTransport", "TRUE"),
    ),
    (
        "TYPE_MISMATCH_DATE",
        IDENTITY,
        condition("DateLessThan", "aws:CurrentTime", "2030-13-01"),
        condition("DateLessThan", "aws:CurrentTime", "2030-12-01"),
    ),
    (
        "TYPE_MISMATCH_IP_RANGE",
        IDENTITY,
        condition("IpAddress", "aws:SourceIp", "203.0.113.0/33"),
        condition("IpAddress", "aws:SourceIp", "203.0.113.0/32"),
    ),
    (
        "TYPE_MISMATCH_NUMBER",
        IDENTITY,
        condition("NumericLessThan", "aws:MultiFactorAuthAge", "five"),
        condition("NumericLessThan", "aws:MultiFactorAuthAge", 5),
    ),
    (
        "TYPE_MISMATCH_STRING",
        IDENTITY,
        condition("BinaryEquals", "s3:x", "not base64"),
        condition("BinaryEquals", "s3:x", "aGk="),
    ),
    (
        "UNSUPPORTED_ACTION_FOR_CONDITION_KEY",
        IDENTITY,
        {
            "Action": ["kms:Decrypt", "kms:DisableKey"],
            **condition("StringEquals", "kms:EncryptionContext:team", "a"),
        },
        {
            "Action": ["kms:Decrypt", "kms:Encrypt"],
            **condition("StringEquals", "kms:EncryptionContext:team", "a"),
        },
    ),
    (
        "UNSUPPORTED_ACTION_IN_POLICY",
        TRUST,
        {"Action": "sts:GetCallerIdentity"},
        {"Action": "sts:AssumeRole"},
    ),
    (
        "UNSUPPORTED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL",
        TRUST,
        {
            "Principal": {"Service": "ec2.amazonaws.com"},
            **condition("StringEquals", "aws:PrincipalOrgID", "o-abcdefghij"),
        },
        {
            "Principal": {"Service": "ec2.amazonaws.com"},
            **condition("StringEquals", "aws:SourceOrgID", "o-abcdefghij"),
        },
    ),
    ("UNSUPPORTED_ELEMENT_COMBINATION", IDENTITY, {"NotAction": "kms:Encrypt"}, {}),
    (
        "UNSUPPORTED_GLOBAL_CONDITION_KEY",
        IDENTITY,
        condition("ArnLike", "aws:ARN", USER),
        condition("ArnLike", "aws:PrincipalArn", USER),
    ),
    ("UNSUPPORTED_PRINCIPAL", IDENTITY, {"Principal": ROOT}, {}),
    (
        "UNSUPPORTED_RESOURCE_ARN_IN_POLICY",
        KEYS,
        {"Resource": "arn:aws:kms:eu-central-1:111122223333:alias/a"},
        {"Resource": KEY},
    ),
    ("UNSUPPORTED_SID", IDENTITY, {"Sid": "a b"}, {"Sid": "ab"}),
    (
        "UNSUPPORTED_SPACE_IN_VARIABLE",
        IDENTITY,
        {"Resource": "arn:aws:s3:::b/${aws: username}"},
        {"Resource": "arn:aws:s3:::b/${aws:username}"},
    ),
    (
        "UNSUPPORTED_WILDCARD_IN_PRINCIPAL",
        KEYS,
        {"Principal": {"AWS": "arn:aws:iam::111122223333:user/*"}},
        {"Principal": {"AWS": "*"}},
    ),
    (
        "VARIABLE_UNSUPPORTED_IN_ELEMENT",
        IDENTITY,
        {"Resource": "arn:aws:s3::${aws:PrincipalAccount}:b"},
        {"Resource": "arn:aws:s3:::${aws:PrincipalAccount}"},
    ),
    (
        "WILDCARD_IN_SERVICE_NAME",
        KEYS,
        {"Resource": "arn:aws:k*:eu-central-1:111122223333:key/*"},
        {"Resource": "arn:aws:kms:eu-central-1:111122223333:key/*"},
    ),
    (
        "WILDCARD_WITHOUT_LIKE_OPERATOR",
        IDENTITY,
        condition("StringEquals", "aws:username", "a*"),
        condition("StringLike", "aws:username", "a*"),
    ),
    *(
        (f"{prefix}_{suffix}", IDENTITY, {"Resource": None, **elements}, {**elements, **confined})
        for prefix, action, confined in (
            ("PASS_ROLE", "iam:PassRole", {"Resource": "arn:aws:iam::111122223333:role/app"}),
            (
                "CREATE_SLR",
                "iam:CreateServiceLinkedRole",
                {
                    "Resource": "*",
                    "NotResource": None,
                    **condition("StringEquals", "iam:AWSServiceName", "x.amazonaws.com"),
                },
            ),
        )
        for suffix, elements in (
            ("WITH_NOT_RESOURCE", {"Action": action, "NotResource": "arn:aws:s3:::b"}),
            (
                "WITH_STAR_IN_ACTION_AND_NOT_RESOURCE",
                {"Action": "iam:*", "NotResource": "arn:aws:s3:::b"},
            ),
            (
                "WITH_NOT_ACTION_AND_NOT_RESOURCE",
                {"Action": None, "NotAction": "kms:*", "NotResource": "arn:aws:s3:::b"},
            ),
            ("WITH_STAR_IN_RESOURCE", {"Action": action, "Resource": "*"}),
            ("WITH_STAR_IN_ACTION_AND_RESOURCE", {"Action": "*", "Resource": "*"}),
            (
                "WITH_STAR_IN_RESOURCE_AND_NOT_ACTION",
                {"Action": None, "NotAction": "kms:*", "Resource": "*"},
            ),
        )
    ),
]  # fmt: skip


def large(kind: DocumentKind, size: int) -> str:
    """A document of this size, as the kind counts."""
    text = document(kind, {}, Id="")
    return text.replace('"Id": ""', f'"Id": "{"x" * (size - document_size(text, kind))}"')


TWO = [{**BASES[IDENTITY], "Sid": "A"}, {**BASES[IDENTITY], "Sid": "A", "Action": "kms:Encrypt"}]
APART = [TWO[0], {**TWO[1], "Sid": "B"}]
IN_KEYS = [{**BASES[KEYS], "Sid": "A"}, {**BASES[KEYS], "Sid": "A", "Action": "kms:Encrypt"}]
VARIABLE = {"Resource": "arn:aws:s3:::b/${aws:username}"}

# (code, kind, text that has the issue, text that has it not)
TEXTS: list[tuple[str, DocumentKind, str, str]] = [
    ("INVALID_VERSION", KEYS, document(KEYS, {}, Version="2015-10-17"), document(KEYS, {})),
    ("JSON_SYNTAX_ERROR", IDENTITY, document(IDENTITY, {})[:-1], document(IDENTITY, {})),
    ("MISSING_STATEMENT", IDENTITY, document(IDENTITY, {}, Statement=[]), document(IDENTITY, {})),
    ("MISSING_VERSION", KEYS, document(KEYS, {}, Version=None), document(KEYS, {})),
    (
        "REDUNDANT_STATEMENT",
        IDENTITY,
        document(IDENTITY, {}, Statement=[TWO[0], {**TWO[0], "Sid": "B"}]),
        document(IDENTITY, {}, Statement=APART),
    ),
    (
        "UNIQUE_SIDS_REQUIRED",
        IDENTITY,
        document(IDENTITY, {}, Statement=TWO),
        document(IDENTITY, {}, Statement=APART),
    ),
    (
        "UNIQUE_SIDS_RECOMMENDED",
        KEYS,
        document(KEYS, {}, Statement=IN_KEYS),
        document(KEYS, {}, Statement=[IN_KEYS[0], {**IN_KEYS[1], "Sid": "B"}]),
    ),
    (
        "VARIABLE_UNSUPPORTED_IN_VERSION",
        SCP,
        document(SCP, VARIABLE, Version="2008-10-17"),
        document(SCP, VARIABLE),
    ),
    *(
        (f"POLICY_SIZE_EXCEEDS_{code}_QUOTA", kind, large(kind, quota + 1), large(kind, quota))
        for code, kind, quota in (
            ("SCP", SCP, 5120),
            ("RCP", RCP, 5120),
            ("IDENTITY_POLICY", IDENTITY, 6144),
            ("RESOURCE_POLICY", KEYS, 32768),
            ("ROLE_TRUST_POLICY", TRUST, 2048),
        )
    ),
]
EXAMPLES = [
    *(
        (code, kind, document(kind, one), document(kind, other))
        for code, kind, one, other in STATEMENTS
    ),
    *TEXTS,
]
