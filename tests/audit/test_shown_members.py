"""What is remembered of a call, and what never (kms.md 22.2, AD-2)."""

from datetime import UTC, datetime

from keystead.audit.records.shown_members import request_parameters, response_elements
from keystead.wire.models import iam, kms


def test_parameters_have_cloudtrails_names() -> None:
    """Members are remembered under the model's names with a small first letter."""
    request = kms.CreateKeyRequest(
        description="d", tags=[kms.Tag(tag_key="k", tag_value="v")], multi_region=False
    )
    shown = request_parameters(kms.CreateKey, request)
    assert shown is not None
    assert shown["description"] == "d"
    assert shown["tags"] == [{"tagKey": "k", "tagValue": "v"}]


def test_secrets_and_blobs_are_left_out() -> None:
    """Plaintext, ciphertext and tokens never get in; the encryption context does."""
    request = kms.EncryptRequest(
        key_id="k", plaintext=b"canary", encryption_context={"a": "b"}, grant_tokens=["canary"]
    )
    assert request_parameters(kms.Encrypt, request) == {
        "keyId": "k",
        "encryptionContext": {"a": "b"},
    }


def test_new_secret_is_not_shown() -> None:
    """CreateAccessKey's answer is remembered without the secret, with CloudTrail's times."""
    answer = iam.CreateAccessKeyResponse(
        access_key=iam.AccessKey(
            user_name="alice",
            access_key_id="AKIAEXAMPLEEXAMPLE00",
            status="Active",
            secret_access_key="canary",
            create_date=datetime(2022, 8, 1, 9, 38, 27, tzinfo=UTC),
        )
    )
    assert response_elements(iam.CreateAccessKey, answer) == {
        "accessKey": {
            "userName": "alice",
            "accessKeyId": "AKIAEXAMPLEEXAMPLE00",
            "status": "Active",
            "createDate": "Aug 1, 2022, 9:38:27 AM",
        }
    }
