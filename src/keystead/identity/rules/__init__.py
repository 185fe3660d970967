"""Which facts does each operation of this room's services need?  One table for each service."""

from keystead.identity.rules.analyzer import ANALYZER
from keystead.identity.rules.anywhere import ANYWHERE
from keystead.identity.rules.declined import (
    DECLINED_IAM,
    DECLINED_STS,
    About,
    DeclinedRules,
    EmptyList,
    Missing,
    Refused,
)
from keystead.identity.rules.iam import IAM
from keystead.identity.rules.instances import INSTANCES
from keystead.identity.rules.organizations import (
    DECLINED_ORGANIZATIONS,
    DELEGABLE,
    ORGANIZATIONS,
    DeclinedOrganizationsRules,
    OrganizationsRules,
)
from keystead.identity.rules.services import SERVICES
from keystead.identity.rules.sts import STS

__all__ = (
    "ANALYZER", "ANYWHERE", "DECLINED_IAM", "DECLINED_ORGANIZATIONS", "DECLINED_STS", "DELEGABLE",
    "IAM", "INSTANCES", "ORGANIZATIONS", "SERVICES", "STS", "About", "DeclinedOrganizationsRules",
    "DeclinedRules",
    "EmptyList", "Missing", "OrganizationsRules", "Refused",
)  # fmt: skip
