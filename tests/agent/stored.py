"""Instances of an installation in this process, with everything that is kept of them."""

from typing import Any

from keystead.identity.instances import Hosts
from keystead.identity.repository import (
    Agent,
    EnrolmentToken,
    Instance,
    InstanceProfile,
    InstanceTags,
    ProfileAssociation,
)
from keystead.server.installation.installation import Installation

INSTANCE = "i-0123456789abcdef0"


def stored_instance(
    installation: Installation, account: str, region: str, profile: str
) -> tuple[InstanceProfile, ProfileAssociation]:
    """An instance with this profile, an agent that was heard, and a token for the next agent."""
    identities, now = installation.identities, installation.clock.now()
    instance = Instance(
        account=account, instance_id=INSTANCE, region=region, zone=f"{region}a",
        instance_type="", image_id="", private_ip="", vpc_id="", endpoint="enabled", hop_limit=1,
        options_version=0, document="{}", signature="", pkcs7="", registered=0,
    )  # fmt: skip
    hosts = Hosts(identities)
    owner: Any = {"account": account, "instance_id": INSTANCE}
    first = EnrolmentToken(**owner, token_hash=b"1" * 32, expires=2**40)
    agent = Agent(
        **owner, public_key=bytes(32), token_hash=b"1" * 32, enrolled=0, sequence=1, options_seen=0
    )
    tags = InstanceTags(account=account, instance_id=INSTANCE, region=region, tags='{"a":"1"}')
    with installation.store.write() as transaction:
        identities.instances.add(transaction, instance)
        identities.instances.keep_tags(transaction, tags)
        changed = hosts.update(transaction, hosts.with_options(instance, "enabled", 2))
        named = identities.instance_profiles.named(transaction, account, profile)
        assert named is not None
        association = hosts.associate(transaction, changed, named, now)
        identities.instances.mint(transaction, first)
        assert identities.instances.enrol(transaction, agent, first)
        known = identities.instances.agent(transaction, account, INSTANCE)
        assert known is not None
        identities.instances.heard(transaction, known, 2, 1)
        second = EnrolmentToken(**owner, token_hash=b"2" * 32, expires=2**40)
        identities.instances.mint(transaction, second)
    return named, association
