"""Instances as the resources of questions: their ARNs and condition keys."""

from keystead.arns import ec2_arn
from keystead.call import Target
from keystead.network.call import NetworkCall
from keystead.network.errors import InvalidInstanceId
from keystead.network.hosts import Host
from keystead.policy.evaluation import NO_KEYS, ContextValue

_TYPE = "AWS::EC2::Instance"


def ask(call: NetworkCall, instance_id: str, keys: dict[str, ContextValue] | None = None) -> Host:
    """The instance with this id, if the caller may do this to it; raises EC2's errors."""
    host = call.hosts.get(call.transaction, call.account, call.region, instance_id)
    arn = arn_of(call, instance_id)
    described = NO_KEYS if host is None else _keys(call, host)
    target = Target(arn, call.account, _TYPE, condition_keys=described)
    call.authorize(f"ec2:{call.operation.name}", target, call.of_request(keys or {}))
    if host is None:
        raise InvalidInstanceId(instance_id)
    return host


def ask_about_all(call: NetworkCall) -> None:
    """May the caller do this to every instance?  So only who may learns that there is none."""
    arn = ec2_arn(call.region, call.account, "instance/*")
    call.authorize(
        f"ec2:{call.operation.name}", Target(arn, call.account, _TYPE), call.of_request()
    )


def arn_of(call: NetworkCall, instance_id: str) -> str:
    """The ARN of the instance with this id in the caller's account and Region, or of none."""
    return ec2_arn(call.region, call.account, f"instance/{_part(instance_id)}")


def _part(instance_id: str) -> str:
    """The id as a part of an ARN: a text that cannot be an id names nothing there is."""
    return instance_id if instance_id.isascii() and instance_id.isprintable() else "-"


def _keys(call: NetworkCall, host: Host) -> dict[str, ContextValue]:
    keys: dict[str, ContextValue] = {
        "ec2:availabilityzone": host.zone,
        "ec2:instanceid": host.instance_id,
        "ec2:instancemetadatatags": "disabled",
        "ec2:instancetype": host.instance_type,
        "ec2:metadatahttpendpoint": host.endpoint,
        "ec2:metadatahttpputresponsehoplimit": str(host.hop_limit),
        "ec2:metadatahttptokens": "required",
    }
    association = call.hosts.association_of(call.transaction, host)
    if association is not None:
        keys["ec2:instanceprofile"] = association.profile_arn
    return keys
