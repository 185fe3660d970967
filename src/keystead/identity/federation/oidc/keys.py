"""Which keys does a provider sign with?  Those of its JWK set that we understand (RFC 7517).

Of a key only the public numbers and its names are read. Symmetric keys, other curves, keys that
are too small or too costly, and keys for encryption are passed over: a token of such a key finds
none. Two keys with the same name and algorithm are ambiguous, and neither counts.

The library of these keys and signatures is the extra `oidc`, and is loaded with the first set.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from keystead import strictjson
from keystead.identity.federation.oidc.tokens import ALGORITHMS

MOST_KEYS = 64
COST = 6_000
"""Bytes of a key in memory, about; a test measures."""

_LEAST_BITS, _MOST_BITS = 2048, 8192
_MOST_EXPONENT = 2**32
_SECONDS = {"P-256": 1.2e-4, "P-384": 4e-4, "P-521": 8e-4}
_SECONDS_OF_2048_BITS = 7e-5
_LONGEST_NAME = 256


class NoKeys(ValueError):
    """The document is no set of keys."""


@dataclass(frozen=True, slots=True)
class ProviderKey:
    """A public key of a provider, for one algorithm."""

    algorithm: str
    fingerprint: str  # of its numbers
    seconds: float  # that a verification takes, about
    library: Any = field(repr=False, compare=False)


KeySet = Mapping[tuple[str, str], ProviderKey]
"""The keys of a provider, by name and algorithm."""


def read_keys(document: bytes) -> KeySet:
    """The keys of a JWK set; raises NoKeys, and ImportError without the extra."""
    try:
        value = strictjson.loads(document)
    except strictjson.NotStrictJson as error:
        raise NoKeys(f"the key set is refused: {error}") from None
    listed = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise NoKeys(f"the key set is no object with at most {MOST_KEYS} keys")
    found = [pair for each in listed if isinstance(each, dict) for pair in _key(each)]
    times = Counter(name for name, _ in found)
    return {name: key for name, key in found if times[name] == 1}


def verified(text: str, algorithm: str, library: Any) -> bytes | None:
    """The payload of a token, if this key signed it with this algorithm; else None."""
    from joserfc import errors, jws  # noqa: PLC0415  # the extra, loaded with the first key

    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    registry.max_header_length = registry.max_payload_length = registry.max_signature_length = 32768
    try:
        return bytes(jws.deserialize_compact(text, library, registry=registry).payload)
    except (errors.JoseError, ValueError, TypeError):
        return None


def _key(written: dict[str, Any]) -> Iterator[tuple[tuple[str, str], ProviderKey]]:
    """One key, once for each algorithm that it may be used with."""
    name, use, operations = written.get("kid"), written.get("use"), written.get("key_ops")
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME or use not in (None, "sig"):
        return
    if operations is not None and not (isinstance(operations, list) and "verify" in operations):
        return
    kind = "RSA" if written.get("kty") == "RSA" else written.get("crv")
    only = written.get("alg")
    algorithms = [a for a, k in ALGORITHMS.items() if k == kind and only in (None, a)]
    if not algorithms:
        return
    numbers = _numbers(written)
    if numbers is None:
        return
    library, seconds = numbers
    text = json.dumps(library.as_dict(private=False), sort_keys=True)
    fingerprint = hashlib.sha256(text.encode()).hexdigest()
    for algorithm in algorithms:
        yield (name, algorithm), ProviderKey(algorithm, fingerprint, seconds, library)


def _numbers(written: dict[str, Any]) -> tuple[Any, float] | None:
    """The key itself and the time that it takes; None for one that we do not use."""
    from joserfc import errors, jwk  # noqa: PLC0415  # the extra, loaded with the first key

    kind = written.get("kty")
    members = ("n", "e") if kind == "RSA" else ("crv", "x", "y")
    public: dict[str, Any] = {member: written.get(member) for member in members}
    if not all(isinstance(text, str) and len(text) <= 2048 for text in public.values()):
        return None
    if kind == "RSA" and len(public["n"]) * 6 < _LEAST_BITS:  # the library warns of such keys
        return None
    try:
        if kind == "RSA":
            key: Any = jwk.RSAKey.import_key({"kty": "RSA", **public})
            numbers = key.public_key.public_numbers()
            bits, exponent = numbers.n.bit_length(), numbers.e
            if not (_LEAST_BITS <= bits <= _MOST_BITS and exponent < _MOST_EXPONENT):
                return None
            return key, _SECONDS_OF_2048_BITS * (bits / 2048) ** 2
        if kind != "EC":
            return None
        key = jwk.ECKey.import_key({"kty": "EC", **public})
        _ = key.public_key  # a point that is not on the curve is refused here
        return key, _SECONDS[str(public["crv"])]
    except (errors.JoseError, ValueError, TypeError):
        return None
