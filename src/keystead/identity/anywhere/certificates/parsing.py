"""How is a certificate read, and which of its facts count?  Nothing here is proved yet."""

import hashlib
import warnings
from collections.abc import Iterable

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

# The library warns of what is odd in a certificate. Python writes each new text to standard error,
# and keeps it: a stranger could send any number of them.
warnings.filterwarnings("ignore", module=r"keystead\.identity\.anywhere\.certificates\.")

UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What the library raises for bytes that are no certificate, or whose parts it cannot read."""

LEAST_RSA, MOST_RSA = 2048, 8192  # bits
_MOST_EXPONENT = 32  # bits: a key whose exponent is as long as it takes forty times as long
_MOST_COMPARISONS = 4096  # of names with name constraints: a millisecond
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_DIGEST = 16
_LONGEST_SERIAL = 160  # bits (RFC 5280, 4.1.2.2)


class Unfit(Exception):
    """A certificate that cannot be believed; the text says why."""


def revocation_digest(issuer: str, serial: int) -> bytes:
    """What stands for a certificate in the lists of revoked ones: its issuer and its number.

    The issuer is the text of its name (RFC 4514). So another encoding of the same name is revoked
    as well.
    """
    name = issuer.encode()
    text = len(name).to_bytes(4, "big") + name + serial.to_bytes(_LONGEST_SERIAL, "big")
    return hashlib.sha256(text).digest()[:_DIGEST]


def require_serial(serial: int) -> None:
    if not 0 < serial < 1 << (_LONGEST_SERIAL - 1):
        raise Unfit("a serial number is not positive, or longer than 20 octets")


def require_key(key: object) -> None:
    """Refuse keys that are too weak, or that take too long."""
    if isinstance(key, rsa.RSAPublicKey):
        if not LEAST_RSA <= key.key_size <= MOST_RSA:
            raise Unfit(f"an RSA key has {key.key_size} bits, not {LEAST_RSA} to {MOST_RSA}")
        if key.public_numbers().e.bit_length() > _MOST_EXPONENT:
            raise Unfit(f"the exponent of an RSA key has more than {_MOST_EXPONENT} bits")
    elif not isinstance(key, ec.EllipticCurvePublicKey):
        raise Unfit("a key is neither RSA nor EC")
    elif not isinstance(key.curve, _CURVES):
        raise Unfit(f"an EC key is on the curve {key.curve.name}")


def require_hash(algorithm: hashes.HashAlgorithm | None) -> None:
    """Refuse signatures by another hash than SHA-2."""
    if not isinstance(algorithm, _HASHES):
        name = "none" if algorithm is None else algorithm.name
        raise Unfit(f"a signature has the hash {name}")


def extension(
    certificate: x509.Certificate, kind: type[x509.ExtensionType]
) -> x509.ExtensionType | None:
    """The value of an extension, if the certificate has it."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def require_few_names(path: Iterable[x509.Certificate]) -> None:
    """Refuse certificates whose names and name constraints take too long to compare.

    The library compares each name with each constraint, before it has seen the trust anchor.
    """
    names = constraints = 0
    for each in path:
        alternative = extension(each, x509.SubjectAlternativeName)
        if isinstance(alternative, x509.SubjectAlternativeName):
            names += len(list(alternative))
        limits = extension(each, x509.NameConstraints)
        if isinstance(limits, x509.NameConstraints):
            require_known_constraints(limits)
            constraints += len(_subtrees(limits))
    if names * constraints > _MOST_COMPARISONS:
        raise Unfit(f"{names} names and {constraints} name constraints are too many")


def require_known_constraints(limits: x509.NameConstraints) -> None:
    """Refuse constraints of directory names: the library passes over them if not critical."""
    if any(isinstance(each, x509.DirectoryName) for each in _subtrees(limits)):
        raise Unfit("there are name constraints of directory names")


def _subtrees(limits: x509.NameConstraints) -> list[x509.GeneralName]:
    return [*(limits.permitted_subtrees or ()), *(limits.excluded_subtrees or ())]
