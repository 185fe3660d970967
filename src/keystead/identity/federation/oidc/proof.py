"""Does a token prove what it says?  (iam.md 8.2; RFC 7515, RFC 7519, RFC 8725; threat-model OI)

(1) to (3) the token has one reading (`tokens`); (4) to (7) its claims are for us and of now
(`web_identity`); (9) the provider has a key of this name for this algorithm; (10) that key signed
it; then (4) to (7) once more, and (8) what it gives, of the payload that the signature is about,
and of nothing else.

What costs little comes first, so that a stranger's token costs little. Only what costs more than
the loop has leaves it: to ask a provider for its keys, and to verify with the keys that are slow.

A token may be used again while it is valid, as at AWS: pods read the same file for hours.
"""

from datetime import datetime

from keystead.identity.federation.oidc.discovery import Answer, Provider
from keystead.identity.federation.oidc.keys import KeySet, verified
from keystead.identity.federation.oidc.memory import KeyMemory, refresh
from keystead.identity.federation.oidc.tokens import UnprovenToken, read_claims
from keystead.identity.federation.oidc.web_identity import WebIdentity, judge
from keystead.identity.federation.outside import Outside
from keystead.identity.federation.refusals import invalid, unreachable
from keystead.work import PROCESSOR, MadeWith, Runs, Work, digest, result
from keystead.work import outside as elsewhere

_ASKING_SECONDS = 0.01  # of each that waits for the same answer; the answer itself takes longer


def keys_of(
    call: Runs, memory: KeyMemory, outside: Outside, provider: Provider, token: UnprovenToken
) -> KeySet | Work[Answer]:
    """The keys of the provider, with which a token can be tried; at first the work to get them.

    Raises IDPCommunicationError if there are none.
    """
    answer = said_by(call, memory, outside, provider, (token.key_id, token.algorithm))
    if isinstance(answer, Work):
        return answer
    if answer.keys is None:
        raise unreachable(f"step 9: there are no keys of {provider.url}: {answer.why}")
    return answer.keys


def said_by(
    call: Runs,
    memory: KeyMemory,
    outside: Outside,
    provider: Provider,
    name: tuple[str, str] | None = None,
) -> Answer | Work[Answer]:
    """What the provider says of itself; at first the work to ask it, if that is due.

    `name` is that of a key for which it is asked.
    """
    made_with = MadeWith(key=provider.revision, input=digest(b"keys"))
    pool = elsewhere("federation", provider.account, provider.revision)
    arguments = (memory, outside, provider)
    work = Work(pool, _ASKING_SECONDS, made_with, refresh, arguments, shared=True)
    done = call.done(work)
    if done is None and memory.is_due(provider, name):
        return work
    return memory.answer(provider)


def prove(
    call: Runs, token: UnprovenToken, provider: Provider, keys: KeySet, now: datetime
) -> WebIdentity | Work[bytes | None]:
    """The identity that a token proves; at first the work for it, if it is slow."""
    key = keys.get((token.key_id, token.algorithm))
    if key is None:  # (9)
        raise invalid("step 9: the provider has no such key for this algorithm")
    made_with = MadeWith(
        key=provider.revision, material=key.fingerprint, input=digest(token.text.encode())
    )
    arguments = (token.text, key.algorithm, key.library)
    payload = result(call, Work(PROCESSOR, key.seconds, made_with, verified, arguments))
    if isinstance(payload, Work):
        return payload
    if payload is None:  # (10)
        raise invalid("step 10: the signature is not by the key that the header names")
    return judge(read_claims(payload), provider, now)
