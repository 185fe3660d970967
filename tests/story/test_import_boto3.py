"""Own key material, brought to a running server with the AWS CLI and openssl, and with boto3."""

import os
import shutil
from pathlib import Path

import pytest

from tests.conftest import Server, refused
from tests.importing import FOR_EVER, bring, prepared
from tests.story.test_readme import README, follow

PAGE = README.parent / "docs" / "import.md"


def test_the_page(server: Server, tmp_path: Path) -> None:
    """Every command of the page does what it says, with OpenSSL doing the wrapping."""
    assert shutil.which("openssl"), "install openssl: the page wraps key material with it"
    assert len(follow(PAGE, server, tmp_path)) > 15


def test_killed_between_import_and_answer(own_server: Server) -> None:
    """After a crash the import has happened or it has not, and the same request completes it."""
    kms = own_server.client("kms")
    keys = [kms.create_key(Origin="EXTERNAL")["KeyMetadata"]["KeyId"] for _ in range(2)]
    secret = os.urandom(32)
    sent = [prepared(kms, key, secret) for key in keys]
    done = kms.import_key_material(**sent[0], **FOR_EVER)
    blob = kms.encrypt(KeyId=keys[0], Plaintext=b"x")["CiphertextBlob"]
    own_server.kill()
    own_server.start()
    kms = own_server.client("kms")
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    for key, members in zip(keys, sent, strict=True):
        again = kms.import_key_material(**members, **FOR_EVER)
        assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
        assert (again["KeyMaterialId"] == done["KeyMaterialId"]) is (key == keys[0])


@pytest.mark.parametrize("secret", [bytes(31), bytes(33)])
def test_another_length(server: Server, secret: bytes) -> None:
    """boto3 knows the error of material that does not fit, as the class that the model names."""
    kms = server.client("kms")
    key = kms.create_key(Origin="EXTERNAL")["KeyMetadata"]["KeyId"]
    with pytest.raises(kms.exceptions.IncorrectKeyMaterialException):
        bring(kms, key, secret)
    with refused("KMSInvalidStateException"):
        kms.encrypt(KeyId=key, Plaintext=b"x")
