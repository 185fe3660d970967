"""Which subnets, security groups and options has an endpoint?  They are kept and shown."""

import re
from collections.abc import Iterable, Sequence

import msgspec

from keystead.arns import ec2_arn
from keystead.call import Target
from keystead.network.call import NetworkCall
from keystead.network.endpoints import Shape
from keystead.network.errors import InvalidParameter
from keystead.wire.models import ec2 as api
from keystead.wire.query import InvalidParameterValue

MOST = 16  # of each
_LONGEST_TEXT = 255
_FORMS = {
    "subnet": re.compile(r"subnet-(?:[0-9a-f]{8}|[0-9a-f]{17})", re.ASCII),
    "security-group": re.compile(r"sg-(?:[0-9a-f]{8}|[0-9a-f]{17})", re.ASCII),
}
_TYPES = {"subnet": "AWS::EC2::Subnet", "security-group": "AWS::EC2::SecurityGroup"}
_KEYS = {"subnet": "ec2:subnetid", "security-group": "ec2:securitygroupid"}


def parts(call: NetworkCall, kind: str, names: Iterable[str], vpc_arn: str = "") -> list[Target]:
    """The subnets or security groups that a request names, as policies see them."""
    own = {"ec2:vpc": vpc_arn} if vpc_arn else {}
    return [
        Target(
            ec2_arn(call.region, call.account, f"{kind}/{name}"),
            call.account,
            _TYPES[kind],
            condition_keys={_KEYS[kind]: name, **own},
        )
        for name in names
    ]


def named(kind: str, names: Sequence[str] | None) -> tuple[str, ...]:
    """The ids of subnets or security groups that a request names, each once."""
    given = tuple(dict.fromkeys(names or ()))
    for name in given:
        if not _FORMS[kind].fullmatch(name):
            raise InvalidParameterValue(f'Invalid id: "{name[:100]}"')
    return few(given)


def few(names: Iterable[str]) -> tuple[str, ...]:
    """Each name once, in the order in which they came; refuses too many."""
    once = tuple(dict.fromkeys(names))
    if len(once) > MOST:
        raise InvalidParameter(f"An endpoint has at most {MOST} of each.")
    return once


def changed(
    shape: Shape,
    dns: api.DnsOptionsSpecification | None,
    own_addresses: Sequence[api.SubnetConfiguration] | None,
) -> Shape:
    """The parameters with these options about names and addresses, as far as they are given."""
    changes: dict[str, object] = {}
    if dns is not None:
        given = {
            "dns_record_type": dns.dns_record_ip_type,
            "inbound_only": dns.private_dns_only_for_inbound_resolver_endpoint,
            "dns_preference": _short(dns.private_dns_preference),
            "dns_domains": tuple(
                text for each in dns.private_dns_specified_domains or () if (text := _short(each))
            ) or None,
        }  # fmt: skip
        changes |= {name: value for name, value in given.items() if value is not None}
    if own_addresses:
        if len(own_addresses) > MOST:
            raise InvalidParameter(f"An endpoint has at most {MOST} subnets.")
        changes["own_addresses"] = tuple(
            (_short(each.subnet_id) or "", _short(each.ipv4) or "", _short(each.ipv6) or "")
            for each in own_addresses
        )
    return msgspec.structs.replace(shape, **changes)


def _short(text: str | None) -> str | None:
    if text is not None and len(text) > _LONGEST_TEXT:
        raise InvalidParameterValue(f"Value ({text[:100]}…) is too long.")
    return text
