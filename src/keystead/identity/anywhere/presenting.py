"""What does a request for a session carry?  Its signature, and the certificates in its headers.

    Authorization: AWS4-X509-RSA-SHA256 Credential=<serial number, decimal>/date/region/
                   rolesanywhere/aws4_request, SignedHeaders=…, Signature=<hex>
    X-Amz-X509: base64 of the certificate, DER
    X-Amz-X509-Chain: base64 of certificates between it and the trust anchor, with `,` between them

The canonical request is that of SigV4 (iam.md 3.3). The signature covers all x-amz-* headers, the
host, the path, the query string and the hash of the body.
"""

import re
from datetime import datetime
from typing import NamedTuple

from keystead.identity.anywhere import limits
from keystead.identity.anywhere.certificates import ALGORITHMS, Presented
from keystead.identity.anywhere.naming import invalid
from keystead.wire import sigv4
from keystead.wire.base64 import NotCanonical, decode_blob
from keystead.wire.http import HttpRequest

SKEW = 300
"""Seconds for which a signature is good, before and after its time."""

_SERIAL = re.compile(r"[0-9]{1,49}", re.ASCII)
_LEAF, _CHAIN = "x-amz-x509", "x-amz-x509-chain"


class Read(NamedTuple):
    """A request for a session, and when it was signed."""

    presented: Presented
    signed: datetime


def presented(request: HttpRequest, region: str, now: datetime) -> Read:
    """What a request carries, in the Region of its trust anchor; raises AWS's errors."""
    algorithm, signature = sigv4.parse_certified(request, ALGORITHMS)
    sigv4.require_scope(signature, "rolesanywhere", {region})
    sigv4.require_fresh(signature, now, SKEW)
    if not _SERIAL.fullmatch(signature.access_key_id):
        raise invalid("The credential is not a serial number in decimal digits")
    leaf, chain = request.headers.get(_LEAF, ""), request.headers.get(_CHAIN, "")
    between = chain.split(",", limits.CHAIN + 1) if chain else []
    if not leaf:
        raise invalid("The header X-Amz-X509 is missing")
    if len(between) > limits.CHAIN:
        raise invalid(f"X-Amz-X509-Chain has more than {limits.CHAIN} certificates")
    found = Presented(
        algorithm=algorithm,
        serial=int(signature.access_key_id),
        leaf=_decoded(leaf),
        chain=tuple(_decoded(each.strip(" ")) for each in between),
        text=sigv4.string_to_sign(request, signature, algorithm),
        signature=bytes.fromhex(signature.signature),
    )
    return Read(found, signature.time)


def _decoded(text: str) -> bytes:
    try:
        return decode_blob(text)
    except NotCanonical:
        raise invalid("A certificate in a header is not base64") from None
