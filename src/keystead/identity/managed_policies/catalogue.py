"""AWS's own policies, as far as they make sense here: immutable, and the same for every account.

One file per policy. ARN, path and id are AWS's; the documents are ours, limited to the services
that Keystead serves. They live in the package and not in the store, so nothing can change or
shadow them (IA-7).
"""

from datetime import datetime
from functools import cache
from importlib import resources

import msgspec

from keystead.arns import spoken
from keystead.identity.names import AWS_ACCOUNT, canonical
from keystead.identity.repository import ManagedPolicy, PolicyVersion

ADMINISTRATOR_ACCESS = "AdministratorAccess"

_VERSION = 1


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    path: str
    id: str
    created: datetime
    updated: datetime
    description: str
    document: msgspec.Raw


class AwsPolicy(msgspec.Struct, frozen=True):
    """One policy of AWS's, in the form of the stored ones."""

    policy: ManagedPolicy
    version: PolicyVersion


def every() -> list[ManagedPolicy]:
    """All of them, by name."""
    return [entry.policy for entry in _catalogue(spoken().name).values()]


def with_arn(arn: str) -> ManagedPolicy | None:
    """The policy with this ARN, or None."""
    entry = _catalogue(spoken().name).get(arn)
    return entry.policy if entry else None


def version(policy: ManagedPolicy) -> PolicyVersion:
    """The only version of one of these policies."""
    return _catalogue(spoken().name)[policy.arn].version


@cache
def _catalogue(partition: str) -> dict[str, AwsPolicy]:
    files = (
        f
        for f in resources.files("keystead.identity.managed_policies").iterdir()
        if f.name.endswith(".json")
    )
    entries = [_read(f.read_bytes(), partition) for f in files]
    entries.sort(key=lambda entry: entry.policy.name_key)
    return {entry.policy.arn: entry for entry in entries}


def _read(content: bytes, partition: str) -> AwsPolicy:
    file = msgspec.json.decode(content, type=_File)
    created = int(file.created.timestamp())
    updated = int(file.updated.timestamp())
    policy = ManagedPolicy(
        account=AWS_ACCOUNT,
        policy_id=file.id,
        name=file.name,
        name_key=canonical(file.name),
        path=file.path,
        description=file.description,
        default_version=_VERSION,
        last_version=_VERSION,
        tags="{}",
        created=created,
        updated=updated,
    )
    document = msgspec.json.format(bytes(file.document), indent=2).decode()
    document = document.replace('"arn:aws:', f'"arn:{partition}:')
    return AwsPolicy(
        policy,
        PolicyVersion(
            account=AWS_ACCOUNT,
            policy_id=file.id,
            version=_VERSION,
            document=document,
            created=updated,
        ),
    )
