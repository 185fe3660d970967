"""Instances: the hosts of applications, the profile and the tags of each, and its agent.

An instance has one profile at most, and one agent. A session of an instance names the association
with its profile, so it ends when that goes. A token of enrolment is kept as its hash.
"""

from collections.abc import Sequence

import msgspec

from keystead.custody.rows import Lookup, Record, RowSeals, SealedTable
from keystead.store.protocol import Reader, Transaction

_INSTANCE, _ASSOCIATION = ("account", "instance_id"), ("account", "association_id")
_PLACE = ("account", "region")
NO_TAGS = "{}"
_texts = msgspec.json.Decoder(dict[str, str]).decode


class Instance(Record, frozen=True, kw_only=True, gc=False):
    """One host of an application, as its owner registered it."""

    account: str
    instance_id: str
    region: str
    zone: str
    instance_type: str
    image_id: str
    private_ip: str  # "" = not known
    vpc_id: str  # "" = in none
    endpoint: str  # of its metadata: "enabled" or "disabled"
    hop_limit: int  # the IP TTL of what its agent answers
    options_version: int  # how often these two were changed
    document: str  # its identity document
    signature: str  # of the document, in base64
    pkcs7: str  # the document with its signature and certificate: base64, DER
    registered: int


class InstanceTags(Record, frozen=True, kw_only=True, gc=False):
    """The tags of an instance, and whether programs on it are told of them."""

    account: str
    instance_id: str
    region: str
    tags: str = NO_TAGS
    in_metadata: str = "disabled"

    @property
    def values(self) -> dict[str, str]:
        """The tags."""
        return _texts(self.tags)


class ProfileAssociation(Record, frozen=True, kw_only=True, gc=False):
    """An instance has this profile."""

    account: str
    association_id: str
    instance_id: str
    region: str
    profile_id: str
    profile_arn: str  # as it was then: it may be gone
    associated: int


class EnrolmentToken(Record, frozen=True, kw_only=True, gc=False):
    """With the text of this hash an agent may enrol for the instance, once."""

    account: str
    instance_id: str
    token_hash: bytes
    expires: int


class Agent(Record, frozen=True, kw_only=True, gc=False):
    """The agent of an instance: what its key signs is said by it."""

    account: str
    instance_id: str
    public_key: bytes
    token_hash: bytes  # of the token with which it enrolled
    enrolled: int
    sequence: int  # of its last request
    options_seen: int  # the version of the options that it was told


class MetadataDefaults(Record, frozen=True, kw_only=True, gc=False):
    """What new instances of an account in a Region have for their metadata, as far as chosen."""

    account: str
    region: str
    http_tokens: str = "no-preference"
    hop_limit: int = -1
    endpoint: str = "no-preference"
    metadata_tags: str = "no-preference"
    tokens_enforced: str = "no-preference"


