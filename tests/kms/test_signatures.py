"""Sign, Verify, GetPublicKey, GenerateMac and VerifyMac (kms.md 5, 8.5, 9)."""

from collections.abc import Callable
from hashlib import sha256, sha384, sha512
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from keystead.kms import usage
from tests.kms.world import (
    ACCOUNT,
    OTHER_ACCOUNT,
    Kms,
    World,
    allow,
    delegation,
    document,
    refused,
)

MESSAGE = b"a message " * 400
HASHES = {"256": sha256, "384": sha384, "512": sha512}
USED: dict[str, hashes.HashAlgorithm] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}
SPECS = ("RSA_2048", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1",
         "ECC_NIST_EDWARDS25519", "ML_DSA_44")  # fmt: skip
P256 = "ECDSA_SHA_256"
HMAC = "HMAC_SHA_256"


def signing_key(admin: Kms, spec: str = "ECC_NIST_P256", **members: Any) -> str:
    return admin.key(KeySpec=spec, KeyUsage="SIGN_VERIFY", **members)


def mac_key(admin: Kms, spec: str = "HMAC_256", **members: Any) -> str:
    return admin.key(KeySpec=spec, KeyUsage="GENERATE_VERIFY_MAC", **members)


def verify(der: bytes, algorithm: str, signature: bytes) -> None:
    """Verify as somebody does who has only the public key."""
    public = load_der_public_key(der)
    if isinstance(public, Ed25519PublicKey | MLDSA44PublicKey):
        public.verify(signature, MESSAGE)
        return
    used = USED[algorithm[-3:]]
    if isinstance(public, EllipticCurvePublicKey):
        public.verify(signature, MESSAGE, ECDSA(used))
    else:
        assert isinstance(public, RSAPublicKey)
        padding = PSS(MGF1(used), used.digest_size) if "PSS" in algorithm else PKCS1v15()
        public.verify(signature, MESSAGE, padding, used)


@pytest.mark.parametrize("spec", SPECS)
def test_every_algorithm(admin: Kms, world: World, spec: str) -> None:
    """A signature verifies here and by the public key elsewhere, and no other message's does."""
    key = signing_key(admin, spec)
    public = admin.get_public_key(KeyId=key)
    for algorithm in usage.algorithms(spec, "SIGN_VERIFY"):
        if algorithm == "ED25519_PH_SHA_512":
            continue  # below
        named = {"KeyId": key, "SigningAlgorithm": algorithm}
        signed = admin.sign(**named, Message=MESSAGE)
        verified = admin.verify(**named, Message=MESSAGE, Signature=signed.signature)

        assert signed.key_id == verified.key_id == public.key_id == admin.arn(f"key/{key}")
        assert signed.signing_algorithm == verified.signing_algorithm == algorithm
        assert verified.signature_valid
        verify(public.public_key, algorithm, signed.signature)
        for other in ({"Message": MESSAGE + b"!"}, {"Signature": signed.signature[:-1] + b"\0\0"}):
            with refused("KMSInvalidSignatureException") as told:
                admin.verify(
                    **{**named, "Message": MESSAGE, "Signature": signed.signature, **other}
                )
            assert told.value.message is None
    assert all(each.additional == {} for each in world.events)


@pytest.mark.parametrize("spec", SPECS[:5])
def test_digests(admin: Kms, spec: str) -> None:
    """A digest is signed as it is, and must be as long as the algorithm's hash."""
    key = signing_key(admin, spec)
    der = admin.get_public_key(KeyId=key).public_key
    for algorithm in usage.algorithms(spec, "SIGN_VERIFY"):
        digest = HASHES[algorithm[-3:]](MESSAGE).digest()
        named = {"KeyId": key, "SigningAlgorithm": algorithm, "MessageType": "DIGEST"}
        signature = admin.sign(**named, Message=digest).signature
        verify(der, algorithm, signature)
        assert admin.verify(**named, Message=digest, Signature=signature).signature_valid
        raw = {**named, "MessageType": "RAW"}  # a digest that is hashed again
        with refused("KMSInvalidSignatureException"):
            admin.verify(**raw, Message=digest, Signature=signature)
        for wrong in (digest[:-1], digest + b"\0", MESSAGE):
            told = f"Digest is invalid length for algorithm {algorithm}."
            with refused("ValidationException", told):
                admin.sign(**named, Message=wrong)
            with refused("ValidationException", told):
                admin.verify(**named, Message=wrong, Signature=signature)


