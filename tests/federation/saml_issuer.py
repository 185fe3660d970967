"""A SAML identity provider of our own making, which can sign anything, in any way.

Its signatures do not come from the library that verifies them: canonical forms are libxml2's, and
the rest is written here.
"""

import base64
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree

from tests.identity.saml_documents import ENTITY, certificate, key_descriptor, metadata

RECIPIENT = "https://signin.aws.amazon.com/saml"
AUDIENCE = "urn:amazon:webservices"
SUBJECT = "jo@example.com"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
AWS = "https://aws.amazon.com/SAML/Attributes/"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
RSA_SHA256 = f"{MORE}rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
OAEP = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"
GCM = "http://www.w3.org/2009/xmlenc11#aes256-gcm"
CBC = "http://www.w3.org/2001/04/xmlenc#aes256-cbc"
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
DS = "http://www.w3.org/2000/09/xmldsig#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
_HASH: dict[str, Any] = {"sha1": hashes.SHA1, "sha256": hashes.SHA256, "sha384": hashes.SHA384,
         "sha512": hashes.SHA512}  # fmt: skip
Key = Any
FOR_EVER = timedelta.max


@cache
def key(name: str) -> Key:
    """A key that is made once: RSA, or on the curve of its name."""
    curves = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1()}
    if name in curves:
        return ec.generate_private_key(curves[name])
    return rsa.generate_private_key(65537, 2048)


def stranger(name: str) -> Key:
    """Another key of the same kind."""
    if isinstance(key(name), rsa.RSAPrivateKey):
        return key("evil")
    return ec.generate_private_key(key(name).curve)


@cache
def certified(name: str) -> str:
    """The certificate of a key, in base64."""
    return certificate(key(name), name)


def described(*names: str, attributes: str = "", entity: str = ENTITY) -> str:
    """The metadata of a provider that signs with these keys."""
    return metadata(
        *(key_descriptor(certified(name)) for name in names), attributes=attributes, entity=entity
    )


