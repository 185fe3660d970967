"""Is this a bundle of authorities that may be a trust anchor?

PEM certificates alone, each an authority of X.509 version 3: `CA` is true, its key may sign
certificates, and is strong enough. One that is over may be stored; nothing is proved by it.
"""

from cryptography import x509

from keystead.identity.anywhere import limits
from keystead.identity.anywhere.certificates import parsing

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


class BadBundle(Exception):
    """Not a bundle of authorities; the text says why."""


def read_bundle(text: str) -> tuple[str, ...]:
    """The names of the authorities in a bundle; raises BadBundle."""
    try:
        return tuple(each.subject.rfc4514_string() for each in certificates(text))
    except parsing.UNREADABLE:  # of a name, which the library reads when it is asked for it
        raise BadBundle("Unable to parse the certificate bundle") from None


def certificates(text: str) -> list[x509.Certificate]:
    """The certificates of a bundle; raises BadBundle."""
    _require_alone(text)
    try:
        found = x509.load_pem_x509_certificates(text.encode())
        if len(found) > limits.CERTIFICATES_PER_TRUST_ANCHOR:
            most = limits.CERTIFICATES_PER_TRUST_ANCHOR
            raise BadBundle(f"There are more than {most} certificates")
        for each in found:
            _require_authority(each)
    except parsing.Unfit as reason:
        raise BadBundle(f"Certificate is not allowed: {reason}") from None
    except parsing.UNREADABLE:
        raise BadBundle("Unable to parse the certificate bundle") from None
    return found


def _require_alone(text: str) -> None:
    """Refuse what is no certificate: a private key belongs nowhere near a trust anchor."""
    outside, inside = [], False
    for line in map(str.strip, text.splitlines()):
        if line == _BEGIN:
            inside = True
        elif line == _END:
            inside = False
        elif not inside and line:
            outside.append(line)
    if inside or any(line.startswith("-----") for line in outside):
        raise BadBundle("A bundle has PEM certificates alone")


def _require_authority(certificate: x509.Certificate) -> None:
    if certificate.version is not x509.Version.v3:
        raise BadBundle("A certificate is not of X.509 version 3")
    basic = parsing.extension(certificate, x509.BasicConstraints)
    if not isinstance(basic, x509.BasicConstraints) or not basic.ca:
        raise BadBundle("Incorrect basic constraints for CA certificate")
    usage = parsing.extension(certificate, x509.KeyUsage)
    if isinstance(usage, x509.KeyUsage) and not usage.key_cert_sign:
        raise BadBundle("Incorrect key usage for CA certificate")
    limits = parsing.extension(certificate, x509.NameConstraints)
    if isinstance(limits, x509.NameConstraints):
        parsing.require_known_constraints(limits)
    parsing.require_serial(certificate.serial_number)
    parsing.require_key(certificate.public_key())
    parsing.require_hash(certificate.signature_hash_algorithm)