@pytest.mark.parametrize(
    ("spec", "algorithm", "message_type", "cause"),
    [
        ("ECC_NIST_EDWARDS25519", "ED25519_SHA_512", "DIGEST", "algorithm ED25519_SHA_512"),
        ("ECC_NIST_EDWARDS25519", "ED25519_PH_SHA_512", "RAW", "algorithm ED25519_PH_SHA_512"),
        ("ECC_NIST_P256", "ECDSA_SHA_256", "EXTERNAL_MU", "key spec ECC_NIST_P256"),
        ("RSA_2048", "RSASSA_PSS_SHA_512", "EXTERNAL_MU", "key spec RSA_2048"),
        ("ML_DSA_44", "ML_DSA_SHAKE_256", "DIGEST", "key spec ML_DSA_44"),
    ],
)
def test_types_of_messages(
    admin: Kms, spec: str, algorithm: str, message_type: str, cause: str
) -> None:
    """An algorithm signs its own types of messages only; with another type it does."""
    key = signing_key(admin, spec)
    named = {"KeyId": key, "SigningAlgorithm": algorithm, "Message": bytes(64)}
    for more, call in (({}, admin.sign), ({"Signature": b"x"}, admin.verify)):
        with refused(
            "ValidationException", f"Message type {message_type} is incompatible with {cause}."
        ):
            call(**named, **more, MessageType=message_type)
    allowed = "DIGEST" if algorithm == "ED25519_PH_SHA_512" else "RAW"
    assert admin.sign(**named, MessageType=allowed).signature


@pytest.mark.parametrize("name", ["HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512"])
def test_macs(admin: Kms, name: str) -> None:
    """A MAC verifies for its message only, in its full length, with the key's own algorithm."""
    key, algorithm = mac_key(admin, name), name.replace("_", "_SHA_")
    named = {"KeyId": key, "MacAlgorithm": algorithm, "Message": MESSAGE}
    made = admin.generate_mac(**named)
    verified = admin.verify_mac(**named, Mac=made.mac)

    assert len(made.mac) * 8 == int(name[-3:])
    assert made.key_id == verified.key_id == admin.arn(f"key/{key}")
    assert (verified.mac_valid, verified.mac_algorithm) == (True, algorithm)
    assert admin.generate_mac(**named).mac == made.mac
    for other in ({"Mac": made.mac[:-1]}, {"Mac": made.mac + b"\0"}, {"Message": b"other"}):
        with refused("KMSInvalidMacException") as told:
            admin.verify_mac(**{**named, "Mac": made.mac, **other})
        assert told.value.message is None
    [wrong] = {"HMAC_SHA_256"} - {algorithm} or {"HMAC_SHA_512"}
    with refused(
        "InvalidKeyUsageException", f"Algorithm {wrong} is incompatible with key spec {name}."
    ):
        admin.generate_mac(**{**named, "MacAlgorithm": wrong})


def uses(admin: Kms, key: str, mac: str) -> dict[str, Callable[[Kms], Any]]:
    """Each operation with good input, by any client that names the keys by ARN."""
    signed = {"KeyId": admin.arn(f"key/{key}"), "Message": b"m", "SigningAlgorithm": P256}
    maced = {"KeyId": admin.arn(f"key/{mac}"), "Message": b"m", "MacAlgorithm": HMAC}
    signature, made = admin.sign(**signed).signature, admin.generate_mac(**maced).mac
    return {
        "Sign": lambda client: client.sign(**signed),
        "Verify": lambda client: client.verify(**signed, Signature=signature),
        "GenerateMac": lambda client: client.generate_mac(**maced),
        "VerifyMac": lambda client: client.verify_mac(**maced, Mac=made),
        "GetPublicKey": lambda client: client.get_public_key(KeyId=signed["KeyId"]),
    }


