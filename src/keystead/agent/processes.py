"""Credentials for one program, by the AWS SDKs' `credential_process` (iam.md 8.6).

The program's host keeps one access key in a file. The key may do one thing: assume the role. What
the program gets ends by itself, and its SDK runs the command again in time.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

import msgspec

from keystead.agent.server import Answer, Unreachable
from keystead.agent.signing import Signer
from keystead.failures import Failure
from keystead.times import iso_seconds

_VERSION = "2011-06-15"
_ROLE = re.compile(r"arn:[a-z-]+:iam::([0-9]{12}):role/[\x21-\x7e]{1,576}")
_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}")


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


class _Response(msgspec.Struct, frozen=True):
    result: _Result = msgspec.field(name="AssumeRoleResult")


class _Assumed(msgspec.Struct, frozen=True):
    """STS's answer in JSON, as it gives it to those who ask for it."""

    response: _Response = msgspec.field(name="AssumeRoleResponse")


class _Problem(msgspec.Struct, frozen=True):
    code: str = msgspec.field(name="Code", default="")
    message: str = msgspec.field(name="Message", default="")


class _Refusal(msgspec.Struct, frozen=True):
    error: _Problem = msgspec.field(name="Error")


def credentials(signer: Signer, wanted: Wanted) -> dict[str, object]:
    """What the command prints; raises Failure."""
    account = _ROLE.fullmatch(wanted.role)
    if account is None:
        raise Failure(
            f"`{wanted.role}` is not the ARN of a role",
            "write it as `arn:aws:iam::111122223333:role/NAME`",
        )
    if not _NAME.fullmatch(wanted.name):
        raise Failure(
            f"`{wanted.name}` cannot name a session", "use 2 to 64 of A-Z a-z 0-9 _ + = , . @ -"
        )
    given = _given(_asked(signer, wanted))
    return {
        "Version": 1,
        "AccessKeyId": given.key_id,
        "SecretAccessKey": given.secret,
        "SessionToken": given.token,
        "Expiration": iso_seconds(given.ends),
        "AccountId": account[1],
    }


def _asked(signer: Signer, wanted: Wanted) -> Answer:
    form = {
        "Action": "AssumeRole",
        "Version": _VERSION,
        "RoleArn": wanted.role,
        "RoleSessionName": wanted.name,
    }
    if wanted.seconds is not None:
        form["DurationSeconds"] = str(wanted.seconds)
    if wanted.external_id:
        form["ExternalId"] = wanted.external_id
    body = urlencode(form).encode()
    headers = {
        "Accept": "application/json",
        "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
    }
    try:
        return signer.server.post(signer.signed("sts", headers, body), body)
    except Unreachable as error:
        raise Failure(str(error), "see that the server runs, and that the URL is its own") from None


def _given(answer: Answer) -> _Given:
    try:
        if answer.status == 200:
            assumed = msgspec.json.decode(answer.body, type=_Assumed)
            return assumed.response.result.credentials
        refusal = msgspec.json.decode(answer.body, type=_Refusal).error
    except msgspec.MsgspecError:
        raise Failure(
            f"the server's answer (status {answer.status}) is none of STS", "see its URL"
        ) from None
    hints = {
        "AccessDenied": "the role's trust policy and the key's policies must both allow it",
        "InvalidClientTokenId": "the key in the key file was deleted, or is of another server",
        "SignatureDoesNotMatch": "the secret in the key file is wrong, or the host's clock is",
    }
    raise Failure(
        f"the role cannot be assumed: {refusal.code}: {refusal.message}",
        hints.get(refusal.code, "see the message"),
        status=1,
    )
