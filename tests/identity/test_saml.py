"""What is read of a provider's metadata and of private keys, and what is refused."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key
from hypothesis import given, settings
from hypothesis import strategies as st

from keystead.identity.federation.saml import (
    NotAPrivateKey,
    NotMetadata,
    read_metadata,
    read_private_key,
)
from tests.identity.saml_documents import (
    ENTITY,
    FUTURE,
    PAST,
    SSO,
    certificate,
    certificates,
    key_descriptor,
    metadata,
    pem,
    private_pem,
)

GOOD = metadata()
Change = Callable[[str], str]


def replaced(old: str, new: str) -> Change:
    """A change of the good document; what is replaced is there."""

    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


def keys(*kinds: str) -> Change:
    """A document with certificates of these kinds."""
    return lambda _: metadata(*(key_descriptor(certificates()[kind]) for kind in kinds))


@pytest.mark.parametrize("kind", ["P-256", "P-384", "RSA", "short RSA"])
def test_metadata_is_read(kind: str) -> None:
    """Name, end and certificates are read; certificates may have expired."""
    text = certificates()[kind]
    read = read_metadata(metadata(key_descriptor(text), attributes=f' validUntil="{FUTURE}"'))
    assert (read.entity_id, len(read.certificates)) == (ENTITY, 1)
    assert read.valid_until == datetime(2090, 1, 1, tzinfo=UTC)
    assert read_metadata(GOOD).valid_until is None


def test_several_keys() -> None:
    """A key without a use signs, one for encryption does not, and each is counted once."""
    one, other = certificates()["P-256"], certificates()["RSA"]
    read = read_metadata(
        metadata(
            key_descriptor(one), key_descriptor(one), key_descriptor(other, ""),
            key_descriptor("not a certificate", ' use="encryption"'),
        )
    )  # fmt: skip
    assert len(read.certificates) == 2


def test_the_earliest_end_counts() -> None:
    """The descriptor may end before the entity; a zone is converted."""
    text = replaced("<IDPSSODescriptor", '<IDPSSODescriptor validUntil="2040-01-01T01:00:00+01:00"')
    read = read_metadata(text(metadata(attributes=f' validUntil="{FUTURE}"')))
    assert read.valid_until == datetime(2040, 1, 1, tzinfo=UTC)
    assert read_metadata(metadata(attributes=f' validUntil="{PAST}"')).valid_until is not None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (replaced("<?xml", "<!DOCTYPE a><?xml"), "document type"),
        (replaced("UTF-8", "UTF-16"), "UTF-8"),
        (replaced("</EntityDescriptor>", ""), "not well-formed"),
        (replaced("SAML:2.0:metadata", "SAML:1.1:metadata"), "not an EntityDescriptor"),
        (lambda text: f"<a>{text.partition('?>')[2]}</a>", "not an EntityDescriptor"),
        (replaced(f'entityID="{ENTITY}"', ""), "no entityID"),
        (replaced(f'entityID="{ENTITY}"', 'entityID=""'), "no entityID"),
        (replaced(ENTITY, "a" * 1025), "no entityID"),
        (replaced(ENTITY, "a b"), "no entityID"),
        (replaced("IDPSSODescriptor>", "IDPSSODescriptor><IDPSSODescriptor/>"), "exactly one"),
        (lambda text: text.replace("IDPSSODescriptor", "SPSSODescriptor"), "exactly one"),
        (replaced("SAML:2.0:protocol", "SAML:1.1:protocol"), "does not support"),
        (replaced("SingleSignOnService", "SingleLogoutService"), "no SingleSignOnService"),
        (replaced(f'Location="{SSO}"', ""), "no SingleSignOnService"),
        (replaced('use="signing"', 'use="encryption"'), "1 to 10 signing keys"),
        (replaced('use="signing"', 'use="other"'), "unknown use"),
        (lambda text: text.replace("X509Certificate", "X509SubjectName"), "no X509Certificate"),
        (replaced(certificates()["P-256"], "AAAA"), "cannot be read"),
        (replaced(certificates()["P-256"], "!"), "cannot be read"),
        (replaced(certificates()["P-256"], certificates()["P-256"][:-8]), "cannot be read"),
        (replaced(certificates()["P-256"], "A" * 12_000), "too long"),
        (keys("P-521"), "neither RSA"),
        (keys("DSA"), "neither RSA"),
        (lambda _: metadata(attributes=' validUntil="tomorrow"'), "not a time"),
        (lambda _: metadata(attributes=' validUntil="2090-02-30T00:00:00Z"'), "not a time"),
        (lambda _: metadata(attributes=' validUntil="0001-01-01T00:00:00+23:00"'), "not a time"),
    ],
)
def test_metadata_that_is_refused(change: Change, reason: str) -> None:
    """A document that is not the metadata of one usable identity provider is refused."""
    assert read_metadata(GOOD)
    with pytest.raises(NotMetadata, match=reason):
        read_metadata(change(GOOD))


@pytest.mark.parametrize(
    ("oid", "value"),
    [
        ("2.5.29.17", "3004a3020500"),  # a name of a kind that the library does not know
        ("1.3.6.1.5.5.7.1.24", "3000"),  # no features
        ("1.3.6.1.5.5.7.1.24", "3003020118"),  # an unknown feature
    ],
)
def test_an_extension_that_the_library_does_not_read(oid: str, value: str) -> None:
    """It is refused, whatever the library raises; without the extension it is read."""
    key = ec.generate_private_key(ec.SECP256R1())
    strange = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), bytes.fromhex(value))
    assert read_metadata(metadata(key_descriptor(certificate(key))))
    with pytest.raises(NotMetadata, match="cannot be read"):
        read_metadata(metadata(key_descriptor(certificate(key, extension=strange))))


def test_a_key_of_another_algorithm() -> None:
    """The library does not read it: it would examine one of Diffie-Hellman for seconds."""
    text = certificates()["RSA"]
    of_rsa, other = bytes.fromhex("2a864886f70d010101"), bytes.fromhex("2a864886f70d010102")
    der = base64.b64decode(text)
    assert der.count(of_rsa) == 1
    changed = base64.b64encode(der.replace(of_rsa, other)).decode()
    assert read_metadata(metadata(key_descriptor(text)))
    with pytest.raises(NotMetadata, match="neither RSA"):
        read_metadata(metadata(key_descriptor(changed)))


def test_a_version_that_there_is_not() -> None:
    """A certificate of version 5 is refused; of version 3 it is read."""
    text = certificates()["P-256"]
    der = base64.b64decode(text)
    third, fifth = bytes.fromhex("a003020102"), bytes.fromhex("a003020104")
    assert der.count(third) == 1
    other = base64.b64encode(der.replace(third, fifth)).decode()
    assert read_metadata(metadata(key_descriptor(text)))
    with pytest.raises(NotMetadata, match="cannot be read"):
        read_metadata(metadata(key_descriptor(other)))


def test_eleven_keys_are_too_many() -> None:
    """Ten signing keys are taken, eleven are not."""
    described = [
        key_descriptor(certificate(ec.generate_private_key(ec.SECP256R1()))) for _ in range(11)
    ]
    assert len(read_metadata(metadata(*described[:10])).certificates) == 10
    with pytest.raises(NotMetadata, match="1 to 10 signing keys"):
        read_metadata(metadata(*described))


@settings(max_examples=200)
@given(st.data())
def test_any_change_is_read_or_refused(data: st.DataObject) -> None:
    """Whatever is put into a document, or cut out of it, it is read or refused."""
    start = data.draw(st.integers(0, len(GOOD)))
    end = data.draw(st.integers(start, min(len(GOOD), start + 80)))
    put = data.draw(st.text(max_size=20) | st.sampled_from([f'validUntil="{PAST}"', "<", "&#x0;"]))
    try:
        read = read_metadata(GOOD[:start] + put + GOOD[end:])
    except NotMetadata:
        return
    assert read.certificates
    assert read.entity_id


def test_private_keys_are_read() -> None:
    """An RSA key in PEM is kept as PKCS#8, whichever of its two forms it had."""
    text = pem()
    key = load_der_private_key(read_private_key(text), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert private_pem(key) == text


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\n\n-----END RSA PRIVATE KEY-----",
        # Of Ed25519 and X25519, with one byte where there are 32.
        "-----BEGIN PRIVATE KEY-----\nMA8CAQAwBQYDK2VwBAMEATE=\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nMA8CAQAwBQYDK2VuBAMEATE=\n-----END PRIVATE KEY-----\n",
    ],
)  # fmt: skip
def test_what_is_no_private_key(text: str) -> None:
    """A text that is not one key in PEM is refused."""
    with pytest.raises(NotAPrivateKey):
        read_private_key(text)


def test_private_keys_that_are_refused() -> None:
    """Short keys, keys of curves, encrypted keys and two keys at once are refused."""
    good = pem()
    key = rsa.generate_private_key(65537, 2048)
    bad = {
        "2,048 to 4,096": [
            private_pem(rsa.generate_private_key(65537, 1024)),  # noqa: S505  # refused
            private_pem(ec.generate_private_key(ec.SECP256R1())),
        ],
        "one unencrypted private key": [good + good, private_pem(key, b"password"), good + "x"],
    }
    for reason, texts in bad.items():
        for text in texts:
            with pytest.raises(NotAPrivateKey, match=reason) as refused:
                read_private_key(text)
            assert text[40:80] not in str(refused.value)
