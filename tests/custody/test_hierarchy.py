"""The hierarchy: one key per purpose, always the same, and none that another purpose has."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from keystead.custody.hierarchy import Hierarchy, Purpose
from keystead.custody.rows.records import BadRecord
from keystead.custody.signing.signer import AuditSigner

from .conftest import ROOT, root


def test_every_purpose_has_its_own_key() -> None:
    """No two labels give the same key, and none gives the root key."""
    keys = {root().derive(f"keystead/1/purpose/{purpose}") for purpose in Purpose}

    assert len(keys) == len(Purpose)
    assert ROOT not in keys


def test_the_keys_are_always_the_same() -> None:
    """A label's key never changes: what was stored under it has to open for ever."""
    hierarchy = Hierarchy(root())

    assert (
        hierarchy.store_key.hex()
        == "122f8941a50bf12da5b5f12e4efba7c4122a91e22e1ec9f6f0c52704a1ad5115"
    )
    assert hierarchy.rows.mac("table", ("key", 1)).hex() == (
        "0153e23f4a6a90260525a8428188dabc6bbdc1d6f6f8c213c378299c7118c45d"
    )
    assert hierarchy.audit_signer.public_key_pem == (
        b"-----BEGIN PUBLIC KEY-----\n"
        b"MCowBQYDK2VwAyEAQQd5tP4ILfMMp2ILekMzx5M2VmehmXzikm7g+kqjI94=\n"
        b"-----END PUBLIC KEY-----\n"
    )
    assert hierarchy.audit_tags(b"line").hex() == "5a834a844e5268eaf774e9c10a85f403"


def test_a_new_incarnation_keeps_the_keys() -> None:
    """A restore changes the tokens and nothing that is stored."""
    before, after = Hierarchy(root()), Hierarchy(root(incarnation="incarnation-2"))

    assert before.incarnation != after.incarnation
    assert before.store_key == after.store_key
    assert before.rows.mac("t", (1,)) == after.rows.mac("t", (1,))


def test_accounts_have_their_own_domains() -> None:
    """One account's domain does not open what another's sealed; evicted, it comes back the same."""
    hierarchy = Hierarchy(root())
    sealed = hierarchy.domain("111122223333").seal(b"secret", b"place")
    with pytest.raises(BadRecord):
        hierarchy.domain("444455556666").unseal(sealed, b"place")
    for number in range(5000):
        hierarchy.domain(f"{number:012}")

    assert hierarchy.domain("111122223333").unseal(sealed, b"place") == b"secret"
    assert len(hierarchy._domains) <= 4096


def test_signatures_are_ed25519() -> None:
    """The signer gives the signature of RFC 8032, test 1, and a key that verifies it."""
    signer = AuditSigner(
        bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    )
    public = load_pem_public_key(signer.public_key_pem)
    assert isinstance(public, Ed25519PublicKey)

    assert public.public_bytes_raw().hex() == (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    )
    assert signer.sign(b"").hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
        "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
    public.verify(signer.sign(b"message"), b"message")
