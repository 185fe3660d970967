"""Which operations are declined, and how does each answer?  Those of tier P3 (iam.md 1.14).

What they are about does not exist here: service-specific credentials, certificates, SSH keys,
delegation requests, role templates, tokens for other services, what comes with identities of
another provider (trusted identity propagation). Lists of it are empty, a read of a
single thing finds none, and the rest is refused. Nothing is changed (threat-model 7).

Before it answers, each asks about its own action like every other operation, and then, if the
request has tags, about the second action of its row. One function performs
all of them, `identity/declined.py`.
"""

from dataclasses import dataclass
from enum import Enum, auto

from keystead.errors import AwsError
from keystead.rules import Rules
from keystead.wire.models import iam, sts


class About(Enum):
    """What an operation asks about (iam.md 1.8, 2.2)."""

    ANYTHING = auto()  # `*`
    USER = auto()  # without a name, the caller
    KEY_OWNER = auto()  # without a name, the caller, even root
    USER_OR_ALL = auto()  # `*` for `AllUsers`
    SERVER_CERTIFICATE = auto()
    DELEGATION_REQUEST = auto()
    ENTITY = auto()  # whose ARN is in the request
    ROLE_TEMPLATE = auto()  # whose ARN is in the request
    OIDC_PROVIDER = auto()  # whose ARN is in the request


@dataclass(frozen=True, slots=True)
class EmptyList:
    """The answer has an empty list."""

    member: str


@dataclass(frozen=True, slots=True)
class Missing:
    """An error that says that there is none. The members of the request stand in braces."""

    sentence: str
    error: type[AwsError] = iam.NoSuchEntityException


class Refused(Enum):
    """The two other answers."""

    DENIED = "AccessDenied"
    DISABLED = "FeatureDisabled"  # where AWS's model has it


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclinedRules(Rules):
    """The row of a declined operation."""

    about: About = About.ANYTHING
    answer: EmptyList | Missing | Refused = Refused.DENIED


_CERTIFICATE = Missing(
    "The Server Certificate with name {server_certificate_name} cannot be found."
)

DECLINED_IAM = (
    DeclinedRules(iam.AcceptDelegationRequest, about=About.DELEGATION_REQUEST),
    DeclinedRules(iam.AcquireRole, about=About.ROLE_TEMPLATE),
    DeclinedRules(iam.AssociateDelegationRequest, about=About.DELEGATION_REQUEST),
    DeclinedRules(iam.CreateDelegationRequest),
    DeclinedRules(iam.CreateServiceSpecificCredential, about=About.USER),
    DeclinedRules(iam.DeleteSSHPublicKey, about=About.USER),
    DeclinedRules(iam.DeleteServerCertificate, about=About.SERVER_CERTIFICATE),
    DeclinedRules(iam.DeleteServiceSpecificCredential, about=About.USER),
    DeclinedRules(iam.DeleteSigningCertificate, about=About.KEY_OWNER),
    DeclinedRules(iam.DisableOutboundWebIdentityFederation, answer=Refused.DISABLED),
    DeclinedRules(iam.EnableOutboundWebIdentityFederation),
    DeclinedRules(
        iam.GetDelegationRequest,
        about=About.DELEGATION_REQUEST,
        answer=Missing("Delegation request {delegation_request_id} cannot be found."),
    ),
    DeclinedRules(
        iam.GetHumanReadableSummary,
        about=About.ENTITY,
        answer=Missing("Entity {entity_arn} cannot be found."),
    ),
    DeclinedRules(iam.GetOutboundWebIdentityFederationInfo, answer=Refused.DISABLED),
    DeclinedRules(
        iam.GetRoleTemplateVersion,
        about=About.ROLE_TEMPLATE,
        answer=Missing("Role template {template_arn} cannot be found."),
    ),
    DeclinedRules(
        iam.GetSSHPublicKey,
        about=About.USER,
        answer=Missing("The Public Key with id {ssh_public_key_id} cannot be found."),
    ),
    DeclinedRules(iam.GetServerCertificate, about=About.SERVER_CERTIFICATE, answer=_CERTIFICATE),
    DeclinedRules(iam.ListDelegationRequests, answer=EmptyList("delegation_requests")),
    DeclinedRules(iam.ListSSHPublicKeys, about=About.USER, answer=EmptyList("ssh_public_keys")),
    DeclinedRules(
        iam.ListServerCertificateTags, about=About.SERVER_CERTIFICATE, answer=_CERTIFICATE
    ),
    DeclinedRules(iam.ListServerCertificates, answer=EmptyList("server_certificate_metadata_list")),
    DeclinedRules(
        iam.ListServiceSpecificCredentials,
        about=About.USER_OR_ALL,
        answer=EmptyList("service_specific_credentials"),
    ),
    DeclinedRules(
        iam.ListSigningCertificates, about=About.KEY_OWNER, answer=EmptyList("certificates")
    ),
    DeclinedRules(iam.RejectDelegationRequest, about=About.DELEGATION_REQUEST),
    DeclinedRules(iam.ResetServiceSpecificCredential, about=About.USER),
    DeclinedRules(iam.SendDelegationToken, about=About.DELEGATION_REQUEST),
    DeclinedRules(iam.TagServerCertificate, about=About.SERVER_CERTIFICATE),
    DeclinedRules(iam.UntagServerCertificate, about=About.SERVER_CERTIFICATE),
    DeclinedRules(iam.UpdateDelegationRequest, about=About.DELEGATION_REQUEST),
    DeclinedRules(iam.UpdateOpenIDConnectProvider, about=About.OIDC_PROVIDER),
    DeclinedRules(iam.UpdateSSHPublicKey, about=About.USER),
    DeclinedRules(iam.UpdateServerCertificate, about=About.SERVER_CERTIFICATE),
    DeclinedRules(iam.UpdateServiceSpecificCredential, about=About.USER),
    DeclinedRules(iam.UpdateSigningCertificate, about=About.KEY_OWNER),
    DeclinedRules(iam.UploadSSHPublicKey, about=About.USER),
    DeclinedRules(
        iam.UploadServerCertificate,
        asks=("iam:UploadServerCertificate", "iam:TagServerCertificate"),
        about=About.SERVER_CERTIFICATE,
    ),
    DeclinedRules(iam.UploadSigningCertificate, about=About.KEY_OWNER),
)
DECLINED_STS = (
    DeclinedRules(sts.GetDelegatedAccessToken),
    DeclinedRules(
        sts.GetWebIdentityToken, asks=("sts:GetWebIdentityToken", "sts:TagGetWebIdentityToken")
    ),
)
