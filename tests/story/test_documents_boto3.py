"""Documents as people write them for AWS, stored, refused and obeyed through boto3."""

import json
from typing import Any

import pytest

from tests.conftest import Server, create_user, policy, refused

CREATE = "policy-of-documents"


def statement(**elements: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*", **elements}


@pytest.mark.parametrize(
    ("resource", "allowed"),
    [("arn:aws:kms", True), ("arn:aws:kms:*", True), ("arn:aws:cloudfront:*", False)],
)
def test_an_incomplete_arn_is_completed(server: Server, resource: str, allowed: bool) -> None:
    """What an ARN of an identity-based policy lacks is `*`: the call shows it."""
    key = server.client("kms").create_key()["KeyMetadata"]["Arn"]
    name = f"short-{resource.replace(':', '-').replace('*', 'x')}"
    kms = server.client("kms", create_user(server, name, statement(Resource=resource)))
    if allowed:
        assert kms.encrypt(KeyId=key, Plaintext=b"x")["KeyId"] == key
        return
    with refused("AccessDeniedException", "no identity-based policy allows"):
        kms.encrypt(KeyId=key, Plaintext=b"x")


@pytest.mark.parametrize(
    ("elements", "message"),
    [
        ({"Resource": "arn:aws::x"}, "The policy failed legacy parsing"),
        ({"Resource": "arn:aws:s3::example_bucket"}, "The policy failed legacy parsing"),
        ({"Resource": "arn:aws:s3:eu-west-1::b"}, "can not contain region information."),
        (
            {"Resource": "arn:error:s3:::b"},
            'Partition "error" is not valid for resource "arn:error:s3:::b".',
        ),
        (
            {"Sid": "with blanks"},
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies",
        ),
        (
            {"Action": "a:a:a", "Resource": "sdfsadf"},
            'Resource sdfsadf must be in ARN format or "*".',
        ),
    ],
)
def test_refused_documents(server: Server, elements: dict[str, Any], message: str) -> None:
    """IAM's sentences, and which of two mistakes is named."""
    with refused("MalformedPolicyDocument", message):
        server.client("iam").create_policy(
            PolicyName=CREATE, PolicyDocument=policy(statement(**elements))
        )


def test_what_aws_stores_is_stored(server: Server) -> None:
    """Tag keys with blanks in variables, condition keys without a colon."""
    iam = server.client("iam")
    document = policy(
        statement(
            Resource="arn:aws:s3:::b/${aws:PrincipalTag/cost center}/*",
            Condition={"StringEqualsIfExists": {"username": "x"}},
        )
    )
    made = iam.create_policy(PolicyName=CREATE, PolicyDocument=document)["Policy"]
    stored = iam.get_policy_version(PolicyArn=made["Arn"], VersionId="v1")["PolicyVersion"]
    assert stored["Document"] == json.loads(document)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Action": None}, "Policy statement must contain actions."),
        ({"Action": []}, "Policy statement must contain actions."),
        ({"Resource": None}, "Policy statement must contain resources."),
        ({"Resource": []}, "Policy statement must contain resources."),
        ({"Resource": "arn:aws:kms"}, "The policy failed legacy parsing"),
        ({"Resource": "1234abcd"}, "must be in ARN format"),
    ],
)
def test_a_key_policy_statement_says_what_it_is_about(
    server: Server, change: dict[str, Any], message: str
) -> None:
    """KMS refuses a statement without Action or Resource, and we one that can match nothing."""
    kms = server.client("kms")
    account = server.client("sts").get_caller_identity()["Account"]
    everything = statement(Principal={"AWS": account}, Action="kms:*")
    deny = {**statement(Principal="*", Action="kms:Decrypt", Effect="Deny"), **change}
    written = {name: value for name, value in deny.items() if value is not None}
    with refused("MalformedPolicyDocumentException", message):
        kms.create_key(Policy=policy(everything, written))
    key = kms.create_key(Policy=policy(everything))["KeyMetadata"]["KeyId"]
    with refused("MalformedPolicyDocumentException", message):
        kms.put_key_policy(KeyId=key, Policy=policy(everything, written))
    kms.put_key_policy(
        KeyId=key, Policy=policy(everything, {**deny, "Action": "kms:Sign", "Resource": "*"})
    )
