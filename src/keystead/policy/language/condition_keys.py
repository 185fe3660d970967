"""Which condition keys exist, and which of them can have a value here?  (iam.md 6, kms.md 11)

Some keys of the services that we serve never have a value here. A policy that uses such a key does
not do what its author expects. So it is refused when it is written (threat-model PE-2), unless the
installation accepts such keys. Keys of other services are legal, and always absent.

A name that ends in "/" or ":" stands for the family of names that begin with it.
"""

from collections.abc import Mapping

import msgspec

from keystead.policy.language.published import CONDITION_KEYS
from keystead.policy.text import ascii_lower


class KeyFact(msgspec.Struct, frozen=True):
    """The facts about one condition key."""

    name: str  # AWS's spelling
    type: str  # String, Numeric, Date, Bool, IPAddress, ARN
    multi_valued: bool
    supplied: bool  # False: the key exists at AWS, and never has a value here


_STRINGS = """
iam:OrganizationsPolicyId
aws:PrincipalAccount aws:PrincipalOrgID aws:PrincipalTag/ aws:PrincipalType aws:userid aws:username
aws:PrincipalServiceName aws:FederatedProvider aws:SourceIdentity aws:Ec2InstanceSourceVpc
aws:SourceVpc aws:SourceVpce aws:VpceAccount aws:VpceOrgID aws:RequestedRegion aws:ResourceAccount
aws:ResourceOrgID aws:ResourceTag/ aws:RequestTag/ aws:UserAgent aws:referer aws:CalledViaFirst
aws:CalledViaLast aws:SourceAccount aws:SourceOrgID
organizations:PolicyType organizations:ServicePrincipal
iam:PassedToService iam:RegisterSecurityKey iam:AWSServiceName iam:ResourceTag/
sts:ExternalId sts:RoleSessionName sts:SourceIdentity
kms:CallerAccount kms:CustomerMasterKeySpec kms:CustomerMasterKeyUsage kms:DataKeyPairSpec
kms:EncryptionAlgorithm kms:EncryptionContext: kms:ExpirationModel kms:GrantConstraintType
kms:GranteePrincipal kms:GranteeServicePrincipal kms:RetiringPrincipal kms:RetiringServicePrincipal
kms:KeyAgreementAlgorithm kms:KeyOrigin kms:KeySpec kms:KeyUsage kms:MacAlgorithm kms:MessageType
kms:MultiRegionKeyType kms:PolicyName kms:PrimaryRegion kms:ReplicaRegion
kms:RecipientAttestation: kms:RequestAlias kms:SigningAlgorithm kms:ViaService
kms:WrappingAlgorithm kms:WrappingKeySpec
ec2:Attribute ec2:Attribute/ ec2:InstanceMetadataTags
ec2:AvailabilityZone ec2:InstanceID ec2:InstanceType ec2:MetadataHttpEndpoint ec2:MetadataHttpTokens
ec2:CreateAction ec2:Region ec2:ResourceTag/ ec2:SecurityGroupID ec2:SubnetID ec2:VpcID
ec2:VpceMultiRegion ec2:VpcePrivateDnsPreference ec2:VpceServiceName ec2:VpceServiceOwner
ec2:VpceServiceRegion
saml:aud saml:iss saml:sub saml:sub_type saml:namequalifier saml:doc saml:commonName saml:givenName
saml:surname saml:mail saml:name saml:uid saml:organizationStatus saml:primaryGroupSID
saml:x500UniqueIdentifier saml:edupersonorgdn saml:edupersonprimaryaffiliation
saml:edupersonprincipalname saml:edupersonprimaryorgunitdn
"""
_STRING_LISTS = """
iam:AccountPropertyNamespaces
aws:PrincipalOrgPaths aws:PrincipalServiceNamesList aws:VpceOrgPaths aws:ResourceOrgPaths
aws:TagKeys aws:CalledVia aws:SourceOrgPaths sts:TransitiveTagKeys kms:EncryptionContextKeys
ec2:VpcePrivateDnsSpecifiedDomains kms:GrantOperations kms:ResourceAliases
saml:cn saml:edupersonaffiliation saml:edupersonnickname
saml:edupersonorgunitdn saml:edupersonentitlement saml:edupersonscopedaffiliation
saml:edupersontargetedid saml:edupersonassurance saml:eduorghomepageuri
saml:eduorgidentityauthnpolicyuri saml:eduorglegalname saml:eduorgsuperioruri
saml:eduorgwhitepagesuri
"""
_BOOLEANS = """
aws:PrincipalIsAWSService aws:MultiFactorAuthPresent aws:SecureTransport aws:ViaAWSService
aws:AssumedRoot
kms:BypassPolicyLockoutSafetyCheck kms:GrantIsForAWSResource kms:MultiRegion kms:ReEncryptOnSameKey
"""
_NUMBERS = """
aws:MultiFactorAuthAge ec2:MetadataHttpPutResponseHopLimit ec2:RoleDelivery kms:RotationPeriodInDays
kms:ScheduleKeyDeletionPendingWindowInDays kms:TrailingDaysWithoutKeyUsage
"""
_DATES = "aws:TokenIssueTime aws:CurrentTime aws:EpochTime kms:ValidTo"
_ADDRESSES = "aws:SourceIp aws:VpcSourceIp aws:Ec2InstanceSourcePrivateIPv4"
_ARNS = """
aws:PrincipalArn aws:SourceArn aws:SourceVpcArn iam:AssociatedResourceArn iam:PermissionsBoundary
iam:PolicyARN ec2:InstanceProfile ec2:NewInstanceProfile ec2:SourceInstanceARN ec2:Vpc
kms:GrantConstraintSourceArn sts:TaskPolicyArn
"""
# Beside the published ones of the services (`published`), those that exist and are newer.
_NEVER_SUPPLIED = """
aws:SignInSessionArn aws:ChatbotSourceArn aws:SourceOwner aws:IsMcpServiceAction
aws:ViaAWSMCPService aws:CalledViaAWSMCP iam:RoleTemplateARN
sts:RoleAuthorizedByIdp
"""

