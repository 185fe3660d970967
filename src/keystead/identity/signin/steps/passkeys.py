"""StartPasskeyRegistration, EnablePasskey, StartPasskeyCheck, CheckPasskey, StartPasskeyTouch,
TouchPasskey: passkeys and security keys as second factors (sign-in.md 4.4, 7.4).

A page first asks for a challenge, which its browser has the authenticator sign. A challenge is for
one step or session, for one purpose, for five minutes, and counts once: it is gone in the first run
of the operation that uses it, whatever follows. What came back is verified beside the loop
(`webauthn`).

To register one is iam:EnableMFADevice on oneself, as at AWS, and is recorded as that.
"""

import re
from collections.abc import Sequence
from hashlib import sha256

import msgspec

from keystead.audit.records import HIGH
from keystead.custody import randomness
from keystead.errors import ValidationException
from keystead.identity import times
from keystead.identity.call import SigninCall
from keystead.identity.factors import devices
from keystead.identity.repository import Challenge, Passkey, Purpose, SignIn
from keystead.identity.signin import webauthn
from keystead.identity.signin.asked import (
    CheckPasskeyRequest,
    EnabledPasskey,
    EnablePasskeyRequest,
    NoPasskeysHere,
    Nothing,
    PasskeyNotAccepted,
    PasskeyOptions,
    StartPasskeyCheckRequest,
    StartPasskeyRegistrationRequest,
    StartPasskeyTouchRequest,
    StepAnswer,
    TouchPasskeyRequest,
)
from keystead.identity.signin.sessions import Person, Reached, records
from keystead.identity.signin.steps.progress import after_factors, own, reached
from keystead.identity.signin.webauthn import Asserted, Attested, NewCredential, Refused, Site
from keystead.wire.models import iam as api
from keystead.work import PROCESSOR, MadeWith, Work, digest

CHALLENGE_SECONDS = 300
_SECONDS = 4e-4  # to read and verify what an authenticator made
_MILLISECONDS = 120_000  # for the person to find the key, and to touch it
_NAME = re.compile(r"\A[A-Za-z0-9_+=,.@-]{1,64}\Z")
_TRANSPORTS = frozenset({"ble", "hybrid", "internal", "nfc", "smart-card", "usb"})
_WENT_BACK = "The signature counter of the passkey went back: there may be a copy of it"
_NO_CHALLENGE = "The challenge is used up, or it took too long"
_NOT_OWN = "It is no passkey of this person for these pages"


def start_passkey_registration(
    call: SigninCall, request: StartPasskeyRegistrationRequest
) -> PasskeyOptions:
    """What a browser needs to make a passkey."""
    (person, record), site = _in_session(call), _site(request.url)
    call.authorize("iam:EnableMFADevice", person.resource, {"iam:registersecuritykey": "Create"})
    _require_new(call, person, request.name)
    handle = sha256(f"passkey {person.account.account} {person.subject}".encode()).digest()
    options = {
        "challenge": webauthn.encoded(_challenge(call, record, "register")),
        "rp": {"id": site.rp_id, "name": "Keystead"},
        "user": {
            "id": webauthn.encoded(handle),
            "name": f"{person.name} ({person.account.alias or person.account.account})",
            "displayName": person.name,
        },
        "pubKeyCredParams": [{"type": "public-key", "alg": one} for one in webauthn.ALGORITHMS],
        "excludeCredentials": _described(_of_site(person, site)),
        "authenticatorSelection": {
            "residentKey": "discouraged",
            "userVerification": "preferred",
        },
        "attestation": "none",
        "timeout": _MILLISECONDS,
    }
    return PasskeyOptions(options=msgspec.json.encode(options).decode())


