"""A key in a state, and what requests about it need.

Whatever needs an enabled key is made before the key leaves that state: a ciphertext, a signature,
a grant, an import token. So a request that is refused is refused for the state alone.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tests.conftest import OTHER_REGION, Server
from tests.importing import FOR_EVER, prepared

KINDS: Mapping[str, Mapping[str, Any]] = {
    "cipher": {},
    "mac": {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"},
    "signature": {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"},
    "agreement": {"KeySpec": "ECC_NIST_P256", "KeyUsage": "KEY_AGREEMENT"},
    "encapsulation": {"KeySpec": "ML_KEM_768", "KeyUsage": "ENCAPSULATE_DECAPSULATE"},
    "external": {"Origin": "EXTERNAL"},
    "primary": {"MultiRegion": True},
}
"""What keys are for, and how they are created."""

STATES = (
    "Enabled", "Disabled", "PendingDeletion", "PendingReplicaDeletion", "PendingImport",
)  # fmt: skip
"""The states that a caller can bring about. `Creating` and `Updating` take no time here, and
`Unavailable` is of custom key stores.
"""

MESSAGE = {"Message": b"an order of ten"}
MAC = {**MESSAGE, "MacAlgorithm": "HMAC_SHA_256"}
SIGNED = {**MESSAGE, "SigningAlgorithm": "ECDSA_SHA_256"}
KEM = {"EncapsulationAlgorithm": "ML_KEM"}

_numbers = count(1)


def number() -> int:
    """Another number, for a name that is not taken."""
    return next(_numbers)


@dataclass
class Subject:
    """A key, whose requests go to its Region, and what was made with it while it was enabled."""

    kms: Any
    kind: str
    arn: str
    made: dict[str, Any] = field(default_factory=dict)

    @property
    def key_id(self) -> str:
        return self.arn.rpartition("/")[2]

    def __getitem__(self, name: str) -> Any:
        return self.made[name]


class Subjects:
    """Makes keys of every kind in every state; gives one out again while it is unchanged."""

    def __init__(self, server: Server) -> None:
        self.here = server.client("kms")
        self.there = server.client("kms", region=OTHER_REGION)
        self.me = str(server.client("sts").get_caller_identity()["Arn"])
        self._kept: dict[tuple[str, str], Subject] = {}

    def get(self, kind: str, state: str = "Enabled") -> Subject:
        """A key of this kind in this state; "replica" in the state: a replica in the other Region.

        `kind` may be "related": a primary that has a replica.
        """
        if (kind, state) not in self._kept:
            self._kept[kind, state] = self._make(kind, state)
        return self._kept[kind, state]

    def used_up(self, kind: str, state: str) -> None:
        """The key is not what it was."""
        self._kept.pop((kind, state), None)

    def _make(self, kind: str, state: str) -> Subject:
        members = dict(KINDS["primary" if kind == "related" else kind])
        name = state.removeprefix("replica ")
        if name != state or name == "PendingReplicaDeletion":
            members["MultiRegion"] = True
        if name == "PendingImport":
            members["Origin"] = "EXTERNAL"
        key = self.here.create_key(**members)["KeyMetadata"]
        subject = Subject(self.here, kind, key["Arn"])
        secret = _secret(kind) if "Origin" in members else b""
        self._bring(subject, secret)
        if members.get("MultiRegion") and self._has_replica(kind, state):
            made = self.here.replicate_key(KeyId=subject.arn, ReplicaRegion=OTHER_REGION)
            if name != state:
                subject = Subject(self.there, kind, made["ReplicaKeyMetadata"]["Arn"])
                self._bring(subject, secret)
        self._prepare(subject)
        _ENTER[name](subject)
        assert subject.kms.describe_key(KeyId=subject.arn)["KeyMetadata"]["KeyState"] == name
        return subject

    @staticmethod
    def _has_replica(kind: str, state: str) -> bool:
        """A primary that has one can only be pending the deletion of its replicas."""
        return (kind == "related" and state != "PendingDeletion") or "eplica" in state

    @staticmethod
    def _bring(subject: Subject, secret: bytes) -> None:
        """Import the material of a key whose material is imported."""
        if secret:
            sent = {**prepared(subject.kms, subject.arn, secret), **FOR_EVER}
            subject.kms.import_key_material(**sent)
            subject.made["import"] = sent

    def _prepare(self, subject: Subject) -> None:
        """Make what later requests need, while the key is enabled."""
        kms, arn, made = subject.kms, subject.arn, subject.made
        operation = _GRANTED.get(subject.kind, "Encrypt")
        for name in ("to retire", "to revoke"):
            grant = {"GranteePrincipal": self.me, "Operations": [operation], "Name": name[3:]}
            made[name] = kms.create_grant(KeyId=arn, **grant)["GrantId"]
        if subject.kind == "cipher":
            made["to move"], made["to delete"] = (f"alias/subject-{number()}" for _ in range(2))
            kms.create_alias(AliasName=made["to delete"], TargetKeyId=arn)
            other = kms.create_key()["KeyMetadata"]["Arn"]
            kms.create_alias(AliasName=made["to move"], TargetKeyId=other)
        if operation == "Encrypt":
            made["ciphertext"] = kms.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
        elif operation == "GenerateMac":
            made["mac"] = kms.generate_mac(KeyId=arn, **MAC)["Mac"]
        elif operation == "Sign":
            made["signature"] = kms.sign(KeyId=arn, **SIGNED)["Signature"]
        elif operation == "Encapsulate":
            made["encapsulated"] = kms.encapsulate(KeyId=arn, **KEM)["SharedSecretCiphertextBlob"]


_GRANTED = {
    "mac": "GenerateMac", "signature": "Sign", "agreement": "DeriveSharedSecret",
    "encapsulation": "Encapsulate",
}  # fmt: skip


def _secret(kind: str) -> bytes:
    """Material for a key of this kind."""
    if kind not in {"signature", "agreement"}:
        return os.urandom(32)
    made = ec.generate_private_key(ec.SECP256R1())
    return made.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def _stay(subject: Subject) -> None:
    """It is enabled."""


def _disable(subject: Subject) -> None:
    subject.kms.disable_key(KeyId=subject.arn)


def _schedule(subject: Subject) -> None:
    subject.kms.schedule_key_deletion(KeyId=subject.arn, PendingWindowInDays=7)


def _forget_material(subject: Subject) -> None:
    subject.kms.delete_imported_key_material(KeyId=subject.arn)


_ENTER: Mapping[str, Callable[[Subject], None]] = {
    "Enabled": _stay,
    "Disabled": _disable,
    "PendingDeletion": _schedule,
    "PendingReplicaDeletion": _schedule,
    "PendingImport": _forget_material,
}


def peer() -> bytes:
    """The public key of somebody else."""
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
