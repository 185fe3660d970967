"""The agents of instances: how one is enrolled, and which credentials it gets."""

from keystead.identity.instances import credentials, enrolment
from keystead.identity.instances.call import InstanceCall, instance_arn
from keystead.identity.instances.credentials import delivery
from keystead.identity.instances.explaining import instance_keys
from keystead.identity.instances.hosts import Hosts

__all__ = (
    "Hosts", "InstanceCall", "credentials", "delivery", "enrolment", "instance_arn",
    "instance_keys",
)  # fmt: skip