class Instances:
    """The instances of every account."""

    __slots__ = ("_agents", "_associations", "_defaults", "_instances", "_tags", "_tokens")

    def __init__(self, seals: RowSeals) -> None:
        by_instance = (Lookup(_INSTANCE),)
        self._instances = SealedTable(seals, "ec2_instance", Instance, _INSTANCE, by_instance)
        self._associations = SealedTable(
            seals, "ec2_profile_association", ProfileAssociation, _ASSOCIATION,
            (Lookup(_ASSOCIATION), Lookup(_INSTANCE)),
        )  # fmt: skip
        self._tokens = SealedTable(
            seals, "ec2_enrolment_token", EnrolmentToken, _INSTANCE, by_instance
        )
        self._agents = SealedTable(seals, "ec2_agent", Agent, _INSTANCE, by_instance)
        self._tags = SealedTable(seals, "ec2_instance_tags", InstanceTags, _INSTANCE, by_instance)
        self._defaults = SealedTable(
            seals, "ec2_metadata_defaults", MetadataDefaults, _PLACE, (Lookup(_PLACE),)
        )

    def get(self, reader: Reader, account: str, instance_id: str) -> Instance | None:
        return self._instances.get(reader, account, instance_id)

    def after(
        self, reader: Reader, account: str, region: str, instance_id: str, limit: int
    ) -> list[Instance]:
        """The next instances of a Region, by their ids."""
        return self._instances.find(
            reader,
            "account = ? AND instance_id > ? AND region = ? ORDER BY instance_id LIMIT ?",
            (account, instance_id, region, limit),
        )

    def everywhere_after(
        self, reader: Reader, account: str, instance_id: str, limit: int
    ) -> list[Instance]:
        """The next instances of all Regions, by their ids."""
        return self._instances.find(
            reader,
            "account = ? AND instance_id > ? ORDER BY instance_id LIMIT ?",
            (account, instance_id, limit),
        )

    def add(self, transaction: Transaction, instance: Instance) -> None:
        self._instances.insert(transaction, instance)

    def update(self, transaction: Transaction, instance: Instance) -> Instance:
        return self._instances.update(transaction, instance)

    def delete(self, transaction: Transaction, account: str, instance_id: str) -> None:
        """Forget an instance, with its profile, its tags, its agent and its token."""
        association = self.association_of(transaction, account, instance_id)
        if association is not None:
            self.disassociate(transaction, association)
        self._agents.delete(transaction, account, instance_id)
        self._tokens.delete(transaction, account, instance_id)
        self._tags.delete(transaction, account, instance_id)
        self._instances.delete(transaction, account, instance_id)

    # tags

    def tags(self, reader: Reader, instance: Instance) -> InstanceTags:
        """The tags of an instance."""
        held = self._tags.get(reader, instance.account, instance.instance_id)
        return held or _no_tags(instance)

    def tagged_after(
        self, reader: Reader, account: str, region: str, instance_id: str, limit: int
    ) -> list[InstanceTags]:
        """The tags of the next instances of a Region that have any, by their ids."""
        return self._tags.find(
            reader,
            "account = ? AND region = ? AND instance_id > ? AND tags <> ?"
            " ORDER BY instance_id LIMIT ?",
            (account, region, instance_id, NO_TAGS, limit),
        )

    def keep_tags(self, transaction: Transaction, tags: InstanceTags) -> None:
        """Keep the tags of an instance as they are now."""
        if self._tags.get(transaction, tags.account, tags.instance_id) is None:
            self._tags.insert(transaction, tags)
        else:
            self._tags.update(transaction, tags)

    # of several instances, for lists

    def tags_of(
        self, reader: Reader, account: str, instances: Sequence[Instance]
    ) -> dict[str, InstanceTags]:
        """The tags of these instances, by their ids."""
        ids = [each.instance_id for each in instances]
        held = {each.instance_id: each for each in self._tags.find(reader, *_any_of(account, ids))}
        return {each.instance_id: _no_tags(each) for each in instances} | held

    def associations_of(
        self, reader: Reader, account: str, ids: Sequence[str]
    ) -> dict[str, ProfileAssociation]:
        """The associations of those of these instances that have one."""
        found = self._associations.find(reader, *_any_of(account, ids))
        return {each.instance_id: each for each in found}

    def agents_of(self, reader: Reader, account: str, ids: Sequence[str]) -> dict[str, Agent]:
        """The agents of those of these instances that have one."""
        return {
            each.instance_id: each for each in self._agents.find(reader, *_any_of(account, ids))
        }

    # the metadata of new instances

    def defaults(self, reader: Reader, account: str, region: str) -> MetadataDefaults:
        """What was chosen for an account in a Region."""
        held = self._defaults.get(reader, account, region)
        return MetadataDefaults(account=account, region=region) if held is None else held

    def choose(self, transaction: Transaction, chosen: MetadataDefaults) -> None:
        """Keep what was chosen, for instances that are registered from now on."""
        if self._defaults.get(transaction, chosen.account, chosen.region) is None:
            self._defaults.insert(transaction, chosen)
        else:
            self._defaults.update(transaction, chosen)

    # profiles

    def association(
        self, reader: Reader, account: str, association_id: str
    ) -> ProfileAssociation | None:
        return self._associations.get(reader, account, association_id)

    def association_of(
        self, reader: Reader, account: str, instance_id: str
    ) -> ProfileAssociation | None:
        """The profile that an instance has."""
        return self._associations.only(reader, _INSTANCE, account, instance_id)

    def associations_after(
        self, reader: Reader, account: str, region: str, association_id: str, limit: int
    ) -> list[ProfileAssociation]:
        """The next associations of a Region, by their ids."""
        return self._associations.find(
            reader,
            "account = ? AND association_id > ? AND region = ? ORDER BY association_id LIMIT ?",
            (account, association_id, region, limit),
        )

    def associate(self, transaction: Transaction, association: ProfileAssociation) -> None:
        self._associations.insert(transaction, association)

    def disassociate(self, transaction: Transaction, association: ProfileAssociation) -> None:
        self._associations.delete(transaction, association.account, association.association_id)

    # agents

    def agent(self, reader: Reader, account: str, instance_id: str) -> Agent | None:
        return self._agents.get(reader, account, instance_id)

    def token(self, reader: Reader, account: str, instance_id: str) -> EnrolmentToken | None:
        return self._tokens.get(reader, account, instance_id)

    def mint(self, transaction: Transaction, token: EnrolmentToken) -> None:
        """Keep a token; one that was minted for the instance before is worth nothing now."""
        self._tokens.delete(transaction, token.account, token.instance_id)
        self._tokens.insert(transaction, token)

    def enrol(self, transaction: Transaction, agent: Agent, token: EnrolmentToken) -> bool:
        """Spend this very token for a new agent, which ends the former one.

        False if the token was spent, or replaced, since it was read.
        """
        held = self._tokens.get(transaction, token.account, token.instance_id)
        if held != token:
            return False
        self._tokens.delete(transaction, token.account, token.instance_id)
        self._agents.delete(transaction, agent.account, agent.instance_id)
        self._agents.insert(transaction, agent)
        return True

    def heard(self, transaction: Transaction, agent: Agent, sequence: int, options: int) -> None:
        """Remember the last request of an agent, so that nobody sends it again."""
        later = msgspec.structs.replace(agent, sequence=sequence, options_seen=options)
        self._agents.update(transaction, later)


def _no_tags(instance: Instance) -> InstanceTags:
    return InstanceTags(
        account=instance.account, instance_id=instance.instance_id, region=instance.region
    )


def _any_of(account: str, ids: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The condition that a row is of one of these instances, and its values."""
    marks = ", ".join("?" * len(ids))
    return f"account = ? AND instance_id IN ({marks})", (account, *ids)