def test_states(admin: Kms) -> None:
    """A disabled key, or one that will be deleted, is not used; enabled again, it is."""
    key, mac = signing_key(admin), mac_key(admin)
    calls = uses(admin, key, mac)
    for each in (key, mac):
        admin.disable_key(KeyId=each)
    public = calls.pop("GetPublicKey")
    assert public(admin).public_key
    for name, use in calls.items():
        arn = admin.arn(f"key/{mac if 'Mac' in name else key}")
        with refused("DisabledException", f"{arn} is disabled."):
            use(admin)
    for each in (key, mac):
        admin.schedule_key_deletion(KeyId=each)
    for name, use in {**calls, "GetPublicKey": public}.items():
        arn = admin.arn(f"key/{mac if 'Mac' in name else key}")
        with refused("KMSInvalidStateException", f"{arn} is pending deletion."):
            use(admin)
    for each in (key, mac):
        admin.cancel_key_deletion(KeyId=each)
        admin.enable_key(KeyId=each)
    for use in calls.values():
        use(admin)


def test_across_accounts(admin: Kms, world: World) -> None:
    """The key's policy and the caller's own must both allow it."""
    policy = document(delegation(), delegation(OTHER_ACCOUNT))
    key, mac = signing_key(admin, Policy=policy), mac_key(admin, Policy=policy)
    closed = uses(admin, signing_key(admin), mac_key(admin))
    guest = world.caller("guest", OTHER_ACCOUNT)
    nobody = world.caller("nobody", OTHER_ACCOUNT, policies=[])
    for name, use in uses(admin, key, mac).items():
        assert use(guest).key_id.startswith(f"arn:aws:kms:{admin.region}:{ACCOUNT}:key/")
        with refused("AccessDeniedException"):
            use(nobody)
        with refused("AccessDeniedException"):
            closed[name](guest)


def test_policies_see_how_it_is_used(admin: Kms, world: World) -> None:
    """Conditions on the algorithm and on the type of message decide; RAW is what is not said."""
    key, mac = signing_key(admin), mac_key(admin)
    calls = uses(admin, key, mac)
    raw = {"StringEquals": {"kms:MessageType": "RAW", "kms:SigningAlgorithm": P256}}
    mine = {"StringEquals": {"kms:MacAlgorithm": HMAC}}
    signer = world.caller("signer", policies=[
        allow(["kms:Sign", "kms:Verify"], Condition=raw),
        allow(["kms:GenerateMac", "kms:VerifyMac"], Condition=mine),
    ])  # fmt: skip
    for name in ("Sign", "Verify", "GenerateMac", "VerifyMac"):
        calls[name](signer)
    with refused("AccessDeniedException"):
        signer.sign(KeyId=key, Message=bytes(32), MessageType="DIGEST", SigningAlgorithm=P256)
    with refused("AccessDeniedException"):
        signer.generate_mac(KeyId=mac, Message=b"m", MacAlgorithm="HMAC_SHA_512")
    with refused("AccessDeniedException"):
        calls["GetPublicKey"](signer)


def test_other_kinds_of_keys(admin: Kms) -> None:
    """A key of another usage is refused in AWS's words, after its state."""
    symmetric, mac, key = admin.key(), mac_key(admin), signing_key(admin)
    encrypting = admin.key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    signing = {"Message": b"m", "SigningAlgorithm": "RSASSA_PSS_SHA_256"}
    macing = {"Message": b"m", "MacAlgorithm": HMAC}
    for wrong, use in (
        (symmetric, "ENCRYPT_DECRYPT"),
        (mac, "GENERATE_VERIFY_MAC"),
        (encrypting, "ENCRYPT_DECRYPT"),
    ):
        told = f"{admin.arn(f'key/{wrong}')} key usage is {use} which is not valid for"
        with refused("InvalidKeyUsageException", f"{told} Sign."):
            admin.sign(KeyId=wrong, **signing)
        with refused("InvalidKeyUsageException", f"{told} Verify."):
            admin.verify(KeyId=wrong, **signing, Signature=b"x")
    told = f"{admin.arn(f'key/{key}')} key usage is SIGN_VERIFY which is not valid for"
    with refused("InvalidKeyUsageException", f"{told} GenerateMac."):
        admin.generate_mac(KeyId=key, **macing)
    with refused("InvalidKeyUsageException", f"{told} VerifyMac."):
        admin.verify_mac(KeyId=key, **macing, Mac=b"x")
    with refused("InvalidKeyUsageException", f"{told} Encrypt."):
        admin.encrypt(KeyId=key, Plaintext=b"x")
    with refused(
        "InvalidKeyUsageException",
        "Algorithm RSASSA_PSS_SHA_256 is incompatible with key spec ECC_NIST_P256.",
    ):
        admin.sign(KeyId=key, **signing)
    for without in (symmetric, mac):
        with refused("UnsupportedOperationException"):
            admin.get_public_key(KeyId=without)