def zulu(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Saying:
    """What a response says; every part can be another text, or be missing (None)."""

    now: datetime
    attributes: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""
    issuer: str | None = ENTITY
    subject: str = SUBJECT
    name_id: str | None = None  # the element, instead of that of the subject
    format: str | None = PERSISTENT
    recipient: str | None = RECIPIENT
    destination: str | None = RECIPIENT
    audience: str | None = f"<saml:Audience>{AUDIENCE}</saml:Audience>"
    method: str = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
    confirmations: int = 1
    answers: str | None = None  # InResponseTo of the confirmation
    response_answers: str | None = None
    status: str = "Success"
    issued: timedelta = timedelta(seconds=-5)
    begins: timedelta | None = timedelta(seconds=-5)
    ends: timedelta | None = timedelta(minutes=5)
    confirmed_until: timedelta | None = timedelta(minutes=5)
    session_ends: timedelta | None = None
    statement: bool = True
    conditions: str = ""
    more: str = ""  # in the assertion, at its end
    outer: str = ""  # in the response, at its end

    def but(self, **changes: Any) -> "Saying":
        return replace(self, **changes)


def _at(name: str, now: datetime, after: timedelta | None) -> str:
    if after is None:
        return ""
    moment = datetime.max.replace(tzinfo=UTC) if after is FOR_EVER else now + after
    return f' {name}="{zulu(moment)}"'


def _named(name: str, value: str | None) -> str:
    return "" if value is None else f' {name}="{value}"'


def _attribute(name: str, value: Any) -> str:
    values = value if isinstance(value, (list, tuple)) else [value]
    written = "".join(
        f'<saml:AttributeValue xsi:type="xs:string">{each}</saml:AttributeValue>' for each in values
    )
    return f'<saml:Attribute Name="{name}">{written}</saml:Attribute>'


def assertion(said: Saying) -> str:
    """The assertion, without a signature."""
    now, until = said.now, _at("NotOnOrAfter", said.now, said.confirmed_until)
    confirmation = (
        f'<saml:SubjectConfirmation Method="{said.method}"><saml:SubjectConfirmationData{until}'
        f"{_named('Recipient', said.recipient)}{_named('InResponseTo', said.answers)}/>"
        "</saml:SubjectConfirmation>"
    )
    name_id = said.name_id or (
        f"<saml:NameID{_named('Format', said.format)}>{said.subject}</saml:NameID>"
    )
    restriction = (
        "" if said.audience is None
        else f"<saml:AudienceRestriction>{said.audience}</saml:AudienceRestriction>"
    )  # fmt: skip
    statement = (
        f'<saml:AuthnStatement AuthnInstant="{zulu(now)}"'
        f"{_at('SessionNotOnOrAfter', now, said.session_ends)}><saml:AuthnContext>"
        "<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password"
        "</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>"
        if said.statement else ""
    )  # fmt: skip
    attributes = "".join(_attribute(name, value) for name, value in said.attributes.items())
    issuer = "" if said.issuer is None else f"<saml:Issuer>{said.issuer}</saml:Issuer>"
    return (
        f'<saml:Assertion xmlns:saml="{SAML}" xmlns:xs="http://www.w3.org/2001/XMLSchema"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' ID="{said.id or f"_{uuid4().hex}"}" Version="2.0"{_at("IssueInstant", now, said.issued)}'
        f">{issuer}<saml:Subject>{name_id}{confirmation * said.confirmations}</saml:Subject>"
        f"<saml:Conditions{_at('NotBefore', now, said.begins)}"
        f"{_at('NotOnOrAfter', now, said.ends)}>{restriction}{said.conditions}</saml:Conditions>"
        f"{statement}<saml:AttributeStatement>{attributes}</saml:AttributeStatement>{said.more}"
        "</saml:Assertion>"
    )


def response(said: Saying, inner: str) -> str:
    """The response around an assertion, without a signature."""
    issuer = "" if said.issuer is None else f"<saml:Issuer>{said.issuer}</saml:Issuer>"
    return (
        f'<samlp:Response xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}" ID="_{uuid4().hex}"'
        f' Version="2.0"{_at("IssueInstant", said.now, timedelta(seconds=-5))}'
        f"{_named('Destination', said.destination)}"
        f"{_named('InResponseTo', said.response_answers)}>{issuer}<samlp:Status>"
        f'<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:{said.status}"/>'
        f"</samlp:Status>{inner}{said.outer}</samlp:Response>"
    )


@dataclass(frozen=True)
class Signing:
    """How something is signed."""

    key: Key = field(default_factory=lambda: key("idp"))
    method: str = RSA_SHA256
    digest: str = SHA256
    canonical: str = EXCLUSIVE
    transforms: tuple[str, ...] = (ENVELOPED, EXCLUSIVE)
    uri: str | None = None  # of the reference
    references: int = 1
    key_info: str = ""
    object: str = ""
    parameters: str = ""  # inside of the method
    more: str = ""  # attributes of the reference

    def but(self, **changes: Any) -> "Signing":
        return replace(self, **changes)


HONEST = Signing()


def canonical(element: Any, form: str = EXCLUSIVE) -> bytes:
    data: bytes = etree.tostring(
        element,
        method="c14n",
        exclusive="exc-c14n" in form,
        with_comments=form.endswith("Comments"),
    )
    return data


def signed(document: str, how: Signing = HONEST, path: str = ".") -> str:
    """The document with a signature over, and in, the element at this path."""
    root = etree.fromstring(document)
    element = root.find(path) if path != "." else root
    assert element is not None
    signature = etree.fromstring(_signature(element, how))
    issuer = element.find(f"{{{SAML}}}Issuer")
    element.insert(0 if issuer is None else element.index(issuer) + 1, signature)
    info = signature.find(f"{{{DS}}}SignedInfo")
    value = _value(how, canonical(info, how.canonical))
    signature.find(f"{{{DS}}}SignatureValue").text = base64.b64encode(value).decode()
    written: str = etree.tostring(root, encoding="unicode")
    return written


def _signature(element: Any, how: Signing) -> str:
    name = how.digest.rpartition("#")[2]
    hashed = hashes.Hash(_HASH.get(name, hashes.SHA256)())
    hashed.update(canonical(element, how.transforms[-1] if how.transforms else EXCLUSIVE))
    value = base64.b64encode(hashed.finalize()).decode()
    transforms = "".join(f'<ds:Transform Algorithm="{each}"/>' for each in how.transforms)
    uri = f"#{element.get('ID')}" if how.uri is None else how.uri
    reference = (
        f'<ds:Reference URI="{uri}"{how.more}><ds:Transforms>{transforms}</ds:Transforms>'
        f'<ds:DigestMethod Algorithm="{how.digest}"/><ds:DigestValue>{value}</ds:DigestValue>'
        "</ds:Reference>"
    )
    info = f"<ds:KeyInfo>{how.key_info}</ds:KeyInfo>" if how.key_info else ""
    return (
        f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>'
        f'<ds:CanonicalizationMethod Algorithm="{how.canonical}"/>'
        f'<ds:SignatureMethod Algorithm="{how.method}">{how.parameters}</ds:SignatureMethod>'
        f"{reference * how.references}</ds:SignedInfo><ds:SignatureValue/>{info}{how.object}"
        "</ds:Signature>"
    )


def _value(how: Signing, data: bytes) -> bytes:
    name = how.method.partition("#")[2]
    algorithm = next((_HASH[each] for each in _HASH if each in name), hashes.SHA256)()
    if isinstance(how.key, bytes):
        mac = hmac.HMAC(how.key, algorithm)
        mac.update(data)
        return mac.finalize()
    if isinstance(how.key, ec.EllipticCurvePrivateKey):
        r, s = utils.decode_dss_signature(how.key.sign(data, ec.ECDSA(algorithm)))
        size = (how.key.key_size + 7) // 8
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    scheme: Any = padding.PKCS1v15()
    if "MGF1" in name:
        scheme = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size)
    value: bytes = how.key.sign(data, scheme, algorithm)
    return value


