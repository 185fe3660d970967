"""Operations that leave work, for tests only, in the place of those that are served.

    Sign                 computes for a while; for the message `slow` it sleeps (processor)
    GenerateMac          waits 50 ms for something outside (hsm)
    Verify               a proof that must precede the question (an outside host)
    UpdatePrimaryRegion  a write, as CreateKey will be (processor): the Region becomes a description

A message that is the name of a gate waits until the gate is opened.
"""

import hashlib
import threading
import time
from collections import Counter

import keystead.kms.operations  # noqa: F401  # registers those that are served, before these
from keystead import registry
from keystead.errors import ValidationException
from keystead.kms.call import KmsCall
from keystead.kms.keys import Key
from keystead.kms.requests import require_real
from keystead.registry import implements_with_work
from keystead.server.pipeline import routing
from keystead.wire.models import kms as api
from keystead.work import HSM, PROCESSOR, MadeWith, Work, digest, outside
from tests.patience import PATIENCE, wait_until

COMPUTE_SECONDS = 0.02  # on the machine of the benchmarks
COMPUTE_ROUNDS = 60_000
SLOW, SLOW_SECONDS = b"slow", 0.5  # as a key that is generated
WAIT_SECONDS = 0.05
LONG, LONG_SECONDS = b"long", 600.0  # as a host that does not answer
IDP = outside("proofs", "111122223333", "idp.example.com")
GATES: dict[bytes, threading.Event] = {}
BEGUN: Counter[bytes] = Counter()  # how often work was begun, by its message
RUNS: Counter[str] = Counter()  # how often each operation ran


def made_with(key: Key, message: bytes) -> MadeWith:
    return MadeWith(key.key_id, key.material_id, key.row_version, digest(message))


def compute(message: bytes) -> bytes:
    _begin(message)
    if message == SLOW:
        time.sleep(SLOW_SECONDS)
    return hashlib.pbkdf2_hmac("sha256", message, b"salt", COMPUTE_ROUNDS)


def wait(message: bytes) -> bytes:
    _begin(message)
    time.sleep(LONG_SECONDS if message == LONG else WAIT_SECONDS)
    return hashlib.sha256(message).digest()


def prove(assertion: bytes) -> bool:
    _begin(assertion)
    return assertion.startswith(b"true")


def _begin(message: bytes) -> None:
    BEGUN[message] += 1
    if gate := GATES.get(message):
        assert gate.wait(PATIENCE)
    if message == b"a defect":
        raise RuntimeError("canary")


def sign(call: KmsCall, request: api.SignRequest) -> api.SignResponse | Work[bytes]:
    RUNS["Sign"] += 1
    key = call.key(request.key_id)
    call.authorize("kms:Sign", key)
    call.require_state(key)
    require_real(request.dry_run)
    message = request.message
    seconds = SLOW_SECONDS if message == SLOW else COMPUTE_SECONDS
    work = Work(PROCESSOR, seconds, made_with(key, message), compute, (message,))
    done = call.done(work)
    if done is None:
        return work
    return api.SignResponse(
        key_id=key.arn_text, signature=done.value, signing_algorithm=request.signing_algorithm
    )


def generate_mac(
    call: KmsCall, request: api.GenerateMacRequest
) -> api.GenerateMacResponse | Work[bytes]:
    RUNS["GenerateMac"] += 1
    key = call.key(request.key_id)
    call.authorize("kms:GenerateMac", key)
    work = Work(HSM, WAIT_SECONDS, made_with(key, request.message), wait, (request.message,))
    done = call.done(work)
    if done is None:
        return work
    return api.GenerateMacResponse(
        key_id=key.arn_text, mac=done.value, mac_algorithm=request.mac_algorithm
    )


def verify(call: KmsCall, request: api.VerifyRequest) -> api.VerifyResponse | Work[bool]:
    RUNS["Verify"] += 1
    work = Work(IDP, 0.01, MadeWith(input=digest(request.message)), prove, (request.message,))
    done = call.done(work)
    if done is None:
        return work
    if not done.value:
        raise ValidationException("The assertion is not valid.")
    key = call.key(request.key_id)
    call.authorize("kms:Verify", key)
    return api.VerifyResponse(key_id=key.arn_text, signature_valid=True)


def update_primary_region(
    call: KmsCall, request: api.UpdatePrimaryRegionRequest
) -> Work[bytes] | None:
    RUNS["UpdatePrimaryRegion"] += 1
    key = call.key(request.key_id)
    call.authorize("kms:UpdatePrimaryRegion", key)
    region = request.primary_region.encode()
    work = Work(PROCESSOR, 0.002, MadeWith(key.key_id, input=digest(region)), compute, (region,))
    if call.done(work) is None:
        # What must stand whatever follows, as a count of attempts does.
        call.repository.change_key(call.transaction, key.record, rotation_days=len(region))
        return work
    call.repository.change_key(call.transaction, key.record, description=request.primary_region)
    return None


NAMES = ("Sign", "GenerateMac", "Verify", "UpdatePrimaryRegion")
REPLACED: dict[str, registry.Implementation] = {}


def register() -> None:
    """Serve them."""
    for name in NAMES:
        served = registry._implementations.pop(("kms", name), None)
        if served is not None:
            REPLACED[name] = served
        routing._JSON.pop(f"TrentService.{name}", None)
    implements_with_work(api.Sign)(sign)
    implements_with_work(api.GenerateMac)(generate_mac)
    implements_with_work(api.Verify)(verify)
    implements_with_work(api.UpdatePrimaryRegion)(update_primary_region)


def unregister() -> None:
    """Serve them no more, and forget what was counted."""
    for name in NAMES:
        del registry._implementations["kms", name]
        routing._JSON.pop(f"TrentService.{name}", None)
        if name in REPLACED:
            registry._implementations["kms", name] = REPLACED.pop(name)
    for opened in GATES.values():
        opened.set()
    GATES.clear()
    BEGUN.clear()
    RUNS.clear()


def gate(message: bytes) -> threading.Event:
    """Work on this message waits for the gate."""
    return GATES.setdefault(message, threading.Event())


def wait_until_begun(message: bytes, times: int = 1) -> None:
    """Wait until a worker has work on this message."""
    wait_until(lambda: BEGUN[message] >= times)
