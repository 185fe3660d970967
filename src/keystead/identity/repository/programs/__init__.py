"""What programs are known by: services of the site, and instances."""

from keystead.identity.repository.programs.document_keys import DocumentKeys
from keystead.identity.repository.programs.forwarded import ForwardedRequest, ForwardedRequests
from keystead.identity.repository.programs.instance_profiles import (
    InstanceProfile,
    InstanceProfiles,
)
from keystead.identity.repository.programs.instances import (
    Agent,
    EnrolmentToken,
    Instance,
    Instances,
    InstanceTags,
    MetadataDefaults,
    ProfileAssociation,
)
from keystead.identity.repository.programs.services import EVERY, ServiceRecord, Services

__all__ = (
    "EVERY",
    "Agent",
    "DocumentKeys",
    "EnrolmentToken",
    "ForwardedRequest",
    "ForwardedRequests",
    "Instance",
    "InstanceProfile",
    "InstanceProfiles",
    "InstanceTags",
    "Instances",
    "MetadataDefaults",
    "ProfileAssociation",
    "ServiceRecord",
    "Services",
)
