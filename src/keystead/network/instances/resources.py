"""Instances as the resources of questions: their ARNs and condition keys."""

from keystead.arns import ec2_arn
from keystead.call import Target
from keystead.network.call import NetworkCall
from keystead.network.errors import InvalidInstanceId
from keystead.network.hosts import Host, Hosts
from keystead.policy.evaluation import NO_KEYS, ContextValue
from keystead.store.protocol import Reader
from keystead.tags import resource_keys

TYPE = "AWS::EC2::Instance"
_LONGEST = 64  # characters of an id that a record repeats


def ask(call: NetworkCall, instance_id: str, keys: dict[str, ContextValue] | None = None) -> Host:
    """The instance with this id, if the caller may do this to it; raises EC2's errors."""
    host = call.hosts.get(call.transaction, call.account, call.region, instance_id)
    target = target_of(call, instance_id, host)
    call.authorize(f"ec2:{call.operation.name}", target, call.of_request(keys or {}))
    if host is None:
        raise InvalidInstanceId(instance_id)
    return host


def target_of(call: NetworkCall, instance_id: str, host: Host | None) -> Target:
    """The instance with this id as policies see it, or an id that no instance has."""
    described = NO_KEYS if host is None else keys_of(call.hosts, call.transaction, host)
    return Target(arn_of(call, instance_id), call.account, TYPE, condition_keys=described)


def ask_about_all(call: NetworkCall) -> None:
    """May the caller do this to every instance?  So only who may learns that there is none."""
    arn = ec2_arn(call.region, call.account, "instance/*")
    call.authorize(f"ec2:{call.operation.name}", Target(arn, call.account, TYPE), call.of_request())


def arn_of(call: NetworkCall, instance_id: str) -> str:
    """The ARN of the instance with this id in the caller's account and Region, or of none."""
    return ec2_arn(call.region, call.account, f"instance/{_part(instance_id)}")


def _part(instance_id: str) -> str:
    """The id as a part of an ARN: a text that cannot be an id names nothing there is."""
    usual = instance_id.isascii() and instance_id.isprintable()
    return instance_id[:_LONGEST] if usual else "-"


def keys_of(hosts: Hosts, reader: Reader, host: Host) -> dict[str, ContextValue]:
    """The condition keys of an instance, those of its tags among them."""
    tagged = hosts.tags(reader, host)
    keys: dict[str, ContextValue] = {
        **resource_keys(tagged.values, "aws", "ec2"),
        "ec2:availabilityzone": host.zone,
        "ec2:instanceid": host.instance_id,
        "ec2:instancemetadatatags": tagged.in_metadata,
        "ec2:instancetype": host.instance_type,
        "ec2:metadatahttpendpoint": host.endpoint,
        "ec2:metadatahttpputresponsehoplimit": str(host.hop_limit),
        "ec2:metadatahttptokens": "required",
    }
    association = hosts.association_of(reader, host)
    if association is not None:
        keys["ec2:instanceprofile"] = association.profile_arn
    return keys