_ARRAY = "ArrayOf"
NO_VALUE_HERE = (
    "it exists at AWS and has no value here; the setting accept_unsupported_condition_keys stores"
    " policies that use it"
)

SERVED = frozenset({"aws", "kms", "iam", "sts", "saml", "organizations"})
"""The prefixes of which we know every key."""

IDENTITY_ONLY = ("kms:resourcealiases", "aws:resourcetag/")
"""Keys that a key policy never sees (kms.md 11: "IP only")."""


def _facts() -> dict[str, KeyFact]:
    tables = (
        (_STRINGS, "String", False, True),
        (_STRING_LISTS, "String", True, True),
        (_BOOLEANS, "Bool", False, True),
        (_NUMBERS, "Numeric", False, True),
        (_DATES, "Date", False, True),
        (_ADDRESSES, "IPAddress", False, True),
        (_ARNS, "ARN", False, True),
        (_NEVER_SUPPLIED, "String", False, False),
    )
    published = {
        ascii_lower(name): KeyFact(name, kind.removeprefix(_ARRAY), kind.startswith(_ARRAY), False)
        for kind, names in CONDITION_KEYS.items()
        for name in names.split()
    }
    return published | {
        ascii_lower(name): KeyFact(name, kind, many, supplied)
        for names, kind, many, supplied in tables
        for name in names.split()
    }


KNOWN: Mapping[str, KeyFact] = _facts()
"""Every condition key of the services that we serve, by its lower-case name."""


def family(key: str) -> str:
    """The name under which a lower-case key is known: its own name, or that of its family."""
    prefix, colon, name = key.partition(":")
    for separator in "/:":
        head, divided, _ = name.partition(separator)
        if divided and (whole := f"{prefix}{colon}{head}{separator}") in KNOWN:
            return whole
    return key


def is_supplied(key: str) -> bool:
    """Can this lower-case key have a value?  Always true for services that we do not serve."""
    if key.partition(":")[0] not in SERVED:
        return True
    fact = KNOWN.get(family(key))
    return fact is not None and fact.supplied


def refusal(key: str) -> str:
    """The sentence that tells the author of a policy why a condition key is refused."""
    fact = KNOWN.get(family(ascii_lower(key)))
    if fact is None or not ascii_lower(key).partition(":")[2]:
        return f"Condition key {key} is not supported: it does not exist."
    return f"Condition key {key} is not supported: {NO_VALUE_HERE}."


def is_multi_valued(key: str) -> bool:
    """Does this lower-case key hold several values, even when a request gives it one?"""
    fact = KNOWN.get(family(key))
    return fact is not None and fact.multi_valued


def hidden_from_key_policies(key: str) -> bool:
    """Is this lower-case key one that a key policy never sees?"""
    return key.startswith(IDENTITY_ONLY)


OF_PRINCIPAL = ("aws:principal", "aws:username", "aws:userid")
"""The prefixes of the keys that describe the caller."""

OF_RESOURCE = ("aws:resource", "ec2:resourcetag/", "iam:resourcetag/")
"""The prefixes of the keys that describe the resource."""

OF_KEY = frozenset(
    {
        "kms:customermasterkeyspec",
        "kms:customermasterkeyusage",
        "kms:keyorigin",
        "kms:keyspec",
        "kms:keyusage",
        "kms:multiregion",
        "kms:multiregionkeytype",
        "kms:resourcealiases",
    }
)
"""The condition keys that describe a KMS key."""


def is_of_request(key: str) -> bool:
    """Could this lower-case key have another value for the same caller and the same resource?"""
    described = key.startswith((*OF_PRINCIPAL, *OF_RESOURCE)) or key in OF_KEY
    return not described and key != "kms:calleraccount"
