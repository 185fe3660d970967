r"""Who signs the digests of exported records?  The installation, whose custody has the key.

A digest is signed for the owner of the data directory, like every ceremony. Each signature is
recorded. What is signed has the form of a digest's text, and no other:

    end time "\n" bucket "/" object "\n" SHA-256 of the digest "\n" signature of the one before
"""

import re
from collections.abc import Mapping
from typing import Any

from keystead.failures import Failure
from keystead.server.installation.founding import ceremony_event
from keystead.server.installation.installation import Installation

MADE, SIGNED = "CreateDigestKey", "SignDigest"
_PARTS = {
    "end": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"),
    "bucket": re.compile(r"[a-z0-9.-]{3,63}"),
    "object": re.compile(r"AWSLogs/[0-9]{12}/CloudTrail-Digest/[A-Za-z0-9_./-]{1,400}\.json\.gz"),
    "hash": re.compile(r"[0-9a-f]{64}"),
    "previous": re.compile(r"([0-9a-f]{512})?"),
}


def key(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG001  # there are none
    """The fingerprint of the key that signs; "" while the first one is being made.

    Beside it, what an export must not take from files that somebody may have changed: the key that
    signs the log's checkpoints, and the first Region.
    """
    pem = installation.hierarchy.audit_signer.public_key_pem
    own = {"logKey": pem.decode(), "home": installation.config.regions[0]}
    keys = installation.digest_keys
    known = keys.every(installation.store.read())
    if known:
        return {"fingerprint": known[-1].fingerprint, **own}
    made = installation.digest_key_maker.made()
    if made is None:
        return {"fingerprint": "", **own}
    now = installation.clock.now()
    with installation.store.write() as transaction:
        record = keys.add(transaction, made, now)
        details = {"fingerprint": record.fingerprint}
        installation.trail.record(ceremony_event(MADE, now, details))
    return {**details, **own}


def sign(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The signature of one digest, in hexadecimal; raises Failure."""
    parts = {name: str(arguments[name]) for name in _PARTS}
    for name, part in parts.items():
        if not _PARTS[name].fullmatch(part):
            raise Failure(f"`{name}` is not that of a digest", "run `keystead audit export` again")
    keys = installation.digest_keys
    known = keys.every(installation.store.read())
    if not known:
        raise Failure("there is no key that signs digests", "run `keystead audit export` again")
    text = f"{parts['end']}\n{parts['bucket']}/{parts['object']}\n{parts['hash']}\n"
    signature = keys.signer(known[-1]).sign((text + (parts["previous"] or "null")).encode())
    told = {"object": parts["object"], "sha256": parts["hash"]}
    installation.trail.record(ceremony_event(SIGNED, installation.clock.now(), told))
    return {"signature": signature.hex()}
