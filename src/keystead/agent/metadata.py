"""Instance metadata, version 2 (iam.md 8.4; threat-model IM-1).

Every answer needs a token, which only a PUT gets: a page or a proxy that can be made to send a GET
learns nothing. A request is refused, in this order, if it passed a proxy, if its `Host` names
another place, if the metadata are switched off, and if the method, the path or the token is wrong.
Version 1 does not exist. Paths are exact: a list is given with a `/` at its end, or without. They
begin with `/latest` or with the date of a version; all versions are the same.
"""

import re
from collections.abc import Collection
from datetime import datetime

import msgspec

from keystead.agent import answers, tokens
from keystead.agent.answers import Answer
from keystead.agent.holding import Holding
from keystead.agent.tokens import Tokens
from keystead.times import iso_seconds
from keystead.wire.framing import Head
from keystead.wire.models import keystead_instances as api

TOKEN, TTL = "x-aws-ec2-metadata-token", "x-aws-ec2-metadata-token-ttl-seconds"  # names
_TOKEN_PATH = "/latest/api/token"  # noqa: S105  # a path
_VERSIONED = re.compile(r"/[0-9]{4}-[0-9]{2}-[0-9]{2}/api/token")
_LATEST = "latest"
VERSIONS = (
    "2016-09-02", "2018-03-28", "2018-08-17", "2018-09-24", "2019-10-01", "2020-10-27",
    "2021-01-03", "2021-03-23", "2021-07-15", "2022-09-24",
)  # fmt: skip
"""The versions for which programs ask. What is here is in each of them."""

Tree = dict[str, "Tree | str"]
"""A level of the metadata: what stands at each name."""


class Metadata:
    """Answers the programs of one instance."""

    __slots__ = ("_holding", "_tokens")

    def __init__(self, holding: Holding) -> None:
        self._holding = holding
        self._tokens = Tokens(holding.key_seed, holding.instance_id)

    def answer(self, head: Head, allowed: Collection[str]) -> Answer:
        """The answer to one request at a listener that `allowed` names."""
        if answers.is_forwarded(head) or not answers.is_for(head, allowed):
            return Answer(403)
        if self._is_off():
            return Answer(403)
        if head.method == "PUT":
            return self._token(head)
        if head.method not in {"GET", "HEAD"}:
            return Answer(405, headers=(("Allow", "GET, HEAD, PUT"),))
        if not self._tokens.is_valid(head.headers.get(TOKEN, ""), self._holding.now()):
            return Answer(401)
        if head.query:
            return Answer(404)
        return _at(self._tree(), head.path)

    def _is_off(self) -> bool:
        current = self._holding.current
        return current is not None and current.instance.http_endpoint == "disabled"

    def _token(self, head: Head) -> Answer:
        if _VERSIONED.fullmatch(head.path):
            return Answer(403)
        if head.path != _TOKEN_PATH or head.query:
            return Answer(405, headers=(("Allow", "GET, HEAD"),))
        seconds = tokens.lifetime(head.headers.get(TTL))
        if seconds is None:
            return Answer(400)
        token = self._tokens.give(seconds, self._holding.now())
        return Answer(200, token.encode(), ((TTL, str(seconds)),))

    def _tree(self) -> Tree:
        current = self._holding.current
        if current is None:
            return {"meta-data": {"instance-id": self._holding.instance_id}}
        instance = current.instance
        data: Tree = {
            "instance-id": self._holding.instance_id,
            "placement": _given(
                {"availability-zone": instance.availability_zone, "region": instance.region}
            ),
            **_given(
                {
                    "ami-id": instance.image_id,
                    "instance-type": instance.instance_type,
                    "local-ipv4": instance.private_ip_address,
                }
            ),
        }
        if instance.tags is not None:
            data["tags"] = {"instance": {**instance.tags}}
        if current.profile is not None:
            data["iam"] = self._iam(current, current.profile)
        identity = _given(
            {
                "document": instance.identity_document,
                "rsa2048": _lines(instance.identity_document_pkcs7 or ""),
                "signature": instance.identity_document_signature,
            }
        )
        return {"dynamic": {"instance-identity": identity}, "meta-data": data}

    def _iam(self, current: api.GetInstanceCredentialsResponse, profile: api.Profile) -> Tree:
        now = self._holding.now()
        credentials = self._holding.credentials()
        updated = now if credentials is None else credentials.issued
        info: dict[str, str] = {"Code": "Success", "LastUpdated": iso_seconds(updated)}
        if current.code == "InstanceProfileNotFound":
            info["Code"], info["Message"] = current.code, current.message or ""
        info |= {"InstanceProfileArn": profile.arn, "InstanceProfileId": profile.id}
        level: Tree = {"info": _json(info)}
        if current.role is not None:
            secret = _failure(current, now) if credentials is None else _success(credentials)
            level["security-credentials"] = {current.role.role_name: _json(secret)}
        return level


def _at(tree: Tree, path: str) -> Answer:
    """What stands at this path: a value, or the names of a level."""
    if path == "/":
        return Answer(200, "\n".join((*VERSIONS, _LATEST)).encode())
    version, *parts = path.removeprefix("/").removesuffix("/").split("/")
    if version != _LATEST and version not in VERSIONS:
        return Answer(404)
    here: Tree | str | None = tree
    for part in parts:
        here = here.get(part) if isinstance(here, dict) else None
    if here is None or (isinstance(here, str) and path.endswith("/")):
        return Answer(404)
    if isinstance(here, str):
        return Answer(200, here.encode())
    # The name of a role is given alone, without a line break: SDKs take the whole body for it.
    listed = (f"{name}/" if isinstance(level, dict) else name for name, level in here.items())
    return Answer(200, "\n".join(sorted(listed)).encode())


def _given(values: dict[str, str | None]) -> Tree:
    return {name: value for name, value in values.items() if value}


def _lines(text: str) -> str:
    """Lines of 64 characters, as AWS has them and PEM wants them (RFC 7468, 2)."""
    return "\n".join(text[at : at + 64] for at in range(0, len(text), 64))


def _json(value: dict[str, str]) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _success(held: api.InstanceCredentials) -> dict[str, str]:
    return {
        "Code": "Success",
        "LastUpdated": iso_seconds(held.issued),
        "Type": "AWS-HMAC",
        "AccessKeyId": held.access_key_id,
        "SecretAccessKey": held.secret_access_key,
        "Token": held.token,
        "Expiration": iso_seconds(held.expiration),
    }


def _failure(current: api.GetInstanceCredentialsResponse, now: datetime) -> dict[str, str]:
    message = "The server did not answer, and the credentials that it gave before are over."
    return {
        "Code": current.code or "Failed",
        "Message": current.message or message,
        "LastUpdated": iso_seconds(now),
    }
