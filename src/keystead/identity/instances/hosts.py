"""What do EC2's operations need to know of instances and their profiles?

They are of another room, which knows this one by its Protocol (`network.hosts`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from keystead.custody.randomness import urandom
from keystead.identity import resources, times
from keystead.identity.repository import (
    Agent,
    IdentityRepository,
    Instance,
    InstanceProfile,
    InstanceTags,
    MetadataDefaults,
    ProfileAssociation,
    Role,
)
from keystead.identity.resources import Named
from keystead.store.protocol import Reader, Transaction


class Described(NamedTuple):
    """One instance, with what a list tells of it."""

    host: Instance
    association: ProfileAssociation | None
    applied: bool  # does its agent know its options as they are now?
    tagged: InstanceTags


class Hosts:
    """The instances of every account, as EC2's operations see them."""

    __slots__ = ("_repository",)

    def __init__(self, repository: IdentityRepository) -> None:
        self._repository = repository

    def get(self, reader: Reader, account: str, region: str, instance_id: str) -> Instance | None:
        """The instance with this id, if it is in this Region."""
        known = self._repository.instances.get(reader, account, instance_id)
        return known if known is not None and known.region == region else None

    def after(
        self, reader: Reader, account: str, region: str, instance_id: str, limit: int
    ) -> list[Described]:
        """The next instances of a Region, by their ids."""
        found = self._repository.instances.after(reader, account, region, instance_id, limit)
        return self.described(reader, found)

    def described(self, reader: Reader, hosts: Sequence[Instance]) -> list[Described]:
        """What a list tells of these instances, which are of one account."""
        if not hosts:
            return []
        instances, account = self._repository.instances, hosts[0].account
        ids = [each.instance_id for each in hosts]
        associations = instances.associations_of(reader, account, ids)
        tags = instances.tags_of(reader, account, hosts)
        changed = [each.instance_id for each in hosts if each.options_version]
        agents = instances.agents_of(reader, account, changed) if changed else {}
        return [
            Described(
                each,
                associations.get(each.instance_id),
                _knows(agents.get(each.instance_id), each),
                tags[each.instance_id],
            )
            for each in hosts
        ]

    def update(self, transaction: Transaction, host: Instance) -> Instance:
        """Keep other options of an instance: its agent has them with its next request."""
        return self._repository.instances.update(transaction, host)

    def with_options(self, host: Instance, endpoint: str, hop_limit: int) -> Instance:
        """The instance with these options."""
        later = host.options_version + 1
        return msgspec.structs.replace(
            host, endpoint=endpoint, hop_limit=hop_limit, options_version=later
        )

    def is_applied(self, reader: Reader, host: Instance) -> bool:
        """Does the agent know the options as they are now?  Without an agent there is no doubt."""
        agent = self._repository.instances.agent(reader, host.account, host.instance_id)
        return _knows(agent, host)

    # tags

    def tags(self, reader: Reader, host: Instance) -> InstanceTags:
        """The tags of an instance."""
        return self._repository.instances.tags(reader, host)

    def tagged_after(
        self, reader: Reader, account: str, region: str, instance_id: str, limit: int
    ) -> list[InstanceTags]:
        """The tags of the next instances of a Region that have any, by their ids."""
        instances = self._repository.instances
        return instances.tagged_after(reader, account, region, instance_id, limit)

    def keep_tags(
        self,
        transaction: Transaction,
        tagged: InstanceTags,
        values: Mapping[str, str],
        in_metadata: str,
    ) -> None:
        """Give an instance these tags, and say whether its metadata have them."""
        text = msgspec.json.encode(values).decode()
        later = msgspec.structs.replace(tagged, tags=text, in_metadata=in_metadata)
        self._repository.instances.keep_tags(transaction, later)

    # the metadata of new instances

    def defaults(self, reader: Reader, account: str, region: str) -> MetadataDefaults:
        """What new instances of an account in a Region have for their metadata."""
        return self._repository.instances.defaults(reader, account, region)

    def choose_defaults(
        self, transaction: Transaction, held: MetadataDefaults, chosen: Mapping[str, str | int]
    ) -> None:
        """Keep these beside what was chosen before."""
        later = msgspec.structs.replace(held, **chosen)
        self._repository.instances.choose(transaction, later)

    # profiles

    def profile(self, reader: Reader, account: str, name: str) -> InstanceProfile | None:
        """The instance profile with this name."""
        return self._repository.instance_profiles.named(reader, account, name)

    def role(self, reader: Reader, profile: InstanceProfile) -> Named[Role] | None:
        """The role in a profile, as the resource of a question."""
        if profile.role_id is None:
            return None
        role = self._repository.roles.get(reader, profile.account, profile.role_id)
        return None if role is None else resources.entity(Role, role.account, role.name, role)

    def association(
        self, reader: Reader, account: str, region: str, association_id: str
    ) -> ProfileAssociation | None:
        """The association with this id, if it is in this Region."""
        known = self._repository.instances.association(reader, account, association_id)
        return known if known is not None and known.region == region else None

    def association_of(self, reader: Reader, host: Instance) -> ProfileAssociation | None:
        """The association of an instance with its profile."""
        instances = self._repository.instances
        return instances.association_of(reader, host.account, host.instance_id)

    def associations_after(
        self, reader: Reader, account: str, region: str, association_id: str, limit: int
    ) -> list[ProfileAssociation]:
        """The next associations of a Region, by their ids."""
        instances = self._repository.instances
        return instances.associations_after(reader, account, region, association_id, limit)

    def associate(
        self, transaction: Transaction, host: Instance, profile: InstanceProfile, now: datetime
    ) -> ProfileAssociation:
        """Give an instance its profile. It has none now."""
        association = ProfileAssociation(
            account=host.account,
            association_id=f"iip-assoc-{urandom(9).hex()[:17]}",
            instance_id=host.instance_id,
            region=host.region,
            profile_id=profile.profile_id,
            profile_arn=profile.arn,
            associated=times.stored(now),
        )
        self._repository.instances.associate(transaction, association)
        return association

    def disassociate(self, transaction: Transaction, association: ProfileAssociation) -> None:
        """Take a profile from its instance. All sessions that the instance got by it end."""
        self._repository.instances.disassociate(transaction, association)


def _knows(agent: Agent | None, host: Instance) -> bool:
    """Does the agent know the options?  An instance without one has none that could not."""
    return agent is None or agent.options_seen >= host.options_version
