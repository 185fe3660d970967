"""Authorities and certificates for tests, with everything about them that a test wants wrong."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Extensions = Iterable[tuple[x509.ExtensionType, bool]]

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def named(common_name: str = "", **attributes: str) -> x509.Name:
    """A name; other attributes by the names of `NameOID`."""
    given = {"COMMON_NAME": common_name} if common_name else {}
    return x509.Name(
        [
            x509.NameAttribute(getattr(NameOID, oid), text)
            for oid, text in (given | attributes).items()
        ]
    )


def usage(*names: str) -> x509.KeyUsage:
    """A key usage of these kinds."""
    every = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: name in names for name in every})


AUTHORITY, BEARER = usage("key_cert_sign", "crl_sign"), usage("digital_signature")


def new_key(kind: str = "ec") -> Key:
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1())


def weak_key() -> Key:
    return rsa.generate_private_key(65537, 1024)  # noqa: S505  # that it is refused is the test


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key = field(repr=False)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def issue(self, subject: x509.Name | str = "host", **given: Any) -> "Issued":
        """A certificate of this authority."""
        return issued(subject, by=self, **given)

    def authority(self, subject: x509.Name | str = "intermediate", **given: Any) -> "Issued":
        """An authority below this one."""
        return issued(subject, by=self, ca=True, **given)

    def crl(self, *revoked: "Issued", extensions: Extensions = (), **given: Any) -> bytes:
        """A list of revoked certificates, PEM."""
        since = given.get("since", now() - HOUR)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(given.get("issuer", self.certificate.subject))
            .last_update(since)
            .next_update(since + DAY)
        )
        for each in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(each.certificate.serial_number)
            builder = builder.add_revoked_certificate(entry.revocation_date(since).build())
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def long_crl(self, serials: Iterable[int]) -> bytes:
        """A list of these numbers, DER."""
        since = now() - HOUR
        entries = [
            x509.RevokedCertificateBuilder().serial_number(each).revocation_date(since).build()
            for each in serials
        ]
        return (
            x509.CertificateRevocationListBuilder(revoked_certificates=entries)
            .issuer_name(self.certificate.subject)
            .last_update(since)
            .next_update(since + DAY)
            .sign(self.key, hashes.SHA256())
            .public_bytes(Encoding.DER)
        )


def issued(
    subject: x509.Name | str,
    *,
    by: Issued | None = None,
    ca: bool | None = False,
    path_length: int | None = None,
    key: Key | None = None,
    key_usage: x509.KeyUsage | None = None,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    names: Sequence[x509.GeneralName] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    serial: int | None = None,
) -> Issued:
    """A certificate, signed by an authority or by itself."""
    name = named(subject) if isinstance(subject, str) else subject
    own = key or new_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name if by is None else by.certificate.subject)
        .public_key(own.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(since or now() - DAY)
        .not_valid_after(until or now() + 30 * DAY)
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, path_length), critical=True)
    wanted = key_usage or (AUTHORITY if ca else BEARER)
    if wanted != usage():
        builder = builder.add_extension(wanted, critical=True)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    signer = own if by is None else by.key
    return Issued(builder.sign(signer, hashes.SHA256()), own)


def root(subject: x509.Name | str = "root", **given: Any) -> Issued:
    """An authority that signed itself."""
    return issued(subject, ca=True, **given)


def with_sha1(certificate: Issued, authority: Issued) -> bytes:
    """The same certificate, signed with SHA-1 by the authority; the library makes none."""
    tbs = certificate.certificate.tbs_certificate_bytes
    sha256 = bytes.fromhex("300a06082a8648ce3d040302")
    sha1 = bytes.fromhex("300906072a8648ce3d0401")
    lead = 2 + (tbs[1] & 0x7F if tbs[1] & 0x80 else 0)
    signed = _der(0x30, tbs[lead:].replace(sha256, sha1))
    assert isinstance(authority.key, ec.EllipticCurvePrivateKey)
    digest = hashlib.sha1(signed).digest()  # noqa: S324  # that it is refused is the test
    signature = authority.key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA1())))  # noqa: S303  # as above
    return _der(0x30, signed + sha1 + _der(0x03, b"\0" + signature))


def _der(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content
