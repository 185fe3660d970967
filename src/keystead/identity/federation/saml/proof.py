"""Does a SAML response prove what it says?  (SAML 2.0 Core 5.4, Profiles 4.1.4.3; iam.md 8.1; SA)

(1) It is XML with one reading. (2) It is a Response with one assertion and nothing that could be
taken for another (`responses`). (3) If the response is signed, the provider signed it, and from
here on only what was signed is looked at (`signatures`). (4) An encrypted assertion is decrypted
(`encryption`); a provider may require that it was encrypted. (5) If the assertion is signed, the
provider signed it; at least one of both is. (6) What was signed has facts (`assertions`).

Then the facts are judged, of what was signed and of nothing else: (7) to (12) in `judging`, with
(13) what it gives to its bearer in `attributes`. (14) Nobody used it before (`sts.saml`).

The first six steps take longer than the loop has, so that they are work. Their result says nothing
of the time, nor of any role: both are judged after the work.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from keystead.custody.randomness import urandom
from keystead.identity.federation.refusals import invalid
from keystead.identity.federation.saml.assertions import Assertion, read_facts
from keystead.identity.federation.saml.encryption import decrypted
from keystead.identity.federation.saml.responses import (
    Unproven,
    parts_of,
    read_response,
    signature_of,
)
from keystead.identity.federation.saml.signatures import signed
from keystead.work import DOCUMENTS, MadeWith, Runs, Work, digest

_SECONDS, _A_CHARACTER = 1e-3, 1.5e-7
_OF_A_KEY = 2e-3  # to decrypt with RSA
_MOST_FAILED = 2

SAML_ASSERTION = "SAML assertion"
"""What a stranger is told was refused."""


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """What an account says of a provider, as far as proofs depend on it."""

    account: str
    provider_id: str
    arn: str
    revision: str
    name: str
    issuer: str
    valid_until: int | None  # seconds since the epoch
    certificates: tuple[bytes, ...]
    private_keys: tuple[bytes, ...] = field(repr=False)
    must_encrypt: bool


def prove_assertion(
    call: Runs, text: str, provider: IdentityProvider
) -> Assertion | Work[Assertion | str]:
    """The assertion that the provider signed; at first the work. Raises InvalidIdentityToken."""
    done = call.done(work := _work(text, provider))
    if done is None:
        return work
    if isinstance(done.value, str):
        raise invalid(done.value, SAML_ASSERTION)
    return done.value


def prove_for_each(
    call: Runs, text: str, providers: Sequence[IdentityProvider]
) -> tuple[Assertion | str, ...] | Work[tuple[Assertion | str, ...]]:
    """What each of these providers signed, or the step that failed; at first the work.

    After `_MOST_FAILED` failures the others are not tried: a stranger may have named them.
    """
    revisions = " ".join(provider.revision for provider in providers)
    made_with = MadeWith(key=revisions, input=digest(text.encode()))
    seconds = sum(_work(text, provider).seconds for provider in providers)
    work = Work(DOCUMENTS, seconds, made_with, _verify_each, (text, tuple(providers)))
    done = call.done(work)
    return work if done is None else done.value


def _verify_each(text: str, providers: Sequence[IdentityProvider]) -> tuple[Assertion | str, ...]:
    """In a worker's thread."""
    results: list[Assertion | str] = []
    failed = 0
    for provider in providers:
        tried = failed < _MOST_FAILED
        result = verify(text, provider) if tried else "step 5: others had not signed it either"
        failed += isinstance(result, str)
        results.append(result)
    return tuple(results)


def prove_nothing(call: Runs, text: str) -> Work[Assertion | str] | None:
    """The work for a provider that does not exist; None when it was done.

    It takes as long as for one that does: so the time of a refusal tells nobody which exist (OI-6).
    """
    work = _work(text, nobody())
    return work if call.done(work) is None else None


@cache
def nobody() -> IdentityProvider:
    """A provider that nobody is: there is no private key to its certificate."""
    modulus = int.from_bytes(urandom(256)) | 1 | 1 << 2047
    name, now = x509.Name([]), datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, rsa.RSAPublicNumbers(65537, modulus).public_key(), 1)
        .not_valid_before(now).not_valid_after(now + timedelta(days=1))
        .sign(ed25519.Ed25519PrivateKey.generate(), None)
        .public_bytes(serialization.Encoding.DER)
    )  # fmt: skip
    return IdentityProvider("", "", "", "", "", "", None, (certificate,), (), False)


def _work(text: str, provider: IdentityProvider) -> Work[Assertion | str]:
    made_with = MadeWith(key=provider.revision, input=digest(text.encode()))
    seconds = _SECONDS * len(provider.certificates) + _A_CHARACTER * len(text)
    seconds += _OF_A_KEY * len(provider.private_keys)
    return Work(DOCUMENTS, seconds, made_with, verify, (text, provider))


def verify(text: str, provider: IdentityProvider) -> Assertion | str:
    """What the provider signed, or the step that failed; in a worker's thread."""
    try:
        return _verified(text, provider)
    except Unproven as reason:
        return str(reason)
    except ImportError:
        return "the extra `saml` is not installed: run `make setup` in the checkout"


def _verified(text: str, provider: IdentityProvider) -> Assertion:
    response = read_response(text)  # (1)
    assertion, encrypted = parts_of(response)  # (2)
    in_signed = signature_of(response) is not None
    if in_signed:  # (3)
        response = signed(response, provider.certificates, 3)
        assertion, encrypted = parts_of(response)
    if encrypted is not None:  # (4)
        assertion = decrypted(encrypted, provider.private_keys, in_signed=in_signed)
    elif provider.must_encrypt:
        raise Unproven(4, "the provider's assertions have to be encrypted")
    if assertion is None:
        raise RuntimeError("a response has no assertion")
    if signature_of(assertion) is not None or not in_signed:  # (5)
        assertion = signed(assertion, provider.certificates, 5)
    return read_facts(assertion, response, is_signed=in_signed)  # (6)