def test_what_a_public_key_tells(admin: Kms) -> None:
    """It comes with the key's spec, usage and algorithms, and is always the same."""
    for spec, use, member in (
        ("ECC_NIST_P256", "SIGN_VERIFY", "signing_algorithms"),
        ("RSA_2048", "ENCRYPT_DECRYPT", "encryption_algorithms"),
        ("ECC_NIST_P384", "KEY_AGREEMENT", "key_agreement_algorithms"),
        ("ML_KEM_768", "ENCAPSULATE_DECAPSULATE", "encapsulation_algorithms"),
    ):
        key = admin.key(KeySpec=spec, KeyUsage=use)
        told = admin.get_public_key(KeyId=key)
        assert (told.key_spec, told.key_usage) == (spec, use)
        assert getattr(told, member) == list(usage.algorithms(spec, use))
        assert told == admin.get_public_key(KeyId=key)


def test_a_dry_run_finds_what_is_quick_to_find(admin: Kms) -> None:
    """A wrong proof fails a dry run if it is quickly seen; what is slow is not done."""
    key, mac, slow = signing_key(admin), mac_key(admin), signing_key(admin, "ECC_NIST_P521")
    with refused("KMSInvalidSignatureException"):
        admin.verify(KeyId=key, Message=b"m", SigningAlgorithm=P256, Signature=b"x", DryRun=True)
    with refused("KMSInvalidMacException"):
        admin.verify_mac(KeyId=mac, Message=b"m", MacAlgorithm=HMAC, Mac=b"x", DryRun=True)
    with refused("DryRunOperationException"):
        admin.verify(
            KeyId=slow, Message=b"m", SigningAlgorithm="ECDSA_SHA_512", Signature=b"x", DryRun=True
        )


def test_records_tell_no_message(admin: Kms, world: World) -> None:
    """A record has the algorithm and the type of the message, and neither message nor proof."""
    key, mac = signing_key(admin), mac_key(admin)
    calls = uses(admin, key, mac)
    world.events.clear()
    for use in calls.values():
        use(admin)
    assert [each.request_parameters for each in world.events[:2]] == [{"messageType": "RAW"}] * 2
    assert [each.resources[0].arn for each in world.events] == [
        admin.arn(f"key/{each}") for each in (key, key, mac, mac, key)
    ]


def test_a_token_that_nobody_made(admin: Kms) -> None:
    """Grant tokens are honoured by these operations as by all others."""
    key, mac = signing_key(admin), mac_key(admin)
    token = ["x"]
    with refused("InvalidGrantTokenException"):
        admin.sign(KeyId=key, Message=b"m", SigningAlgorithm=P256, GrantTokens=token)
    with refused("InvalidGrantTokenException"):
        admin.verify(
            KeyId=key, Message=b"m", SigningAlgorithm=P256, Signature=b"x", GrantTokens=token
        )
    with refused("InvalidGrantTokenException"):
        admin.generate_mac(KeyId=mac, Message=b"m", MacAlgorithm=HMAC, GrantTokens=token)
    with refused("InvalidGrantTokenException"):
        admin.verify_mac(KeyId=mac, Message=b"m", MacAlgorithm=HMAC, Mac=b"x", GrantTokens=token)
    with refused("InvalidGrantTokenException"):
        admin.get_public_key(KeyId=key, GrantTokens=token)
