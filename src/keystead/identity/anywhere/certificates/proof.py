"""Whom does a certificate prove the sender of a request to be?  (iam.md 8.9, RFC 5280, 6)

(1) The bytes are certificates; between the bearer's and the trust anchor are at most five, no two
with one subject, so that there is one path. (2) The bearer's is of X.509 version 3, has the number
that the request claims, and a key of the kind that the algorithm names, which is strong enough. (3)
There is a path to an authority of this one trust anchor: signatures with SHA-2, dates, path length,
names and critical extensions (the library); each one in between may sign certificates; the bearer's
is no authority and may sign; a purpose, if one is named, is that of clients. (4) The key signed
this very request. (5) What the certificate says of the bearer.

It runs beside the loop, on values alone, and raises nothing. The bearer is a stranger until it has
passed. Revocation is asked afterwards, and at each use of the session.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from keystead.identity.anywhere import limits
from keystead.identity.anywhere.certificates import bundles, facts, parsing
from keystead.identity.anywhere.certificates.parsing import Unfit
from keystead.work import digest

ALGORITHMS: Mapping[str, type[object]] = {
    "AWS4-X509-RSA-SHA256": rsa.RSAPublicKey,
    "AWS4-X509-ECDSA-SHA256": ec.EllipticCurvePublicKey,
}
"""The algorithms of signatures, and the kind of key of each."""

_PURPOSES = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}


@dataclass(frozen=True, slots=True)
class Presented:
    """What a request carries, and says of itself."""

    algorithm: str
    serial: int  # as the credential of the signature has it
    leaf: bytes  # DER
    chain: tuple[bytes, ...]
    text: bytes  # that is signed
    signature: bytes


@dataclass(frozen=True, slots=True)
class Bearer:
    """What was proved of the sender."""

    serial: int
    subject: str  # RFC 4514
    issuer: str
    common_name: str
    since: datetime  # the path is valid from then
    until: datetime
    digests: tuple[bytes, ...]  # what stands for each certificate of the path
    facts: Mapping[str, str]  # by their names as tags
    request: str  # what stands for the signed request


@dataclass(frozen=True, slots=True)
class Unproven:
    """Which step failed, and why."""

    why: str


def prove(bundle: str, presented: Presented, now: datetime) -> Bearer | Unproven:
    """The bearer of a certificate, as a trust anchor vouches for it."""
    try:
        return _proved(bundle, presented, now)
    except Unfit as reason:
        return Unproven(str(reason))
    except (bundles.BadBundle, *parsing.UNREADABLE):
        return Unproven("step 1: a certificate cannot be read")


def _proved(bundle: str, presented: Presented, now: datetime) -> Bearer:
    leaf = x509.load_der_x509_certificate(presented.leaf)  # (1)
    anchors = bundles.certificates(bundle)
    chain = _between(presented.chain, anchors)
    _require_fit(leaf, presented)  # (2)
    parsing.require_few_names((leaf, *chain, *anchors))
    path = _path(leaf, chain, anchors, now)  # (3)
    _require_signed(leaf, presented)  # (4)
    return Bearer(  # (5)
        serial=leaf.serial_number,
        subject=leaf.subject.rfc4514_string(),
        issuer=leaf.issuer.rfc4514_string(),
        common_name=facts.common_name(leaf),
        since=max(each.not_valid_before_utc for each in path),
        until=min(each.not_valid_after_utc for each in path),
        digests=tuple(
            parsing.revocation_digest(each.issuer.rfc4514_string(), each.serial_number)
            for each in path
        ),
        facts=facts.of(leaf),
        request=_request(leaf, presented),
    )


def _between(chain: Sequence[bytes], anchors: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """The certificates between the bearer's and the trust anchor, whose own are left out."""
    if len(chain) > limits.CHAIN:
        raise Unfit(f"step 1: the chain has more than {limits.CHAIN} certificates")
    given = [x509.load_der_x509_certificate(each) for each in dict.fromkeys(chain)]
    found = [each for each in given if each not in anchors]
    if len({each.subject for each in found}) != len(found):
        raise Unfit("step 1: two certificates of the chain have one subject")
    for each in found:
        parsing.require_serial(each.serial_number)
        parsing.require_key(each.public_key())
        parsing.require_hash(each.signature_hash_algorithm)
    return found


