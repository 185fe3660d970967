"""Credentials for one program, by the AWS SDKs' `credential_process` (iam.md 8.6).

The program's host keeps one access key in a file, which may do one thing: assume the role. Or a
person's provider of identities vouches for them, and nothing is kept. What the program gets ends by
itself, and its SDK runs the command again in time.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

import msgspec

from keystead.agent.server import Answer, Server, Unreachable
from keystead.agent.signing import Signer
from keystead.failures import Failure
from keystead.times import iso_seconds

_VERSION = "2011-06-15"
_ROLE = re.compile(r"arn:[a-z-]+:iam::([0-9]{12}):role/[\x21-\x7e]{1,576}")
_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}")
_HEADERS = {
    "Accept": "application/json",
    "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
}
_HINTS_OF_KEYS = {
    "AccessDenied": "the role's trust policy and the key's policies must both allow it",
    "InvalidClientTokenId": "the key in the key file was deleted, or is of another server",
    "SignatureDoesNotMatch": "the secret in the key file is wrong, or the host's clock is",
}
_HINTS_OF_TOKENS = {
    "AccessDenied": "the role's trust policy must allow sts:AssumeRoleWithWebIdentity",
    "ExpiredTokenException": "the provider's token was over at once: see the clocks",
    "InvalidIdentityToken": "the role's account needs a provider of this issuer and client id",
    "IDPCommunicationError": "the server cannot reach the provider: tell its operator",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which credentials?"""

    role: str
    name: str
    seconds: int | None = None
    external_id: str = ""


class _Given(msgspec.Struct, frozen=True):
    key_id: str = msgspec.field(name="AccessKeyId")
    secret: str = msgspec.field(name="SecretAccessKey")
    token: str = msgspec.field(name="SessionToken")
    ends: datetime = msgspec.field(name="Expiration")


class _Result(msgspec.Struct, frozen=True):
    credentials: _Given = msgspec.field(name="Credentials")


class _Problem(msgspec.Struct, frozen=True):
    code: str = msgspec.field(name="Code", default="")
    message: str = msgspec.field(name="Message", default="")


class _Refusal(msgspec.Struct, frozen=True):
    error: _Problem = msgspec.field(name="Error")


def credentials(signer: Signer, wanted: Wanted) -> dict[str, object]:
    """What the command prints for the bearer of an access key; raises Failure."""
    account = _account(wanted)
    form = _form("AssumeRole", wanted)
    if wanted.external_id:
        form["ExternalId"] = wanted.external_id
    body = urlencode(form).encode()
    answer = _posted(signer.server, signer.signed("sts", _HEADERS, body), body)
    return _printed(_given(answer, "AssumeRole", _HINTS_OF_KEYS), account)


def credentials_of_person(server: Server, wanted: Wanted, token: str) -> dict[str, object]:
    """What the command prints for a person, for whom an id token vouches; raises Failure."""
    account, action = _account(wanted), "AssumeRoleWithWebIdentity"
    body = urlencode({**_form(action, wanted), "WebIdentityToken": token}).encode()
    answer = _posted(server, _HEADERS, body)
    return _printed(_given(answer, action, _HINTS_OF_TOKENS), account)


def _account(wanted: Wanted) -> str:
    """The account of the role that is wanted; raises Failure."""
    role = _ROLE.fullmatch(wanted.role)
    if role is None:
        raise Failure(
            f"`{wanted.role}` is not the ARN of a role",
            "write it as `arn:aws:iam::111122223333:role/NAME`",
        )
    if not _NAME.fullmatch(wanted.name):
        raise Failure(
            f"`{wanted.name}` cannot name a session", "use 2 to 64 of A-Z a-z 0-9 _ + = , . @ -"
        )
    return role[1]


def require_valid(wanted: Wanted) -> None:
    """Refuse a role or a name that no server takes, before a person is asked; raises Failure."""
    _account(wanted)


def _form(action: str, wanted: Wanted) -> dict[str, str]:
    form = {
        "Action": action, "Version": _VERSION,
        "RoleArn": wanted.role, "RoleSessionName": wanted.name,
    }  # fmt: skip
    if wanted.seconds is not None:
        form["DurationSeconds"] = str(wanted.seconds)
    return form


def _posted(server: Server, headers: Mapping[str, str], body: bytes) -> Answer:
    try:
        return server.post(headers, body)
    except Unreachable as error:
        raise Failure(str(error), "see that the server runs, and that the URL is its own") from None


def _given(answer: Answer, action: str, hints: Mapping[str, str]) -> _Given:
    """The credentials in an answer of STS, in JSON, as it gives it to those who ask for it."""
    try:
        if answer.status == 200:
            members = msgspec.json.decode(answer.body, type=dict[str, dict[str, msgspec.Raw]])
            result = members[f"{action}Response"][f"{action}Result"]
            return msgspec.json.decode(result, type=_Result).credentials
        refusal = msgspec.json.decode(answer.body, type=_Refusal).error
    except (msgspec.MsgspecError, KeyError):
        raise Failure(
            f"the server's answer (status {answer.status}) is none of STS", "see its URL"
        ) from None
    raise Failure(
        f"the role cannot be assumed: {refusal.code}: {refusal.message}",
        hints.get(refusal.code, "see the message"),
        status=1,
    )


def _printed(given: _Given, account: str) -> dict[str, object]:
    """As SDKs read it."""
    return {
        "Version": 1,
        "AccessKeyId": given.key_id,
        "SecretAccessKey": given.secret,
        "SessionToken": given.token,
        "Expiration": iso_seconds(given.ends),
        "AccountId": account,
    }
