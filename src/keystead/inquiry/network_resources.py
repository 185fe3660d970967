"""What do policies see of an instance, or of an endpoint of a network?  Their tags, above all."""

from keystead.arns import Arn
from keystead.call import Resource, Target
from keystead.identity.instances import Hosts
from keystead.inquiry.view import InstallationView
from keystead.network import instances


def of_network(installation: InstallationView, arn: Arn) -> Resource | None:
    """The instance or the endpoint with this ARN; None if there is none."""
    kind, _, name = arn.resource.partition("/")
    reader = installation.store.read()
    if kind == "vpc-endpoint":
        found = installation.endpoints.own(reader, arn.account, arn.region, name)
        return None if found is None else found.target()
    if kind != "instance":
        return None
    hosts = Hosts(installation.identities)
    host = hosts.get(reader, arn.account, arn.region, name)
    if host is None:
        return None
    keys = instances.resources.keys_of(hosts, reader, host)
    return Target(str(arn), arn.account, instances.resources.TYPE, condition_keys=keys)
