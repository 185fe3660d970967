"""Which kinds of document exist, and which rules has each?  (iam.md 4.2, 4.3; kms.md 10.3)"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class DocumentKind(StrEnum):
    """The kinds of policy document."""

    IDENTITY = "identity-based policy"  # managed and inline
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"
    KEY = "key policy"
    TRUST = "role trust policy"
    RESOURCE = "resource-based policy"  # of a service that is not ours
    ENDPOINT = "VPC endpoint policy"
    SCP = "service control policy"
    RCP = "resource control policy"


class Rules(msgspec.Struct, frozen=True):
    """The rules of one kind: which elements it forbids, and which it demands."""

    principal: bool = False  # may have a Principal element
    principal_types: frozenset[str] = frozenset({"Service"})  # beside AWS
    resource: bool = True  # may have a Resource element
    version_2012: bool = False
    iam_text: bool = True  # it has only the characters that IAM accepts
    iam_sids: bool = True  # Sids have only letters and digits, and are unique in the document
    arns: bool = False  # resources are ARNs of six parts
    short_arns: bool = False  # an ARN may have fewer parts, and is completed with `*`
    iam_arns: bool = False  # ARNs of IAM and S3 have the form that IAM demands
    reachable: bool = False  # each resource is a pattern that some ARN can match
    organizations: bool = False  # the service has one sentence for every refusal


_OF_HOLDER = Rules(version_2012=True, arns=True, short_arns=True, iam_arns=True)
_OF_SESSION = Rules(version_2012=True, arns=True, iam_arns=True)

RULES: Mapping[DocumentKind, Rules] = {
    DocumentKind.IDENTITY: _OF_HOLDER,
    DocumentKind.BOUNDARY: _OF_HOLDER,
    DocumentKind.SESSION: _OF_SESSION,
    DocumentKind.KEY: Rules(
        principal=True,
        iam_sids=False,
        reachable=True,
    ),
    DocumentKind.TRUST: Rules(
        principal=True,
        principal_types=frozenset({"Service", "Federated"}),
        resource=False,
    ),
    DocumentKind.RESOURCE: Rules(
        principal=True,
        principal_types=frozenset({"Service", "CanonicalUser"}),
        iam_text=False,
        iam_sids=False,
    ),
    DocumentKind.ENDPOINT: Rules(principal=True, iam_text=False, iam_sids=False, reachable=True),
    DocumentKind.SCP: Rules(iam_text=False, arns=True, organizations=True),
    DocumentKind.RCP: Rules(
        principal=True, version_2012=True, iam_text=False, arns=True, organizations=True
    ),
}
