"""The words of refusals as a client hears them: names, paths, condition keys."""

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Server, policy, refused


def test_names_and_paths_have_sentences_of_their_own(server: Server) -> None:
    """IAM says which characters a name or a path may have, and does not quote the value."""
    iam = server.client("iam")
    with pytest.raises(ClientError) as told:
        iam.create_user(UserName="a b")
    assert told.value.response["Error"] == {
        "Type": "Sender",
        "Code": "ValidationError",
        "Message": (
            "The specified value for userName is invalid. It must contain only alphanumeric"
            " characters and/or the following: +=,.@_-"
        ),
    }
    with refused("ValidationError", "The specified value for path is invalid. It must begin and"):
        iam.create_user(UserName="words", Path="x")
    with refused("ValidationError", "The specified value for pathPrefix is invalid. It must begin"):
        iam.list_users(PathPrefix="x")
    iam.create_user(UserName="a+b=c,d.e@f_g-h", Path="/x/")


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("aws:SignInSessionArn", "it exists at AWS and has no value here"),
        ("iam:ServiceSpecificCredentialAgeDays", "accept_unsupported_condition_keys"),
        ("aws:SuorceIp", "it does not exist"),
    ],
)
def test_condition_keys_without_a_value(server: Server, key: str, words: str) -> None:
    """What exists at AWS is told from what does not, with the setting that stores it."""
    statement = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
    asking = {**statement, "Condition": {"StringEquals": {key: "x"}}}
    with refused("MalformedPolicyDocument", words):
        server.client("iam").create_policy(PolicyName="words", PolicyDocument=policy(asking))