def encrypted(inner: str, to: Key, *, content: str = GCM, transport: str = OAEP, beside: bool =
              False, prefix: str = "", digest: str = "", mask: str = "") -> str:  # fmt: skip
    """The assertion as an EncryptedAssertion for a public key."""
    size = {"128": 16, "192": 24, "256": 32}[content.rpartition("#")[2][3:6]]
    secret = os.urandom(size)
    data = inner.encode()
    if content.endswith("gcm"):
        nonce = os.urandom(12)
        body = nonce + AESGCM(secret).encrypt(nonce, data, None)
    else:
        count, start = 16 - len(data) % 16, os.urandom(16)
        sealed = Cipher(algorithms.AES(secret), modes.CBC(start)).encryptor()
        body = start + sealed.update(data + os.urandom(count - 1) + bytes([count]))
        body += sealed.finalize()
    named: Callable[[str], Any] = lambda text: next(  # noqa: E731  # a table of one line
        (_HASH[each] for each in ("sha256", "sha384", "sha512") if each in text), hashes.SHA1
    )()
    scheme: Any = padding.OAEP(padding.MGF1(named(mask)), named(digest), None)
    if transport.endswith("rsa-1_5"):
        scheme = padding.PKCS1v15()
    wrapped = base64.b64encode(to.public_key().encrypt(secret, scheme)).decode()
    told = f'<ds:DigestMethod Algorithm="{digest}"/>' if digest else ""
    told += f'<x11:MGF xmlns:x11="http://www.w3.org/2009/xmlenc11#" Algorithm="{mask}"/>' if (
        mask) else ""  # fmt: skip
    key_element = (
        f'<xenc:EncryptedKey Id="ek{uuid4().hex}"><xenc:EncryptionMethod Algorithm="{transport}">'
        f"{told}</xenc:EncryptionMethod><xenc:CipherData><xenc:CipherValue>{wrapped}"
        "</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey>"
    )
    info = "" if beside else f"<ds:KeyInfo>{key_element}</ds:KeyInfo>"
    return (
        f'<saml:EncryptedAssertion xmlns:saml="{SAML}" xmlns:xenc="{XENC}" xmlns:ds="{DS}">'
        f'{prefix}<xenc:EncryptedData Type="{XENC}Element">'
        f'<xenc:EncryptionMethod Algorithm="{content}"/>{info}<xenc:CipherData>'
        f"<xenc:CipherValue>{base64.b64encode(body).decode()}</xenc:CipherValue>"
        f"</xenc:CipherData></xenc:EncryptedData>{key_element if beside else ''}"
        "</saml:EncryptedAssertion>"
    )


def packed(document: str) -> str:
    """As it is sent."""
    return base64.b64encode(document.encode()).decode()


def loaded(name: str) -> x509.Certificate:
    return x509.load_der_x509_certificate(base64.b64decode(certified(name)))


def public_pem(name: str) -> bytes:
    """The certificate of a key as a file, as the attack on HMAC uses it."""
    return loaded(name).public_bytes(serialization.Encoding.PEM)


def bare_pem(name: str) -> bytes:
    """A public key as a file."""
    data: bytes = (
        key(name)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return data
