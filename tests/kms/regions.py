"""Keys of several Regions, and callers in them."""

from typing import Any

from tests.kms.world import (
    OTHER_REGION,
    REGION,
    Kms,
    World,
)

THIRD_REGION = "ap-south-1"


def caller_in(world: World, name: str, policies: list[Any]) -> Kms:
    """A user with these statements, whose requests say their Region."""
    return world.caller(name, policies=policies, **{"aws:requestedregion": REGION})


def replicated(admin: Kms, **members: Any) -> str:
    """A primary in `REGION` with a replica in `OTHER_REGION`; their id."""
    key = admin.key(MultiRegion=True, **members)
    admin.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)
    return key


def metadata(caller: Kms, key: str) -> Any:
    return caller.describe_key(KeyId=key).key_metadata


def state(caller: Kms, key: str) -> str:
    found: str = metadata(caller, key).key_state
    return found


def in_region(region: str) -> dict[str, Any]:
    return {"Condition": {"StringEquals": {"aws:RequestedRegion": region}}}
