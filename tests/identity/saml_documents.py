"""Metadata of identity providers, and keys, as tests need them: made once, changed by text."""

import base64
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

ENTITY = "https://idp.example/saml"
SSO = "https://idp.example/sso"
_PADDING = '&é<"'
PAST, FUTURE = "2020-01-01T00:00:00Z", "2090-01-01T00:00:00.250Z"


def certificate(
    key: CertificateIssuerPrivateKeyTypes,
    name: str = "idp",
    extension: x509.UnrecognizedExtension | None = None,
) -> str:
    """A certificate for a key, as metadata has it. It expired long ago, which does not matter."""
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(
        subject, subject, key.public_key(), x509.random_serial_number(),
        datetime(2001, 1, 1, tzinfo=UTC), datetime(2002, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    if extension is not None:
        builder = builder.add_extension(extension, critical=False)
    made = builder.sign(key, hashes.SHA256())
    return base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()


@cache
def certificates() -> dict[str, str]:
    """Certificates by their kind of key."""
    return {
        "P-256": certificate(ec.generate_private_key(ec.SECP256R1())),
        "P-384": certificate(ec.generate_private_key(ec.SECP384R1())),
        "P-521": certificate(ec.generate_private_key(ec.SECP521R1())),
        "RSA": certificate(rsa.generate_private_key(65537, 2048)),
        "short RSA": certificate(rsa.generate_private_key(65537, 1024)),  # noqa: S505  # AWS takes it
        "DSA": certificate(dsa.generate_private_key(1024)),  # noqa: S505  # refused
    }


def key_descriptor(text: str, use: str = ' use="signing"') -> str:
    return (
        f"<KeyDescriptor{use}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>\n{text}\n"
        "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>"
    )


def metadata(*keys: str, attributes: str = "", entity: str = ENTITY, padding: int = 1000) -> str:
    """The metadata of an identity provider that signs with these certificates."""
    described = "".join(keys or (key_descriptor(certificates()["P-256"]),))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"'
        f' xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="{entity}"{attributes}>\n'
        '  <IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">\n'
        f"    {described}\n    <SingleSignOnService"
        ' Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"'
        f' Location="{SSO}"/>\n  </IDPSSODescriptor>\n'
        f"  <!-- {_PADDING * (padding // 4)} -->\n</EntityDescriptor>\n"
    )


def pem(bits: int = 2048) -> str:
    """A private key."""
    return private_pem(rsa.generate_private_key(65537, bits))


def private_pem(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, password: bytes | None = None
) -> str:
    encryption = (
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption()
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    ).decode()
