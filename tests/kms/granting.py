"""Grants on a key, and what somebody can do by one."""

from typing import Any

from keystead.policy.evaluation import AccessDenied
from keystead.policy.evaluation.question import Principal, PrincipalPolicies, PrincipalType
from tests.kms.world import (
    ACCOUNT,
    Kms,
    World,
)  # fmt: skip

CONTEXT = {"Dept": "IT", "Stage": "prod"}


def stranger(world: World, name: str = "bob", account: str = ACCOUNT) -> Kms:
    """A user without any policy."""
    return world.caller(name, account, policies=())


def grant(admin: Kms, key: str, to: Kms | str, *allowed: str, **more: Any) -> Any:
    """Make a grant; the answer."""
    name = to if isinstance(to, str) else to.principal.arn
    operations = list(allowed or ("Encrypt", "Decrypt"))
    return admin.create_grant(KeyId=key, GranteePrincipal=name, Operations=operations, **more)


def encrypt(who: Kms, key: str, **context: str) -> bytes:
    members = {"EncryptionContext": context} if context else {}
    blob: bytes = who.encrypt(KeyId=key, Plaintext=b"x", **members).ciphertext_blob
    return blob


def may(who: Kms, key: str, **context: str) -> bool:
    """May they encrypt?"""
    try:
        encrypt(who, key, **context)
    except AccessDenied:
        return False
    return True


def listed(who: Kms, key: str, **members: Any) -> list[str]:
    """The ids of the grants on a key, page by page."""
    ids: list[str] = []
    while True:
        answer = who.list_grants(KeyId=key, **members)
        ids += [entry.grant_id for entry in answer.grants]
        if not answer.truncated:
            return ids
        members["Marker"] = answer.next_marker


def service(world: World, name: str, source: str = "") -> Kms:
    """A service that calls, about one of its resources."""
    named = f"{name}.amazonaws.com"
    who = Principal(PrincipalType.SERVICE, named, "", "", service_names=(named,))
    keys = {"aws:sourcearn": source} if source else {}
    return Kms(world, who, PrincipalPolicies(), keys=keys)


def retire(who: Kms, key: str, made: Any) -> None:
    who.retire_grant(KeyId=key, GrantId=made.grant_id)
