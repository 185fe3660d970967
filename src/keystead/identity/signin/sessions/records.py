"""What does the record of a sign-in say?  As CloudTrail writes it (sign-in.md 4.1).

A name that nobody has is not shown, because people type passwords into fields for names.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from keystead.audit.records import HIGH
from keystead.errors import AwsError, ThrottlingException
from keystead.identity.authentication import callers, session_context
from keystead.identity.call import SigninCall
from keystead.identity.sessions import Session
from keystead.identity.signin.asked import FederationRefused, NotVouchedFor, SignInEnded
from keystead.identity.signin.sessions.actors import Actor
from keystead.identity.signin.sessions.outsiders import Choice, Outsider
from keystead.identity.signin.sessions.persons import Person
from keystead.policy.evaluation import Principal, PrincipalType

_HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
_FAILED = "Failed authentication"


def of(call: SigninCall, person: Person) -> None:
    """The record is about this person, whose policies are not read for it: that would take time."""
    call.event.principal = callers.principal_of(person.user or person.account)
    if person.user is None:
        call.event.severity = HIGH


def of_nobody(call: SigninCall, account: str) -> None:
    """The record is about a name that nobody has, or that cannot sign in."""
    call.event.principal = Principal(PrincipalType.USER, "", account, "", name=_HIDDEN)


def of_outsider(call: SigninCall, outsider: Outsider) -> None:
    """The record is about somebody from outside, who has no role yet."""
    arn = outsider.provider
    call.event.principal = Principal(
        PrincipalType.FEDERATED, arn, outsider.account, f"{arn}:{outsider.subject}",
        name=outsider.name, issuer_arn=arn,
    )  # fmt: skip


def entered(  # noqa: PLR0917  # the facts of one session
    call: SigninCall, name: str, choice: Choice, session: Session, who: Principal, url: str
) -> None:
    """Two records: the operation of STS that decided, of the bearer, and the login of the role."""
    event = call.event
    asked = {"roleArn": choice.role, "roleSessionName": session.name}
    if name == "AssumeRoleWithSAML":
        asked["principalArn"] = choice.provider
    seconds = session.expires - session.issued
    decided = msgspec.structs.replace(
        event,
        name=name,
        source="sts.amazonaws.com",
        event_type="AwsApiCall",
        request_parameters={**asked, "durationSeconds": seconds},
        response_elements={"assumedRoleUser": {"assumedRoleId": who.user_id, "arn": who.arn}},
        also=[],
    )
    event.principal, event.decisions, event.resources = who, [], []
    event.session = session_context(session, who)
    succeeded(call, "ConsoleLogin", url, "")
    event.also = [decided, *event.also]


def by_provider(call: SigninCall, arn: str) -> None:
    """The record is about somebody for whom this provider may vouch, and has not yet."""
    call.event.principal = Principal(PrincipalType.FEDERATED, arn, "", "", issuer_arn=arn)


@contextmanager
def refusing(call: SigninCall) -> Iterator[None]:
    """A refusal inside is a `ConsoleLogin` that failed. It has one text, and its reason is kept."""
    try:
        yield
    except SignInEnded:
        raise
    except (ThrottlingException, NotVouchedFor):
        call.event.name = "ConsoleLogin"
        raise
    except AwsError as error:
        call.event.name = "ConsoleLogin"
        raise FederationRefused(error.why or error.message or error.code) from None


def switched(call: SigninCall, name: str, actor: Actor, who: Principal | None, url: str) -> None:
    """The record is of the role's session, as CloudTrail has it; in both accounts, if two."""
    event, person = call.event, call.principal
    event.response_elements = {name: "Success"}
    event.additional = {"RedirectTo": url}
    if name == "SwitchRole":
        event.additional["SwitchFrom"] = person.arn
    if who is None:
        return
    if who.account != person.account:
        event.also = [msgspec.structs.replace(event, decisions=[], resources=[], also=[])]
    event.principal, event.access_key_id = who, actor.access_key_id
    event.session = session_context(actor.session, who)


def succeeded(call: SigninCall, name: str, url: str, device: str | None = None) -> None:
    """The record says that this step succeeded; `device` is the second factor, "" for none."""
    event = call.event
    event.name = name
    event.response_elements = {name: "Success"}
    event.additional = _additional(url, device)


def asks_for_code(call: SigninCall, person: Person) -> None:
    """The record says that the password was right, and that a second factor is asked for."""
    event = call.event
    event.name = "CheckMfa"
    event.response_elements = {"CheckMfa": "Success"}
    several = len(person.devices) + len(person.passkeys) > 1
    kind = "U2F MFA" if person.passkeys else "Virtual MFA"
    event.additional = {"MfaType": "Multiple MFA Devices" if several else kind}


def failed(call: SigninCall, name: str, url: str, *, why: str = _FAILED, mfa: bool = False) -> None:
    """The record says that this step failed, and why if the password was right."""
    event = call.event
    event.name = name
    event.response_elements = {name: "Failure"}
    event.error_message = why
    event.additional = _additional(url, "" if not mfa else None)
    if mfa:
        event.additional["MFAUsed"] = "Yes"


def and_login(call: SigninCall, url: str, device: str) -> None:
    """A second record: after another step the person is signed in."""
    login = msgspec.structs.replace(
        call.event,
        name="ConsoleLogin",
        response_elements={"ConsoleLogin": "Success"},
        additional=_additional(url, device),
        also=[],
    )
    call.event.also = [*call.event.also, login]


def _additional(url: str, device: str | None) -> dict[str, Any]:
    facts: dict[str, Any] = {"LoginTo": url, "MobileVersion": "No"}
    if device is not None:
        facts["MFAUsed"] = "Yes" if device else "No"
    if device:
        facts["MFAIdentifier"] = device
    return facts
