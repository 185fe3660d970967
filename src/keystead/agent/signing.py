"""Requests that a person or a program signs with an access key: SigV4 (iam.md 3.2).

The arithmetic is the server's own (`wire.sigv4`).
"""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from keystead.agent import profiles
from keystead.agent.server import Server
from keystead.custody.files import SealError, read_private
from keystead.failures import Failure
from keystead.wire.http import Endpoint, HttpRequest
from keystead.wire.sigv4 import (
    ALGORITHM,
    TERMINATOR,
    Scope,
    Signature,
    signing_key,
    string_to_sign,
)

_KEY_ID = re.compile(r"[A-Z0-9]{16,128}")


@dataclass(frozen=True, slots=True)
class AccessKey:
    """Credentials that sign."""

    access_key_id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


class _Written(msgspec.Struct, frozen=True):
    """An access key as AWS's tools print one."""

    access_key_id: str = msgspec.field(name="AccessKeyId")
    secret: str = msgspec.field(name="SecretAccessKey")
    token: str = msgspec.field(name="SessionToken", default="")


class _Created(msgspec.Struct, frozen=True):
    """As `aws iam create-access-key` prints it."""

    key: _Written = msgspec.field(name="AccessKey")


def of_file(path: Path) -> AccessKey:
    """The access key in a file of JSON that only its owner may read; raises Failure."""
    try:
        text = read_private(path)
    except SealError as error:
        raise Failure(f"the key file: {error}", error.hint) from None
    key = _written(text)
    if key is None:
        raise Failure(
            f"`{path}` holds no access key",
            "keep the JSON that `aws iam create-access-key` prints",
        )
    return _checked(key.access_key_id, key.secret, key.token, f"`{path}`")


def _written(text: bytes) -> _Written | None:
    with suppress(msgspec.MsgspecError):
        return msgspec.json.decode(text, type=_Created).key
    with suppress(msgspec.MsgspecError):
        return msgspec.json.decode(text, type=_Written)
    return None


def of_environment(environment: Mapping[str, str] = os.environ) -> AccessKey:
    """The access key of the usual variables, or of the profile that they name; raises Failure."""
    key_id = environment.get("AWS_ACCESS_KEY_ID", "")
    secret = environment.get("AWS_SECRET_ACCESS_KEY", "")
    if key_id and secret:
        token = environment.get("AWS_SESSION_TOKEN", "")
        return _checked(key_id, secret, token, "AWS_ACCESS_KEY_ID")
    known = profiles.keys(environment)
    key_id, secret = known.get("aws_access_key_id", ""), known.get("aws_secret_access_key", "")
    if key_id and secret:
        where = f"the profile `{profiles.name_in(environment)}`"
        return _checked(key_id, secret, known.get("aws_session_token", ""), where)
    raise Failure(
        "there are no credentials to sign with",
        "name a --key-file, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile that"
        " has both (AWS_PROFILE)",
    )


def _checked(key_id: str, secret: str, token: str, where: str) -> AccessKey:
    if not _KEY_ID.fullmatch(key_id) or not (secret.isascii() and secret.isprintable()):
        raise Failure(f"{where} holds no access key id, or no secret", "copy both once more")
    return AccessKey(key_id, secret, token)


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs requests with one key, for one Region of one server."""

    key: AccessKey
    server: Server
    region: str

    def signed(
        self, service: str, headers: Mapping[str, str], body: bytes, now: datetime | None = None
    ) -> dict[str, str]:
        """The headers of a POST with its signature; signed now, unless a time is given."""
        moment = datetime.now(UTC) if now is None else now
        stamp = moment.strftime("%Y%m%dT%H%M%SZ")
        sent = {**headers, "Host": self.server.host_header, "X-Amz-Date": stamp}
        if self.key.token:
            sent["X-Amz-Security-Token"] = self.key.token
        lower = {name.lower(): value for name, value in sent.items()}
        names, date, key_id = tuple(sorted(lower)), stamp[:8], self.key.access_key_id
        scope = f"{date}/{self.region}/{service}/{TERMINATOR}"
        claim = Scope(key_id, scope, date, self.region, service, names)
        unsigned = Signature(claim, stamp, moment, "", None)
        request = HttpRequest("POST", "/", "", lower, body, "", self.server.secure, Endpoint())
        text = string_to_sign(request, unsigned)
        value = signing_key(self.key.secret, date, self.region, service).sign(text)
        sent["Authorization"] = (
            f"{ALGORITHM} Credential={key_id}/{scope},"
            f" SignedHeaders={';'.join(names)}, Signature={value}"
        )
        return sent
