"""What a stranger's certificates may cost, and what a path names for lists of revoked ones."""

import ssl
import subprocess
import sys
from collections.abc import Sequence
from math import lcm

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from keystead.identity.anywhere.certificates import (
    BadBundle,
    Bearer,
    Presented,
    Unproven,
    prove,
    read_bundle,
)
from tests.anywhere import authorities
from tests.anywhere.authorities import Issued, named, now

ACME = x509.DirectoryName(named(ORGANIZATION_NAME="Acme"))


def asked(bundle: Sequence[Issued], leaf: Issued, *chain: Issued) -> Bearer | Unproven:
    """What comes of a request that the key of this certificate signed, on a curve."""
    assert isinstance(leaf.key, ec.EllipticCurvePrivateKey)
    signature = leaf.key.sign(b"text", ec.ECDSA(hashes.SHA256()))
    serial, ders = leaf.certificate.serial_number, tuple(each.der for each in chain)
    presented = Presented("AWS4-X509-ECDSA-SHA256", serial, leaf.der, ders, b"text", signature)
    return prove("".join(each.pem for each in bundle), presented, now())


def key_with_a_long_exponent() -> rsa.RSAPrivateKey:
    """A key of 2,048 bits. Its exponent is as long, so its signatures take long to verify."""
    private = rsa.generate_private_key(65537, 2048).private_numbers()
    p, q, period = private.p, private.q, lcm(private.p - 1, private.q - 1)
    exponent = pow(65537, -1, period)  # the two exponents change places
    public = rsa.RSAPublicNumbers(exponent, p * q)
    numbers = rsa.RSAPrivateNumbers(
        p, q, 65537, rsa.rsa_crt_dmp1(65537, p), rsa.rsa_crt_dmq1(65537, q),
        rsa.rsa_crt_iqmp(p, q), public,
    )  # fmt: skip
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)


def test_long_exponents() -> None:
    """A key whose signatures take long to verify is refused before one is verified."""
    root = authorities.root()
    slow = root.authority("slow", key=key_with_a_long_exponent())
    refused = asked([root], slow.issue(), slow)
    assert isinstance(refused, Unproven)
    assert "exponent" in refused.why
    with pytest.raises(BadBundle, match="exponent"):
        read_bundle(authorities.root(key=key_with_a_long_exponent()).pem)
    quick = root.authority("quick", key=authorities.new_key("rsa"))
    assert isinstance(asked([root], quick.issue(), quick), Bearer)


def test_many_names() -> None:
    """Names times name constraints are bounded, also those of no authority of ours."""

    def told(count: int, top: Issued) -> Bearer | Unproven:
        excluded = [x509.DNSName(f"a{number}.example") for number in range(count)]
        limits = x509.NameConstraints(None, excluded)
        middle = top.authority("limited", extensions=[(limits, True)])
        names = [x509.DNSName(f"b{number}.example") for number in range(count)]
        return asked([root], middle.issue(names=names), middle)

    root = authorities.root()
    for top in (root, authorities.root()):
        refused = told(65, top)
        assert isinstance(refused, Unproven)
        assert "too many" in refused.why
    assert isinstance(told(64, root), Bearer)


@pytest.mark.parametrize("critical", [True, False])
def test_constraints_of_directory_names(critical: bool) -> None:
    """They are refused: nothing would hold an authority to them."""
    root, limits = authorities.root(), x509.NameConstraints([ACME], None)
    middle = root.authority("limited", extensions=[(limits, critical)])
    evil = middle.issue(named("web", ORGANIZATION_NAME="Evil"))
    refused = asked([root], evil, middle)
    assert isinstance(refused, Unproven)
    with pytest.raises(BadBundle, match="directory names"):
        read_bundle(authorities.root(extensions=[(limits, critical)]).pem)
    others = x509.NameConstraints([x509.DNSName("example.com")], None)
    middle = root.authority("other", extensions=[(others, critical)])
    assert isinstance(asked([root], middle.issue(), middle), Bearer)


def test_a_name_that_cannot_be_read() -> None:
    """A bundle is refused whose authority has such a name; the library reads it late."""
    authority = authorities.root("rootrootroot")
    odd = authority.der.replace(b"\x0c\x0crootrootroot", b"\xde\x0crootrootroot")
    assert odd != authority.der
    with pytest.raises(BadBundle, match="Unable to parse"):
        read_bundle(ssl.DER_cert_to_PEM_cert(odd))


_PROVES = """
import sys
from datetime import UTC, datetime
from keystead.identity.anywhere.certificates import Presented, prove
leaf, serial, root = sys.argv[1:]
asked = Presented("AWS4-X509-ECDSA-SHA256", int(serial), bytes.fromhex(leaf), (), b"", b"")
print(prove(root, asked, datetime.now(UTC)).why)
"""


def test_odd_certificates_are_no_news() -> None:
    """Nothing is written about them: their senders could fill a log."""
    root = authorities.root()
    bearer = root.issue("odd", serial=5)
    odd = bearer.der.replace(b"\x02\x01\x05", b"\x02\x01\xff")  # negative, of which it warns
    asked = [sys.executable, "-c", _PROVES, odd.hex(), "-1", root.pem]
    told = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert (told.stdout.strip(), told.stderr) == (
        "a serial number is not positive, or longer than 20 octets", "",
    )  # fmt: skip
