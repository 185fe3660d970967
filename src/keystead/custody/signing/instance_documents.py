"""Who signs the identity documents of instances?  One RSA key, as at AWS (iam.md 8.4).

A program shows the document of its instance to somebody else, who verifies it with the
certificate of this key: `signature` is RSASSA-PKCS1-v1_5 with SHA-256 over the document (RFC 8017,
8.2); `rsa2048` is a PKCS #7 message with the document in it (RFC 5652). An RSA key cannot be
derived from the root key. So it is made once, and kept in a sealed column.
"""

import hashlib
from base64 import b64encode
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    pkcs7,
)
from cryptography.x509.oid import NameOID

from keystead.custody.secrecy import Guarded

BITS = 2048
_NAME = "Keystead instance identity documents"
_ENDS = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)  # RFC 5280, 4.1.2.5: it has no end


class DocumentSecret(Guarded):
    """A private key that is about to be sealed, and its certificate."""

    __slots__ = ("certificate", "der")

    def __init__(self, der: bytes, certificate: bytes) -> None:
        self.der = der
        self.certificate = certificate


def make(now: datetime) -> DocumentSecret:
    """A new key. This takes some tenths of a second."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _NAME)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(_ENDS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    certificate = builder.sign(key, SHA256()).public_bytes(Encoding.DER)
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return DocumentSecret(der, certificate)


def fingerprint(certificate: bytes) -> str:
    """The name of a certificate: 64 hexadecimal digits."""
    return hashlib.sha256(certificate).hexdigest()


def as_pem(certificate: bytes) -> str:
    """A certificate as people pass it on."""
    return x509.load_der_x509_certificate(certificate).public_bytes(Encoding.PEM).decode()


class DocumentSigner(Guarded):
    """Signs documents with one key."""

    __slots__ = ("_certificate", "_key")

    def __init__(self, der: bytes, certificate: bytes) -> None:
        key = load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("this is not an RSA key")
        self._key = key
        self._certificate = x509.load_der_x509_certificate(certificate)

    def signature(self, document: bytes) -> str:
        """The signature alone, in base64."""
        return b64encode(self._key.sign(document, padding.PKCS1v15(), SHA256())).decode()

    def message(self, document: bytes) -> str:
        """The document with its signature and the certificate: PKCS #7, base64 of the DER."""
        builder = pkcs7.PKCS7SignatureBuilder().set_data(document)
        signed = builder.add_signer(self._certificate, self._key, SHA256())
        options = [pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.NoAttributes]
        return b64encode(signed.sign(Encoding.DER, options)).decode()
