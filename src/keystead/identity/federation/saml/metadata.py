"""What does an identity provider say of itself?  Its SAML metadata (SAML 2.0 Metadata 2.3, 2.4).

    <EntityDescriptor entityID="https://idp.example/saml" validUntil="…">
      <IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
        <KeyDescriptor use="signing"> … <X509Certificate>MIIC…</X509Certificate> …
        <SingleSignOnService Binding="…" Location="https://idp.example/sso"/>

The document is not signed, or the signature is not looked at: an administrator vouches for it. The
dates of a certificate are not looked at either, as AWS has it: its key counts (iam.md 1.9).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import PublicKeyAlgorithmOID

from keystead.identity.federation.saml.names import DS, MD, PROTOCOL, read_date
from keystead.strictxml import Element, NotStrictXml, parse
from keystead.wire.base64 import NotCanonical, decode_blob

MOST_KEYS = 10  # signing keys of a provider (iam.md 2.5)
LONGEST_ENTITY_ID = 1024  # SAML 2.0 Metadata 2.2.1
_LONGEST_CERTIFICATE = 8192  # bytes; those of RSA keys of 4096 bits have some 2,000
_RSA_BITS = range(1024, 8192 + 1)  # iam.md 8.1
_CURVES = (ec.SECP256R1, ec.SECP384R1)  # those of SA-3
_ALGORITHMS = (PublicKeyAlgorithmOID.RSAES_PKCS1_v1_5, PublicKeyAlgorithmOID.EC_PUBLIC_KEY)

_SPACE = re.compile(r"[ \t\r\n]+")
_BINDING = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-"
_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]{1,260}(?:[/?][\x21\x24-\x3b\x3d\x3f-\x7e]*)?")
_LONGEST_URL = 2048


class NotMetadata(ValueError):
    """The document does not describe an identity provider, or not one that can be used."""


@dataclass(frozen=True, slots=True)
class SignOn:
    """Where an identity provider takes requests that browsers bring (SAML 2.0 Bindings 3.4, 3.5).

    `binding` is "Redirect", or "POST" for one that knows nothing else.
    """

    binding: str
    location: str


@dataclass(frozen=True, slots=True)
class Metadata:
    """The facts of a document."""

    entity_id: str
    valid_until: datetime | None
    certificates: tuple[bytes, ...]  # DER, of the keys that sign
    sign_on: SignOn | None = None  # None: none that a browser can be sent to


def read_metadata(document: str) -> Metadata:
    """The facts of a metadata document; raises NotMetadata.

    (1) XML with one reading, which is one entity with its name; (2) it is an identity provider, of
    one kind, for SAML 2.0; (3) people can be sent to it; (4) the earliest end of validity;
    (5) one to ten keys that sign, each in a certificate, and fit for it.
    """
    try:
        root = parse(document)  # (1)
    except NotStrictXml as reason:
        raise NotMetadata(str(reason)) from None
    if root.tag != f"{MD}EntityDescriptor":
        raise NotMetadata("the document is not an EntityDescriptor")
    entity_id = root.get("entityID") or ""
    if not 0 < len(entity_id) <= LONGEST_ENTITY_ID or _SPACE.search(entity_id):
        raise NotMetadata("the EntityDescriptor has no entityID, or none that can be used")
    descriptors = list(root.iterchildren(f"{MD}IDPSSODescriptor"))  # (2)
    if len(descriptors) != 1:
        raise NotMetadata("the document does not have exactly one IDPSSODescriptor")
    [descriptor] = descriptors
    if PROTOCOL not in (descriptor.get("protocolSupportEnumeration") or "").split():
        raise NotMetadata("the identity provider does not support SAML 2.0")
    services = list(descriptor.iterchildren(f"{MD}SingleSignOnService"))  # (3)
    if not services or not all(s.get("Binding") and s.get("Location") for s in services):
        raise NotMetadata("the identity provider has no SingleSignOnService")
    ends = [_date(end) for e in (root, descriptor) if (end := e.get("validUntil")) is not None]
    certificates = tuple(dict.fromkeys(_certificates(descriptor)))  # (5)
    if not 0 < len(certificates) <= MOST_KEYS:
        raise NotMetadata(f"the identity provider does not have 1 to {MOST_KEYS} signing keys")
    valid_until = min(ends, default=None)  # (4)
    return Metadata(entity_id, valid_until, certificates, _sign_on(services))


def _sign_on(services: Iterable[Element]) -> SignOn | None:
    """The first place for a redirect, or else for a form. It stands in pages and in URLs of ours.

    A document without one is good for people who begin at the provider.
    """
    for binding in ("Redirect", "POST"):
        for service in services:
            location = (service.get("Location") or "").strip()
            usable = len(location) <= _LONGEST_URL and _URL.fullmatch(location) is not None
            if service.get("Binding") == f"{_BINDING}{binding}" and usable:
                return SignOn(binding, location)
    return None


def _date(text: str) -> datetime:
    date = read_date(text)
    if date is None:
        raise NotMetadata("validUntil is not a time")
    return date


def _certificates(descriptor: Element) -> Iterator[bytes]:
    """The certificates of all keys that may sign: a key without a `use` may."""
    for key in descriptor.iterchildren(f"{MD}KeyDescriptor"):
        use = key.get("use")
        if use not in {None, "signing", "encryption"}:
            raise NotMetadata("a KeyDescriptor has an unknown use")
        if use == "encryption":
            continue
        found = [
            certificate.text or ""
            for info in key.iterchildren(f"{DS}KeyInfo")
            for data in info.iterchildren(f"{DS}X509Data")
            for certificate in data.iterchildren(f"{DS}X509Certificate")
        ]
        if not found:
            raise NotMetadata("a signing key has no X509Certificate")
        for text in found:
            yield _certificate(text)


def _certificate(text: str) -> bytes:
    """The DER of a certificate in base64, with a key that can be used."""
    try:
        der = decode_blob(_SPACE.sub("", text))
    except NotCanonical:
        raise NotMetadata("an X509Certificate cannot be read") from None
    if len(der) > _LONGEST_CERTIFICATE:
        raise NotMetadata("a certificate is too long")
    try:
        certificate = x509.load_der_x509_certificate(der)
        _ = certificate.extensions  # raises if one is repeated or malformed
        # The library examines the numbers of others: those of Diffie-Hellman, for seconds.
        known = certificate.public_key_algorithm_oid in _ALGORITHMS
        key = certificate.public_key() if known else None
    except Exception:  # noqa: BLE001  # the library raises even TypeError and KeyError
        raise NotMetadata("an X509Certificate cannot be read") from None
    of_rsa = isinstance(key, rsa.RSAPublicKey) and key.key_size in _RSA_BITS
    of_curve = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES)
    if not (of_rsa or of_curve):
        raise NotMetadata(
            "the key of a certificate is neither RSA of 1,024 to 8,192 bits nor on P-256 or P-384"
        )
    return der