def enable_passkey(
    call: SigninCall, request: EnablePasskeyRequest
) -> EnabledPasskey | Work[NewCredential | Refused]:
    """A passkey that a browser made. It ends every session of the person, as every new factor."""
    (person, record), site = _in_session(call), _site(request.url)
    _as_enable_mfa_device(call, person)
    call.authorize("iam:EnableMFADevice", person.resource, {"iam:registersecuritykey": "Activate"})
    _require_new(call, person, request.name)
    given = Attested(client_data=request.client_data, attestation=request.attestation)
    made_with = _made_with(record, *msgspec.structs.astuple(given))
    done = call.done(Work(PROCESSOR, _SECONDS, made_with, webauthn.registered))
    if done is None:
        challenge = _taken(call, record, "register")
        if challenge is None:
            raise PasskeyNotAccepted(_NO_CHALLENGE)
        arguments = (site, challenge, given)
        return Work(PROCESSOR, _SECONDS, made_with, webauthn.registered, arguments)
    made = done.value
    if isinstance(made, Refused):
        raise PasskeyNotAccepted(made.why)
    repository = call.repository
    if repository.passkeys.with_credential(call.transaction, made.credential_id) is not None:
        raise api.EntityAlreadyExistsException("MFA Device is already in use.")
    passkey = Passkey(
        account=person.account.account,
        passkey_id=randomness.unique_id(length=26),
        owner_id=person.subject,
        name=request.name,
        credential_id=made.credential_id,
        public_key=made.public_key,
        rp_id=site.rp_id,
        transports=",".join(sorted(_TRANSPORTS.intersection(request.transports.split(",")))),
        sign_count=made.sign_count,
        enabled=times.stored(call.now),
        used=None,
    )
    repository.passkeys.insert(call.transaction, passkey)
    serial_number = person.serial_number(passkey)
    _as_enable_mfa_device(call, person, serial_number)
    return EnabledPasskey(serial_number=serial_number)


def start_passkey_check(call: SigninCall, request: StartPasskeyCheckRequest) -> PasskeyOptions:
    """What a browser needs to use a passkey. Only who knows the password hears of them."""
    step = reached(call, request.cookie, "mfa")
    records.of(call, step.person)
    return _asked(call, step.person, step.record, _site(request.url), request.serial_number)


def check_passkey(
    call: SigninCall, request: CheckPasskeyRequest
) -> StepAnswer | Work[int | Refused]:
    """Is this the use of a passkey of the person, for the challenge that the browser was given?"""
    step = reached(call, request.cookie, "mfa")
    person, record = step.person, step.record
    records.of(call, person)
    used = _used(call, person, record, _site(request.url), request.given)
    if isinstance(used, Work):
        return used
    if isinstance(used, Refused):
        records.failed(call, "ConsoleLogin", request.url, why=used.why, mfa=True)
        return StepAnswer(next="failed")
    shown = _with_factor(call, person, record, used)
    return after_factors(call, person, Reached(shown, person), request.url)


def start_passkey_touch(call: SigninCall, request: StartPasskeyTouchRequest) -> PasskeyOptions:
    """What a browser needs to show in a session that its person is there."""
    person, record = _in_session(call)
    return _asked(call, person, record, _site(request.url), "")


def touch_passkey(call: SigninCall, request: TouchPasskeyRequest) -> Nothing | Work[int | Refused]:
    """The person of a session is there, and shows a passkey: the session is fresh again (7.4)."""
    person, record = _in_session(call)
    event = call.event
    event.name, event.additional = "CheckMfa", {"MfaType": "U2F MFA"}
    used = _used(call, person, record, _site(request.url), request.given)
    if isinstance(used, Work):
        return used
    if isinstance(used, Refused):
        raise PasskeyNotAccepted(used.why)
    call.repository.sign_ins.update(call.transaction, _with_factor(call, person, record, used))
    event.response_elements = {"CheckMfa": "Success"}
    return Nothing()


def _asked(
    call: SigninCall, person: Person, record: SignIn, site: Site, serial_number: str
) -> PasskeyOptions:
    """A challenge for the passkey with this serial number, or for any of the person."""
    chosen = [
        passkey
        for passkey in _of_site(person, site)
        if serial_number in {"", person.serial_number(passkey)}
    ]
    if not chosen:
        raise PasskeyNotAccepted(_NOT_OWN)
    options = {
        "challenge": webauthn.encoded(_challenge(call, record, "assert")),
        "rpId": site.rp_id,
        "allowCredentials": _described(chosen),
        "userVerification": "preferred",
        "timeout": _MILLISECONDS,
    }
    return PasskeyOptions(options=msgspec.json.encode(options).decode())


