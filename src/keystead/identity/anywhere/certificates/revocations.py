"""Which certificates does a revocation list revoke, and did the trust anchor sign it?

(1) One list, PEM or DER. (2) The name of its issuer is that of an authority of the trust anchor,
whose key signed it, with SHA-2, and may sign lists. (3) It is no list of changes and none about
other issuers, and has no critical extension that is not understood. (4) Its certificates, by
issuer and number.

A list whose next one is due stays valid: what is revoked stays so, and nothing else depends on it.

A list takes the place of an older one of the same issuer alone (RFC 5280, 5.2.3). An old list is
signed, too: by a copy of it, somebody on the way could let revoked certificates in.
"""

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import CRLEntryExtensionOID, ExtensionOID

from keystead.identity.anywhere.certificates import bundles, parsing
from keystead.pauses import pausing

_PEM = b"-----BEGIN X509 CRL-----"
_EARLY = timedelta(minutes=5)
_KNOWN = frozenset({ExtensionOID.CRL_NUMBER, ExtensionOID.AUTHORITY_KEY_IDENTIFIER})


class BadCrl(Exception):
    """Not a list that the trust anchor signed; the text says why."""


def read_crl(data: bytes, bundle: str, now: datetime) -> bytes:
    """The certificates that a list revokes, in order; raises BadCrl."""
    try:
        crl = _parsed(data)
        _require_signed(crl, bundle)
        _require_understood(crl, now)
        issuer = crl.issuer.rfc4514_string()
        digests = {_digest(issuer, each) for each in pausing(crl)}
    except parsing.Unfit as reason:
        raise BadCrl(f"The CRL is not allowed: {reason}") from None
    except parsing.UNREADABLE:
        raise BadCrl("Unable to parse the CRL") from None
    return b"".join(sorted(digests))


def require_later(data: bytes, before: bytes, bundle: str) -> None:
    """Refuse a list that may not take the place of this one; raises BadCrl. Both can be read."""
    later, earlier = _parsed(data), _parsed(before)
    if later.issuer == earlier.issuer:
        if _age(later) < _age(earlier):
            raise BadCrl("The CRL is older than the stored one: delete that one first")
    elif any(each.subject == earlier.issuer for each in bundles.certificates(bundle)):
        raise BadCrl("The CRL is of another issuer than the stored one: import it beside")


def _age(crl: x509.CertificateRevocationList) -> tuple[datetime, int]:
    """The later of two lists of an issuer has a later date, or the same and a greater number."""
    for extension in crl.extensions:
        if isinstance(extension.value, x509.CRLNumber):
            return crl.last_update_utc, extension.value.crl_number
    return crl.last_update_utc, 0


def _parsed(data: bytes) -> x509.CertificateRevocationList:  # (1)
    if not data.lstrip().startswith(b"-----"):
        return x509.load_der_x509_crl(data)
    if data.count(b"-----BEGIN") != 1 or _PEM not in data:
        raise BadCrl("The data are not one CRL")
    return x509.load_pem_x509_crl(data)


def _require_signed(crl: x509.CertificateRevocationList, bundle: str) -> None:  # (2)
    parsing.require_hash(crl.signature_hash_algorithm)
    for authority in bundles.certificates(bundle):
        if authority.subject != crl.issuer:
            continue
        usage = parsing.extension(authority, x509.KeyUsage)
        if isinstance(usage, x509.KeyUsage) and not usage.crl_sign:
            continue
        if crl.is_signature_valid(authority.public_key()):  # type: ignore[arg-type]  # the kinds of `require_key`
            return
    raise BadCrl("The CRL is not signed by the trust anchor")


def _require_understood(crl: x509.CertificateRevocationList, now: datetime) -> None:  # (3)
    if crl.last_update_utc > now + _EARLY:
        raise BadCrl("The CRL is not yet valid")
    for extension in crl.extensions:
        value = extension.value
        if isinstance(value, x509.DeltaCRLIndicator):
            raise BadCrl("The CRL is a list of changes")
        if isinstance(value, x509.IssuingDistributionPoint):
            if value.indirect_crl:
                raise BadCrl("The CRL is about certificates of other issuers")
        elif extension.critical and extension.oid not in _KNOWN:
            raise BadCrl("The CRL has a critical extension that is not understood")


def _digest(issuer: str, each: x509.RevokedCertificate) -> bytes:  # (4)
    for extension in each.extensions:
        if extension.oid == CRLEntryExtensionOID.CERTIFICATE_ISSUER or extension.critical:
            raise BadCrl("An entry of the CRL has a critical extension")
    parsing.require_serial(each.serial_number)
    return parsing.revocation_digest(issuer, each.serial_number)
