"""Which services are served, and what may their operations touch?"""

from collections.abc import Mapping

import keystead.identity.analyzer
import keystead.identity.anywhere
import keystead.identity.directories
import keystead.identity.iam
import keystead.identity.instances
import keystead.identity.organizations
import keystead.identity.services
import keystead.identity.sts
import keystead.kms.operations
import keystead.network
import keystead.trails
from keystead.call import opener
from keystead.identity.anywhere import AnywhereCall
from keystead.identity.call import AnalyzerCall, IamCall, ServicesCall, StsCall
from keystead.identity.instances import Hosts, InstanceCall
from keystead.identity.organizations import OrganizationsCall
from keystead.identity.principals import StoredPrincipals
from keystead.identity.rules import (
    ANALYZER,
    ANYWHERE,
    IAM,
    INSTANCES,
    ORGANIZATIONS,
    SERVICES,
    STS,
)
from keystead.kms.call import KmsCall
from keystead.kms.rules import KMS
from keystead.network import EC2, NetworkCall
from keystead.server.installation.rooms import Rooms
from keystead.server.pipeline import OpenCall
from keystead.trails import CLOUDTRAIL, TrailCall

# Importing these modules registers every operation.
OPERATIONS = (
    keystead.identity.analyzer,
    keystead.identity.anywhere,
    keystead.identity.directories,
    keystead.identity.iam,
    keystead.identity.instances,
    keystead.identity.organizations,
    keystead.identity.services,
    keystead.identity.sts,
    keystead.kms.operations,
    keystead.network,
    keystead.trails,
)


ROWS = {
    "access-analyzer": ANALYZER, "cloudtrail": CLOUDTRAIL, "ec2": EC2, "iam": IAM,
    "keystead": SERVICES, "keystead-instances": INSTANCES, "kms": KMS,
    "organizations": ORGANIZATIONS, "rolesanywhere": ANYWHERE, "sts": STS,
}  # fmt: skip
"""The rows of the operations of each service."""


def calls(rooms: Rooms) -> Mapping[str, OpenCall]:
    """The calls of each service, with the collaborators that its operations may touch."""
    principals = StoredPrincipals(rooms.identities, rooms.store.read())
    tokens = rooms.hierarchy.tokens
    accept = rooms.config.accept_unsupported_condition_keys
    return {
        "kms": opener(
            KmsCall,
            principals=principals,
            guardrails=rooms.guardrails,
            enforcer=rooms.enforcer,
            repository=rooms.keys,
            heard=rooms.heard,
            custody=rooms.custody,
            tokens=tokens,
            last_uses=rooms.last_uses,
            quotas=rooms.quotas,
            regions=frozenset(rooms.config.regions),
            accept_unsupported_condition_keys=accept,
        ),
        "iam": opener(
            IamCall,
            principals=principals,
            guardrails=rooms.guardrails,
            enforcer=rooms.enforcer,
            repository=rooms.identities,
            tokens=tokens,
            passwords=rooms.hierarchy.passwords,
            one_time_codes=rooms.hierarchy.one_time_codes,
            last_used=rooms.last_used,
            accept_unsupported_condition_keys=accept,
            allow_unscoped_trust=rooms.config.allow_unscoped_trust,
        ),
        "organizations": opener(
            OrganizationsCall,
            principals=principals,
            guardrails=rooms.guardrails,
            enforcer=rooms.enforcer,
            repository=rooms.identities,
            tokens=tokens,
            accept_unsupported_condition_keys=accept,
        ),
        "access-analyzer": opener(
            AnalyzerCall,
            principals=principals,
            guardrails=rooms.guardrails,
            enforcer=rooms.enforcer,
            tokens=tokens,
            accept_unsupported_condition_keys=accept,
        ),
        "cloudtrail": opener(
            TrailCall,
            principals=principals,
            guardrails=rooms.guardrails,
            enforcer=rooms.enforcer,
            tokens=tokens,
            digest_keys=rooms.digest_keys,
            log=rooms.trail.directory,
            tag=rooms.hierarchy.audit_tags,
            home=rooms.config.regions[0],
        ),
        "ec2": opener(
            NetworkCall,
            principals=principals,
            guardrails=rooms.guardrails,
            enforcer=rooms.enforcer,
            tokens=tokens,
            regions=frozenset(rooms.config.regions),
            endpoints=rooms.endpoints,
            vpcs=rooms.vpcs,
            preparations=rooms.preparations,
            accept_unsupported_condition_keys=accept,
            hosts=Hosts(rooms.identities),
        ),
        "keystead-instances": opener(
            InstanceCall,
            principals=principals,
            guardrails=rooms.guardrails,
            enforcer=rooms.enforcer,
            repository=rooms.identities,
            session_tokens=rooms.hierarchy.session_tokens,
            tokens=tokens,
        ),
        "rolesanywhere": opener(
            AnywhereCall,
            principals=principals,
            guardrails=rooms.guardrails,
            enforcer=rooms.enforcer,
            repository=rooms.identities,
            session_tokens=rooms.hierarchy.session_tokens,
            tokens=tokens,
            accept_unsupported_condition_keys=accept,
        ),
        "keystead": opener(
            ServicesCall,
            principals=principals,
            guardrails=rooms.guardrails,
            enforcer=rooms.enforcer,
            repository=rooms.identities,
            session_tokens=rooms.hierarchy.session_tokens,
            verifier=rooms.authenticator,
            managed_keys=rooms.keys_of_services,
            outside=rooms.outside,
            services_account=rooms.config.services_account,
        ),
        "sts": opener(
            StsCall,
            principals=principals,
            guardrails=rooms.guardrails,
            enforcer=rooms.enforcer,
            authorization_messages=rooms.refusals,
            repository=rooms.identities,
            session_tokens=rooms.hierarchy.session_tokens,
            regions=frozenset(rooms.config.regions),
            one_time_codes=rooms.hierarchy.one_time_codes,
            provider_keys=rooms.provider_keys,
            outside=rooms.outside,
            service_provider=rooms.config.service_provider,
            accept_unsupported_condition_keys=accept,
        ),
    }