def _used(
    call: SigninCall, person: Person, record: SignIn, site: Site, given: Asserted
) -> Passkey | Refused | Work[int | Refused]:
    """The passkey that was used, with its new counter. In the first run the work for it."""
    made_with = _made_with(record, *msgspec.structs.astuple(given))
    done = call.done(Work(PROCESSOR, _SECONDS, made_with, webauthn.asserted))
    of_site = {webauthn.encoded(each.credential_id): each for each in _of_site(person, site)}
    passkey = of_site.get(given.credential_id)
    if done is None:
        challenge = _taken(call, record, "assert")
        if challenge is None or passkey is None:
            return Refused(_NO_CHALLENGE if passkey else _NOT_OWN)
        credentials = ((passkey.credential_id, passkey.public_key),)
        arguments = (site, challenge, credentials, given)
        verified = webauthn.asserted
        return Work(PROCESSOR, _SECONDS, made_with, verified, arguments, turn=person.turn)
    count = done.value
    if isinstance(count, Refused):
        return count
    if passkey is None:
        return Refused(_NOT_OWN)
    if count <= passkey.sign_count and (count or passkey.sign_count):
        call.event.severity = HIGH
        return Refused(_WENT_BACK)
    used = msgspec.structs.replace(passkey, sign_count=count, used=times.stored(call.now))
    return call.repository.passkeys.update(call.transaction, used)


def _with_factor(call: SigninCall, person: Person, record: SignIn, passkey: Passkey) -> SignIn:
    """The step or session, in which this factor was shown now."""
    serial_number = person.serial_number(passkey)
    return msgspec.structs.replace(record, device=serial_number, mfa=times.stored(call.now))


def _in_session(call: SigninCall) -> tuple[Person, SignIn]:
    """The person of the session that asks. A role has no devices."""
    visited = own(call)
    if visited.person is None:
        raise RuntimeError("the row of this operation takes persons only")
    return visited.person, visited.record


def _site(url: str) -> Site:
    """The pages as authenticators know them; raises NoPasskeysHere."""
    site = webauthn.site_of(url)
    if site is None:
        raise NoPasskeysHere
    return site


def _of_site(person: Person, site: Site) -> list[Passkey]:
    return [passkey for passkey in person.passkeys if passkey.rp_id == site.rp_id]


def _described(passkeys: Sequence[Passkey]) -> list[dict[str, object]]:
    """Passkeys as a browser asks its authenticators for them."""
    return [
        {
            "type": "public-key",
            "id": webauthn.encoded(passkey.credential_id),
            "transports": passkey.transports.split(",") if passkey.transports else [],
        }
        for passkey in passkeys
    ]


def _challenge(call: SigninCall, record: SignIn, purpose: Purpose) -> bytes:
    """A new challenge for this step or session."""
    now, value = times.stored(call.now), randomness.urandom(webauthn.CHALLENGE_BYTES)
    challenge = Challenge(
        account=record.account,
        session_id=record.session_id,
        purpose=purpose,
        challenge=value,
        expires=now + CHALLENGE_SECONDS,
    )
    call.repository.passkeys.challenge(call.transaction, challenge, now)
    return value


def _taken(call: SigninCall, record: SignIn, purpose: Purpose) -> bytes | None:
    now = times.stored(call.now)
    return call.repository.passkeys.take_challenge(
        call.transaction, record.account, record.session_id, purpose, now
    )


def _made_with(record: SignIn, *given: str) -> MadeWith:
    return MadeWith(record.session_id, input=digest(*(text.encode() for text in given)))


def _require_new(call: SigninCall, person: Person, name: str) -> None:
    """Refuse a name that cannot be, or is there, and more passkeys than one may have."""
    if _NAME.match(name) is None:
        raise ValidationException(
            "The name of a device has 1 to 64 characters: letters, digits, and _+=,.@-"
        )
    if any(passkey.name == name for passkey in person.passkeys):
        raise api.EntityAlreadyExistsException(
            "MFADevice entity at the same path and name already exists."
        )
    devices.require_room(call.repository, call.transaction, person.account.account, person.subject)


def _as_enable_mfa_device(call: SigninCall, person: Person, serial_number: str = "") -> None:
    """The record is that of EnableMFADevice (7.4)."""
    event = call.event
    event.name, event.source, event.event_type = (
        "EnableMFADevice",
        "iam.amazonaws.com",
        "AwsApiCall",
    )
    shown: dict[str, str] = {} if person.user is None else {"userName": person.user.name}
    event.request_parameters = {**shown, "serialNumber": serial_number} if serial_number else shown
