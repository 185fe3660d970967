"""What is known of the condition keys of the services that are served (iam.md 6, kms.md 11)."""

import pytest

from keystead.policy.language.condition_keys import KNOWN, family, is_multi_valued, is_supplied


@pytest.mark.parametrize(
    ("name", "kind", "many", "supplied"),
    [
        ("aws:PrincipalOrgID", "String", False, True),
        ("aws:PrincipalTag/", "String", False, True),
        ("kms:EncryptionContext:", "String", False, True),
        ("kms:ViaService", "String", False, True),
        ("sts:ExternalId", "String", False, True),
        ("saml:aud", "String", False, True),
        ("aws:TagKeys", "String", True, True),
        ("kms:EncryptionContextKeys", "String", True, True),
        ("aws:SecureTransport", "Bool", False, True),
        ("kms:GrantIsForAWSResource", "Bool", False, True),
        ("aws:MultiFactorAuthAge", "Numeric", False, True),
        ("kms:RotationPeriodInDays", "Numeric", False, True),
        ("aws:TokenIssueTime", "Date", False, True),
        ("kms:ValidTo", "Date", False, True),
        ("aws:SourceIp", "IPAddress", False, True),
        ("aws:PrincipalArn", "ARN", False, True),
        ("iam:PolicyARN", "ARN", False, True),
        ("aws:AssumedRoot", "Bool", False, True),
        ("sts:RequestContext/", "String", False, False),
    ],
)
def test_keys_as_aws_documents_them(name: str, kind: str, many: bool, supplied: bool) -> None:
    """AWS's spelling, the type of the value, whether there may be several, whether any is here."""
    fact = KNOWN[name.lower()]
    assert (fact.name, fact.type) == (name, kind)
    assert (fact.multi_valued, fact.supplied) == (many, supplied)


@pytest.mark.parametrize(
    ("key", "known_as"),
    [
        ("aws:principaltag/team", "aws:principaltag/"),
        ("aws:principaltag/a:b/c", "aws:principaltag/"),
        ("kms:encryptioncontext:a", "kms:encryptioncontext:"),
        ("kms:encryptioncontext:a/b:c", "kms:encryptioncontext:"),
        ("aws:principaltag", "aws:principaltag"),  # no tag is named
        ("kms:encryptioncontext", "kms:encryptioncontext"),
        ("aws:username/x", "aws:username/x"),
        ("aws:username:x", "aws:username:x"),
        ("app:principaltag/x", "app:principaltag/x"),
        ("username", "username"),
    ],
)
def test_a_family_is_what_stands_before_its_own_separator(key: str, known_as: str) -> None:
    """A tag's key and the key of a pair may have any characters, separators too."""
    assert family(key) == known_as


@pytest.mark.parametrize(
    ("key", "supplied"),
    [
        ("aws:username", True),
        ("aws:resourcetag/team", True),
        ("aws:resourcetag", False),
        ("aws:username:x", False),
        ("kms:nosuchkey:x", False),
        ("sts:requestcontext/x", False),
        ("iam:templatearn", False),
        ("saml:nosuchkey", False),
        ("s3:prefix", True),
        ("id.example.com/aws:sub", True),
    ],
)
def test_keys_of_other_services_may_always_have_a_value(key: str, supplied: bool) -> None:
    """Of our own services every key is known, and what is not known has none (PE-2)."""
    assert is_supplied(key) is supplied


@pytest.mark.parametrize(
    ("key", "many"),
    [
        ("aws:tagkeys", True),
        ("kms:grantoperations", True),
        ("aws:username", False),
        ("aws:principaltag/team", False),
        ("s3:nosuchkey", False),
    ],
)
def test_a_key_for_several_values_has_a_list_even_of_one(key: str, many: bool) -> None:
    """What is not known to be a list holds one value."""
    assert is_multi_valued(key) is many