def _require_fit(leaf: x509.Certificate, presented: Presented) -> None:
    if leaf.version is not x509.Version.v3:
        raise Unfit("step 2: the certificate is not of X.509 version 3")
    parsing.require_serial(leaf.serial_number)
    if leaf.serial_number != presented.serial:
        raise Unfit("step 2: the credential is not the certificate's serial number")
    key = leaf.public_key()
    if not isinstance(key, ALGORITHMS[presented.algorithm]):
        raise Unfit("step 2: the algorithm is not that of the certificate's key")
    parsing.require_key(key)
    parsing.require_hash(leaf.signature_hash_algorithm)


def _path(
    leaf: x509.Certificate,
    chain: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    now: datetime,
) -> Sequence[x509.Certificate]:
    """The path from the bearer's certificate to an authority of the trust anchor."""
    builder = PolicyBuilder().store(Store(list(anchors))).time(now).max_chain_depth(limits.CHAIN)
    policies = builder.extension_policies(ca_policy=_AUTHORITIES, ee_policy=_BEARERS)
    try:
        return policies.build_client_verifier().verify(leaf, list(chain)).chain
    except VerificationError as error:
        raise Unfit(f"step 3: {str(error).partition('(')[0][:200]}") from None


def _require_signed(leaf: x509.Certificate, presented: Presented) -> None:
    key, signature, text = leaf.public_key(), presented.signature, presented.text
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, text, ec.ECDSA(hashes.SHA256()))
        else:
            raise Unfit("step 4: the key signs nothing")
    except InvalidSignature:
        raise Unfit("step 4: the signature does not match the request") from None


def _request(leaf: x509.Certificate, presented: Presented) -> str:
    """What stands for a request: the same for each copy that needs no key.

    Of an ECDSA signature it is the first number, which the key chose. From a signature everybody
    can make a second one, with another second number. Signatures by RSA are the same each time.
    """
    parts = [presented.leaf, presented.text]
    if isinstance(leaf.public_key(), ec.EllipticCurvePublicKey):
        parts.append(b"%x" % decode_dss_signature(presented.signature)[0])
    return digest(*parts).hex()


# what the extensions have to say; the library refuses with what is raised


def _signs(_: Policy, __: x509.Certificate, usage: x509.KeyUsage) -> None:
    if not usage.digital_signature:
        raise ValueError("the key may not sign")


def _signs_certificates(_: Policy, __: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("the key may not sign certificates")


def _is_no_authority(_: Policy, __: x509.Certificate, basic: x509.BasicConstraints | None) -> None:
    if basic is not None and basic.ca:
        raise ValueError("an authority is no bearer")


def _for_clients(_: Policy, __: x509.Certificate, purposes: x509.ExtendedKeyUsage | None) -> None:
    if purposes is not None and _PURPOSES.isdisjoint(purposes):
        raise ValueError("it is not for clients")


_ANYHOW = Criticality.AGNOSTIC
_BEARERS = (
    ExtensionPolicy.permit_all()
    .require_present(x509.KeyUsage, _ANYHOW, _signs)
    .may_be_present(x509.BasicConstraints, _ANYHOW, _is_no_authority)
    .may_be_present(x509.ExtendedKeyUsage, _ANYHOW, _for_clients)
)
_AUTHORITIES = (
    ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, _ANYHOW, None)
    .may_be_present(x509.KeyUsage, _ANYHOW, _signs_certificates)
    .may_be_present(x509.ExtendedKeyUsage, _ANYHOW, _for_clients)
)
