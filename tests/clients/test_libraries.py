"""Libraries that keep their keys in KMS: Tink wraps keysets, securesystemslib signs metadata.

The programs are those of docs/clients.md, which know the server from the environment.
"""

import re
import runpy
from pathlib import Path
from typing import Any

import boto3
import pytest
import tink
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import AWSSigner  # type: ignore[attr-defined]  # not in its `__all__`
from tink import aead

from tests.conftest import REGION, Credentials, Server, create_user

GUIDE = Path(__file__).parents[2] / "docs" / "clients.md"
SPECS = {
    "RSA_3072": "rsassa-pss-sha256",
    "ECC_NIST_P256": "ecdsa-sha2-nistp256",
    "ECC_NIST_P384": "ecdsa-sha2-nistp384",
}


def example(heading: str, arn: str, folder: Path) -> dict[str, Any]:
    """What the page's example made, with this key; it runs in this folder."""
    page = GUIDE.read_text().partition(f"\n## {heading}")[2]
    [program] = re.findall(r"```python\n(.*?)```", page.partition("\n## ")[0], re.DOTALL)
    assert program.count(":key/") == 1
    (folder / "example.py").write_text(re.sub(r"arn:aws:kms:[^\"]+", arn, program))
    return runpy.run_path(str(folder / "example.py"))


def settings(server: Server, who: Credentials, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a program that acts as this user."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", who.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", who.secret)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it would keep other credentials


def key(server: Server, **kind: str) -> str:
    arn: str = server.client("kms").create_key(**kind)["KeyMetadata"]["Arn"]
    return arn


def test_tink(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A keyset that is encrypted for one purpose is read for this purpose alone."""
    arn = key(server)
    purpose = "kms:EncryptionContext:associatedData"
    condition = {"StringEquals": {purpose: b"orders".hex()}}
    may = {"Effect": "Allow", "Action": ["kms:Encrypt", "kms:Decrypt"], "Resource": arn}
    who = create_user(server, "tink", {**may, "Condition": condition})
    settings(server, who, monkeypatch)
    monkeypatch.chdir(tmp_path)
    made = example("Tink", arn, tmp_path)
    sealed = made["ciphertext"]

    def read(purpose: bytes) -> tink.KeysetHandle:
        reader = tink.JsonKeysetReader((tmp_path / "keyset.json").read_text())
        return tink.read_keyset_handle_with_associated_data(reader, made["remote"], purpose)

    assert read(b"orders").primitive(aead.Aead).decrypt(sealed, b"") == b"hello"
    with pytest.raises(tink.TinkError, match="not authorized to perform: kms:Decrypt"):
        read(b"payroll")
    server.client("kms").disable_key(KeyId=arn)
    with pytest.raises(tink.TinkError, match="is disabled"):
        read(b"orders")


@pytest.mark.parametrize("spec", SPECS)
def test_securesystemslib(
    server: Server, spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signer of TUF and in-toto finds the public key and signs; who only reads does not."""
    arn = key(server, KeySpec=spec, KeyUsage="SIGN_VERIFY")
    reads = {"Effect": "Allow", "Action": "kms:GetPublicKey", "Resource": arn}
    signs = {"Effect": "Allow", "Action": ["kms:GetPublicKey", "kms:Sign"], "Resource": arn}
    reader = create_user(server, f"reads-{spec}", reads)
    signer = create_user(server, f"signs-{spec}", signs)

    settings(server, signer, monkeypatch)
    made = example("securesystemslib", arn, tmp_path)
    uri, public, signed = made["uri"], made["public_key"], made["signature"]

    assert public.scheme == SPECS[spec]
    public.verify_signature(signed, b"metadata")
    with pytest.raises(UnverifiedSignatureError):
        public.verify_signature(signed, b"other metadata")
    settings(server, reader, monkeypatch)
    assert AWSSigner.import_(arn)[1] == public
    with pytest.raises(Exception, match="not authorized to perform: kms:Sign"):
        AWSSigner.from_priv_key_uri(uri, public).sign(b"metadata")
