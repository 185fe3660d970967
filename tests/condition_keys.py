"""Which condition keys has each decision?  One row for each question that an operation asks.

An operation that joins adds its rows here; `test_condition_keys` names the one that has none, and
holds each row against the decision that is really asked (iam.md 1.8, 6; kms.md 10.5, 11).

The keys of a row are exactly those of the request: what is not in it is absent. `On` says what
the resource adds; what every request has is in `test_condition_keys`. In the members of a
request, `@key` and the like stand for things that the test makes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

ContextValue = str | tuple[str, ...]
Keys = Mapping[str, ContextValue]

TAG = {"TagKey": "Cost", "TagValue": "7"}
IAM_TAG = {"Key": "Cost", "Value": "7"}
TRUST = (
    '{"Version":"2012-10-17","Statement":{"Effect":"Allow",'
    '"Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}}'
)
DOCUMENT = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}'

REPLICA_REGION, NEW_REGION = "us-west-2", "ap-south-1"
"""Where the multi-Region key of the examples has a replica, and where one is asked for."""

_NONE: Keys = {}
_REGION: Keys = {"ec2:Region": "eu-central-1"}
_HOST: Keys = {
    "ec2:AvailabilityZone": "eu-central-1a",
    "ec2:InstanceMetadataTags": "disabled",
    "ec2:InstanceType": "m7g.large",
    "ec2:MetadataHttpEndpoint": "enabled",
    "ec2:MetadataHttpPutResponseHopLimit": "1",
    "ec2:MetadataHttpTokens": "required",
}


def _described(spec: str, usage: str) -> Keys:
    """What describes a key of this spec and usage, or the request to create it."""
    return {
        "kms:KeySpec": spec,
        "kms:KeyUsage": usage,
        "kms:CustomerMasterKeySpec": spec,
        "kms:CustomerMasterKeyUsage": usage,
        "kms:KeyOrigin": "AWS_KMS",
        "kms:MultiRegion": "false",
    }


_KEY = _described("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
_PRIMARY: Keys = {**_KEY, "kms:MultiRegion": "true", "kms:MultiRegionKeyType": "PRIMARY"}
_REPLICA: Keys = {**_PRIMARY, "kms:MultiRegionKeyType": "REPLICA"}
_TEAM: Keys = {"aws:ResourceTag/Team": "blue"}


class On(Enum):
    """What a question is about, and the keys that describe it."""

    ANYTHING = "*", _NONE
    KEY = "key", {**_KEY, **_TEAM, "kms:ResourceAliases": ("alias/app",)}
    BARE_KEY = "bare key", _KEY  # without tags and aliases
    MAC_KEY = (
        "key for MACs",
        {
            **_described("HMAC_256", "GENERATE_VERIFY_MAC"),
            "kms:ResourceAliases": ("alias/mac",),
        },
    )
    SIGNING_KEY = (
        "key for signatures",
        {
            **_described("ECC_NIST_P256", "SIGN_VERIFY"),
            "kms:ResourceAliases": ("alias/sign",),
        },
    )
    KEM_KEY = (
        "ML-KEM key",
        {
            **_described("ML_KEM_768", "ENCAPSULATE_DECAPSULATE"),
            "kms:ResourceAliases": ("alias/kem",),
        },
    )
    AGREEMENT_KEY = (
        "key of ECDH",
        {
            **_described("ECC_NIST_P256", "KEY_AGREEMENT"),
            "kms:ResourceAliases": ("alias/agreement",),
        },
    )
    PRIMARY_KEY = "primary key", _PRIMARY
    REPLICA_KEY = "replica key", {**_REPLICA, "aws:RequestedRegion": REPLICA_REGION}
    EXTERNAL_KEY = "key of imported material", {**_KEY, "kms:KeyOrigin": "EXTERNAL"}
    NEW_KEY = "new key", _NONE  # the request describes it
    ALIAS = "alias", _NONE
    USER = "user", {**_TEAM, "iam:ResourceTag/Team": "blue"}
    CALLER = "calling user", _NONE
    BARE_USER = "bare user", _NONE  # without tags and boundary
    NEW_USER = "new user", _NONE
    GROUP = "group", _NONE
    ROLE = "role", {**_TEAM, "iam:ResourceTag/Team": "blue"}
    BARE_ROLE = "bare role", _NONE  # without tags and boundary
    NEW_ROLE = "new role", _NONE
    PROFILE = "instance profile", _TEAM
    INSTANCE = "instance", {**_REGION, **_HOST, "ec2:InstanceID": "@instance"}
    HELD_INSTANCE = (
        "instance with a profile",
        {**_REGION, **_HOST, "ec2:InstanceID": "@held", "ec2:InstanceProfile": "@app"},
    )
    NEW_AGENT = "instance whose agent enrols", _NONE
    NEW_PROFILE = "new instance profile", _NONE
    OIDC = "provider", _TEAM
    NEW_OIDC = "new provider", _NONE
    SAML = "SAML provider", _TEAM
    NEW_SAML = "new SAML provider", _NONE
    DEVICE = "device", _TEAM
    NEW_DEVICE = "new device", _NONE
    POLICY = "policy", _TEAM
    NEW_POLICY = "new policy", _NONE
    MEMBER = "account", _TEAM  # of an organization
    UNIT = "unit", _TEAM
    ROOT = "root", _NONE
    NEW_PART = "new part", _NONE
    FEDERATED_USER = "federated user", _NONE
    ROOT_USER = "root user", _NONE
    SCP = "organization policy", _TEAM
    DELEGATION = "resource policy", _TEAM
    ENDPOINT = "VPC endpoint", {**_TEAM, "ec2:ResourceTag/Team": "blue"}
    NEW_ENDPOINT = "new VPC endpoint", _NONE
    TRUST_ANCHOR = "trust anchor", _TEAM
    ANYWHERE_PROFILE = "profile of roles anywhere", _TEAM
    CRL = "revocation list", _TEAM
    SUBJECT = "subject", _NONE
    VPC = "VPC", {"ec2:VpcID": "vpc-0123456789abcdef0"}
    SUBNET = "subnet", {"ec2:SubnetID": "subnet-0123456789abcdef0"}
    SECURITY_GROUP = "security group", {"ec2:SecurityGroupID": "sg-0123456789abcdef0"}
    NO_SUCH_THING = "thing that nobody has", _NONE  # of a declined operation

    def __init__(self, title: str, keys: Keys) -> None:
        self.title = title
        self.keys = keys


@dataclass(frozen=True, slots=True)
class Row:
    """One question that an operation asks."""

    operation: str
    request: Mapping[str, Any]
    on: On
    keys: Keys = field(default_factory=dict)
    action: str = ""  # when it is not the operation's own

    @property
    def asked(self) -> str:
        return self.action or self.operation

    def action_of(self, service: str) -> str:
        """The action with its service; some are those of another service than the operation's."""
        return self.asked if ":" in self.asked else f"{service}:{self.asked}"


def _uses(alias: bool = True) -> tuple[dict[str, Any], Keys]:
    """A cryptographic request and its keys, by alias or by id, with or without a context."""
    if alias:
        sent = {"KeyId": "alias/app", "EncryptionContext": {"App": "Pay", "stage": ""}}
        return sent, {"kms:RequestAlias": "alias/app", **_ENCRYPTION, **_CONTEXT}
    return {"KeyId": "@key"}, _ENCRYPTION


_ENCRYPTION: Keys = {"kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}
_CONTEXT: Keys = {
    "kms:EncryptionContext:App": "Pay",
    "kms:EncryptionContext:stage": "",
    "kms:EncryptionContextKeys": ("App", "stage"),
}
_MAC: Keys = {"kms:MacAlgorithm": "HMAC_SHA_256"}
_TO_MAC = {"Message": b"x", "MacAlgorithm": "HMAC_SHA_256"}
_SIGNATURE: Keys = {"kms:SigningAlgorithm": "ECDSA_SHA_256", "kms:MessageType": "RAW"}
_TO_SIGN = {"Message": b"x", "SigningAlgorithm": "ECDSA_SHA_256"}
_TAGGED: Keys = {"aws:RequestTag/Cost": "7", "aws:TagKeys": ("Cost",)}
_REENCRYPT = {
    "CiphertextBlob": "@blob",
    "SourceEncryptionContext": {"App": "Pay", "stage": ""},
    "DestinationEncryptionContext": {"Copy": "1"},
    "DestinationKeyId": "alias/app",
}
_COPY: Keys = {
    **_ENCRYPTION,
    "kms:EncryptionContext:Copy": "1",
    "kms:EncryptionContextKeys": ("Copy",),
}
_BY_ALIAS: Keys = {"kms:RequestAlias": "alias/app"}
_NEW_REPLICA: Keys = {**_REPLICA, "aws:RequestedRegion": NEW_REGION}
_TO_NEW_REGION = {"KeyId": "@primary", "ReplicaRegion": NEW_REGION}
_BUCKET = "arn:aws:s3:eu-central-1:111122223333:bucket"
_GRANT = {"KeyId": "@key", "Operations": ["Decrypt", "Encrypt"]}
_FOR_NO_SERVICE: Keys = {"kms:GrantIsForAWSResource": "false"}
_GRANTED: Keys = {**_FOR_NO_SERVICE, "kms:GrantOperations": ("Decrypt", "Encrypt")}
_TAGGED_KEY = {"Tags": [TAG], "BypassPolicyLockoutSafetyCheck": True}
_HMAC: Keys = {
    **_KEY,
    "kms:KeySpec": "HMAC_256",
    "kms:KeyUsage": "GENERATE_VERIFY_MAC",
    "kms:CustomerMasterKeySpec": "HMAC_256",
    "kms:CustomerMasterKeyUsage": "GENERATE_VERIFY_MAC",
}


def _use(operation: str, on: On = On.KEY, **members: Any) -> list[Row]:
    """The rows of a cryptographic operation: all that is sent, and all left to defaults."""
    rows = []
    for alias in (True, False):
        sent, keys = _uses(alias)
        rows.append(Row(operation, {**sent, **members}, on, keys))
    return rows


def _pairs(operation: str) -> list[Row]:
    """The rows of an operation that makes key pairs."""
    spec = "ECC_NIST_P256"
    return [
        Row(row.operation, row.request, row.on, {**row.keys, "kms:DataKeyPairSpec": spec})
        for row in _use(operation, KeyPairSpec=spec)
    ]


def _shares(operation: str, on: On, key: str, keys: Keys = _NONE, **members: Any) -> list[Row]:
    """The rows of an operation with a key of another kind: named by id, and by alias."""
    alias = f"alias/{key}"
    return [
        Row(operation, {"KeyId": f"@{key}", **members}, on, keys),
        Row(operation, {"KeyId": alias, **members}, on, {**keys, "kms:RequestAlias": alias}),
    ]


_IMPORT = {"KeyId": "@external", "ImportToken": b"x", "EncryptedKeyMaterial": b"x"}
_EXPIRES: Keys = {"kms:ExpirationModel": "KEY_MATERIAL_EXPIRES"}


def _plain(operations: str, on: On, **members: Any) -> list[Row]:
    """Operations whose requests have no keys of their own."""
    return [Row(operation, members, on) for operation in operations.split()]


KMS: tuple[Row, ...] = (
    *_use("Encrypt", Plaintext=b"x"),
    *_use("GenerateDataKey", KeySpec="AES_256"),
    *_use("GenerateDataKeyWithoutPlaintext", KeySpec="AES_256"),
    *_use("Decrypt", CiphertextBlob="@blob"),
    Row("Decrypt", {"CiphertextBlob": "@blob"}, On.KEY, _ENCRYPTION),
    Row("ReEncrypt", _REENCRYPT, On.KEY,
        {**_ENCRYPTION, **_CONTEXT, "kms:ReEncryptOnSameKey": "true"}, "ReEncryptFrom"),
    Row("ReEncrypt", _REENCRYPT, On.KEY,
        {**_COPY, "kms:ReEncryptOnSameKey": "true", "kms:RequestAlias": "alias/app"},
        "ReEncryptTo"),
    *(Row("ReEncrypt", {**_REENCRYPT, **source, "DestinationKeyId": "@bare"}, on, {
          **keys, "kms:ReEncryptOnSameKey": "false"}, action)
      for source, alias in ((_NONE, _NONE), ({"SourceKeyId": "alias/app"}, _BY_ALIAS))
      for action, on, keys in (
          ("ReEncryptFrom", On.KEY, {**_ENCRYPTION, **_CONTEXT, **alias}),
          ("ReEncryptTo", On.BARE_KEY, _COPY),
      )),
    *_shares("GenerateMac", On.MAC_KEY, "mac", _MAC, **_TO_MAC),
    *_shares("VerifyMac", On.MAC_KEY, "mac", _MAC, **_TO_MAC, Mac="@made mac"),
    *_shares("Sign", On.SIGNING_KEY, "sign", _SIGNATURE, **_TO_SIGN),
    *_shares("Verify", On.SIGNING_KEY, "sign", _SIGNATURE, **_TO_SIGN, Signature="@signature"),
    *_shares("Sign", On.SIGNING_KEY, "sign", {**_SIGNATURE, "kms:MessageType": "DIGEST"},
             **{**_TO_SIGN, "Message": b"x" * 32}, MessageType="DIGEST"),
    *_shares("GetPublicKey", On.SIGNING_KEY, "sign"),
    *_pairs("GenerateDataKeyPair"),
    *_pairs("GenerateDataKeyPairWithoutPlaintext"),
    *_shares("Encapsulate", On.KEM_KEY, "kem", EncapsulationAlgorithm="ML_KEM"),
    *_shares("Decapsulate", On.KEM_KEY, "kem", EncapsulationAlgorithm="ML_KEM",
             SharedSecretCiphertextBlob="@encapsulated"),
    *_shares("DeriveSharedSecret", On.AGREEMENT_KEY, "agreement", {
             "kms:KeyAgreementAlgorithm": "ECDH"}, KeyAgreementAlgorithm="ECDH",
             PublicKey="@peer"),
    Row("GenerateRandom", {"NumberOfBytes": 8}, On.ANYTHING),
    Row("CreateKey", {}, On.ANYTHING, _KEY),
    Row("CreateKey", {"BypassPolicyLockoutSafetyCheck": True}, On.ANYTHING,
        {**_KEY, "kms:BypassPolicyLockoutSafetyCheck": "true"}),
    Row("CreateKey", {"BypassPolicyLockoutSafetyCheck": False}, On.ANYTHING,
        {**_KEY, "kms:BypassPolicyLockoutSafetyCheck": "false"}),
    *(Row("CreateKey", {"MultiRegion": True, "Tags": [TAG]}, on, {**_PRIMARY, **_TAGGED},
          action) for on, action in ((On.ANYTHING, ""), (On.NEW_KEY, "TagResource"))),
    Row("CreateKey", {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}, On.ANYTHING,
        _HMAC),
    Row("CreateKey", _TAGGED_KEY, On.ANYTHING,
        {**_KEY, **_TAGGED, "kms:BypassPolicyLockoutSafetyCheck": "true"}),
    Row("CreateKey", _TAGGED_KEY, On.NEW_KEY, {**_KEY, **_TAGGED}, "TagResource"),
    Row("DescribeKey", {"KeyId": "alias/app"}, On.KEY, {"kms:RequestAlias": "alias/app"}),
    Row("DescribeKey", {"KeyId": "@key"}, On.KEY),
    Row("DescribeKey", {"KeyId": "@bare"}, On.BARE_KEY),
    *_plain("CancelKeyDeletion DisableKeyRotation EnableKey GetKeyLastUsage GetKeyRotationStatus "
            "ListKeyPolicies ListKeyRotations ListResourceTags RotateKeyOnDemand", On.KEY,
            KeyId="@key"),
    *_plain("UpdateKeyDescription", On.KEY, KeyId="@key", Description="x"),
    Row("DisableKey", {"KeyId": "@key"}, On.KEY, {"kms:TrailingDaysWithoutKeyUsage": "0"}),
    Row("EnableKeyRotation", {"KeyId": "@key"}, On.KEY, {"kms:RotationPeriodInDays": "365"}),
    Row("EnableKeyRotation", {"KeyId": "@key", "RotationPeriodInDays": 90}, On.KEY,
        {"kms:RotationPeriodInDays": "90"}),
    Row("CreateKey", {"Origin": "EXTERNAL"}, On.ANYTHING, {**_KEY, "kms:KeyOrigin": "EXTERNAL"}),
    # This algorithm is refused after the question, so no wrapping key is made for nothing.
    Row("GetParametersForImport", {"KeyId": "@external", "WrappingAlgorithm": "RSAES_PKCS1_V1_5",
                                   "WrappingKeySpec": "RSA_2048"}, On.EXTERNAL_KEY,
        {"kms:WrappingAlgorithm": "RSAES_PKCS1_V1_5", "kms:WrappingKeySpec": "RSA_2048"}),
    Row("ImportKeyMaterial", {**_IMPORT, "ValidTo": "@soon"}, On.EXTERNAL_KEY,
        {**_EXPIRES, "kms:ValidTo": "@soon in seconds"}),
    Row("ImportKeyMaterial", {**_IMPORT, "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"},
        On.EXTERNAL_KEY, {"kms:ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}),
    *_plain("DeleteImportedKeyMaterial", On.EXTERNAL_KEY, KeyId="@external"),
    Row("ScheduleKeyDeletion", {"KeyId": "@key"}, On.KEY,
        {"kms:ScheduleKeyDeletionPendingWindowInDays": "30",
         "kms:TrailingDaysWithoutKeyUsage": "0"}),
    Row("ScheduleKeyDeletion", {"KeyId": "@key", "PendingWindowInDays": 7}, On.KEY,
        {"kms:ScheduleKeyDeletionPendingWindowInDays": "7",
         "kms:TrailingDaysWithoutKeyUsage": "0"}),
    Row("GetKeyPolicy", {"KeyId": "@key"}, On.KEY, {"kms:PolicyName": "default"}),
    Row("GetKeyPolicy", {"KeyId": "@key", "PolicyName": "other"}, On.KEY,
        {"kms:PolicyName": "other"}),
    Row("PutKeyPolicy", {"KeyId": "@key", "Policy": DOCUMENT}, On.KEY,
        {"kms:PolicyName": "default"}),
    Row("PutKeyPolicy", {"KeyId": "@key", "Policy": DOCUMENT, "PolicyName": "other",
                         "BypassPolicyLockoutSafetyCheck": False}, On.KEY,
        {"kms:PolicyName": "other", "kms:BypassPolicyLockoutSafetyCheck": "false"}),
    Row("TagResource", {"KeyId": "@key", "Tags": [TAG]}, On.KEY, _TAGGED),
    Row("UntagResource", {"KeyId": "@key", "TagKeys": ["Team"]}, On.KEY,
        {"aws:TagKeys": ("Team",)}),
    *(Row("CreateAlias", {"AliasName": "alias/new", "TargetKeyId": "@key"}, on)
      for on in (On.ALIAS, On.KEY)),
    *(Row("UpdateAlias", {"AliasName": "alias/app", "TargetKeyId": "@bare"}, on)
      for on in (On.ALIAS, On.KEY, On.BARE_KEY)),
    *(Row("DeleteAlias", {"AliasName": "alias/app"}, on) for on in (On.ALIAS, On.KEY)),
    *_plain("ListAliases ListKeys", On.ANYTHING),
    *(Row("ReplicateKey", {**_TO_NEW_REGION, **more}, on, keys, action)
      for more, new in (
          ({}, _NEW_REPLICA),
          (_TAGGED_KEY, {**_NEW_REPLICA, **_TAGGED,
                         "kms:BypassPolicyLockoutSafetyCheck": "true"}),
      )
      for on, keys, action in (
          (On.PRIMARY_KEY, {"kms:ReplicaRegion": NEW_REGION}, ""),
          (On.ANYTHING, new, "CreateKey"),
      )),
    Row("ReplicateKey", {**_TO_NEW_REGION, **_TAGGED_KEY}, On.NEW_KEY,
        {**_NEW_REPLICA, **_TAGGED}, "TagResource"),
    *(Row("UpdatePrimaryRegion", {"KeyId": "@primary", "PrimaryRegion": REPLICA_REGION}, on,
          {"kms:PrimaryRegion": REPLICA_REGION}) for on in (On.PRIMARY_KEY, On.REPLICA_KEY)),
    Row("CreateGrant", {**_GRANT, "GranteePrincipal": "@account", "RetiringPrincipal": "@account",
                        "Constraints": {"EncryptionContextEquals": {"App": "Pay", "stage": ""}}},
        On.KEY, {**_GRANTED, **_CONTEXT, "kms:GranteePrincipal": "@account",
                 "kms:RetiringPrincipal": "@account",
                 "kms:GrantConstraintType": "EncryptionContextEquals"}),
    Row("CreateGrant", {**_GRANT, "GranteeServicePrincipal": "s3.amazonaws.com",
                        "RetiringServicePrincipal": "s3.amazonaws.com",
                        "Constraints": {"SourceArn": _BUCKET}}, On.KEY,
        {**_GRANTED, "kms:GranteeServicePrincipal": "s3.amazonaws.com",
         "kms:RetiringServicePrincipal": "s3.amazonaws.com",
         "kms:GrantConstraintSourceArn": _BUCKET}),
    Row("ListGrants", {"KeyId": "@key"}, On.KEY, _FOR_NO_SERVICE),
    Row("RevokeGrant", {"KeyId": "@key", "GrantId": "@grant", "DryRun": True}, On.KEY,
        _FOR_NO_SERVICE),
    Row("RetireGrant", {"KeyId": "@key", "GrantId": "@grant", "DryRun": True}, On.KEY,
        {**_CONTEXT, "kms:GrantConstraintType": "EncryptionContextSubset"}),
    *_plain("ListRetirableGrants", On.ANYTHING, RetiringPrincipal="@account"),
    *_plain("ConnectCustomKeyStore DeleteCustomKeyStore DisconnectCustomKeyStore "
            "UpdateCustomKeyStore", On.ANYTHING, CustomKeyStoreId="cks-1234567890abcdef0"),
    *_plain("DescribeCustomKeyStores", On.ANYTHING),
    *_plain("CreateCustomKeyStore", On.ANYTHING, CustomKeyStoreName="hsm",
            CloudHsmClusterId="cluster-2a3b4c5d6e7", TrustAnchorCertificate="x",
            KeyStorePassword="password"),
)  # fmt: skip

WITHOUT_CALLER = frozenset({"GenerateRandom", "ListAliases", "ListKeys", "ListRetirableGrants"})
"""The KMS operations that have neither kms:CallerAccount nor kms:ViaService."""

_BOUNDARY: Keys = {"iam:PermissionsBoundary": "@policy"}
_ATTACHED: Keys = {"iam:PolicyARN": "@policy"}
_JO, _BARE, _DEVS = {"UserName": "jo"}, {"UserName": "bare"}, {"GroupName": "devs"}
_OPS, _BARE_ROLE = {"RoleName": "ops"}, {"RoleName": "bare"}
_PROFILE = {"InstanceProfileName": "web"}
_OIDC = {"OpenIDConnectProviderArn": "@provider"}
_SAML = {"SAMLProviderArn": "@saml provider"}
_NEW_SAML = {"Name": "new", "SAMLMetadataDocument": "x" * 1000}
_DEVICE = {"SerialNumber": "@device"}
_CODES = {"AuthenticationCode1": "000000", "AuthenticationCode2": "000000"}
_KMS = "mrk.kms.amazonaws.com"
_LINKED = f"aws-service-role/{_KMS}/AWSServiceRoleForKeyManagementServiceMultiRegionKeys"

_ID = "A" * 24
_PLACE = "o-0123456789/r-0123"
_CERTIFICATE, _REQUEST = {"ServerCertificateName": "www"}, {"DelegationRequestId": _ID}
_UPLOAD = {**_CERTIFICATE, "CertificateBody": "x", "PrivateKey": "x"}
_TEMPLATE = "arn:aws:iam::aws:role-template/s3.amazonaws.com/reader:1"
_DECLINED: tuple[Row, ...] = (
    *_plain("ListSSHPublicKeys ListServiceSpecificCredentials ListSigningCertificates", On.USER,
            **_JO),
    *_plain("ListServiceSpecificCredentials", On.ANYTHING, AllUsers=True),
    *_plain("CreateServiceSpecificCredential", On.USER, **_JO,
            ServiceName="codecommit.amazonaws.com"),
    *_plain("DeleteServiceSpecificCredential ResetServiceSpecificCredential", On.USER, **_JO,
            ServiceSpecificCredentialId=_ID),
    *_plain("UpdateServiceSpecificCredential", On.USER, **_JO, ServiceSpecificCredentialId=_ID,
            Status="Active"),
    *_plain("DeleteSigningCertificate", On.USER, **_JO, CertificateId=_ID),
    *_plain("UpdateSigningCertificate", On.USER, **_JO, CertificateId=_ID, Status="Active"),
    *_plain("UploadSigningCertificate", On.USER, **_JO, CertificateBody="x"),
    *_plain("DeleteSSHPublicKey", On.USER, **_JO, SSHPublicKeyId=_ID),
    *_plain("GetSSHPublicKey", On.USER, **_JO, SSHPublicKeyId=_ID, Encoding="SSH"),
    *_plain("UpdateSSHPublicKey", On.USER, **_JO, SSHPublicKeyId=_ID, Status="Active"),
    *_plain("UploadSSHPublicKey", On.USER, **_JO, SSHPublicKeyBody="x"),
    *_plain("DeleteServerCertificate GetServerCertificate ListServerCertificateTags "
            "UpdateServerCertificate", On.NO_SUCH_THING, **_CERTIFICATE),
    *_plain("UploadServerCertificate", On.NO_SUCH_THING, **_UPLOAD),
    *(Row("UploadServerCertificate", {**_UPLOAD, "Tags": [IAM_TAG]}, On.NO_SUCH_THING, _TAGGED,
          action) for action in ("", "TagServerCertificate")),
    Row("TagServerCertificate", {**_CERTIFICATE, "Tags": [IAM_TAG]}, On.NO_SUCH_THING, _TAGGED),
    Row("UntagServerCertificate", {**_CERTIFICATE, "TagKeys": ["Team"]}, On.NO_SUCH_THING,
        {"aws:TagKeys": ("Team",)}),
    *_plain("AcceptDelegationRequest AssociateDelegationRequest GetDelegationRequest "
            "RejectDelegationRequest SendDelegationToken UpdateDelegationRequest",
            On.NO_SUCH_THING, **_REQUEST),
    *_plain("CreateDelegationRequest", On.ANYTHING, Description="x",
            Permissions={"PolicyTemplateArn": "arn:aws:iam::aws:policy-template/x"},
            RequestorWorkflowId="workflow", NotificationChannel="topic", SessionDuration=900),
    *_plain("GetHumanReadableSummary", On.NO_SUCH_THING,
            EntityArn="@delegation request"),
    *_plain("AcquireRole GetRoleTemplateVersion", On.NO_SUCH_THING, TemplateArn=_TEMPLATE),
    *_plain("DisableOutboundWebIdentityFederation EnableOutboundWebIdentityFederation "
            "GetOutboundWebIdentityFederationInfo ListDelegationRequests "
            "ListServerCertificates", On.ANYTHING),
)  # fmt: skip

IAM: tuple[Row, ...] = (
    Row("CreateUser", {"UserName": "new"}, On.NEW_USER),
    Row("CreateUser", {"UserName": "new", "PermissionsBoundary": "@policy", "Tags": [IAM_TAG]},
        On.NEW_USER, {**_BOUNDARY, **_TAGGED}),
    Row("CreateUser", {"UserName": "new", "PermissionsBoundary": "@policy", "Tags": [IAM_TAG]},
        On.NEW_USER, _TAGGED, "TagUser"),
    Row("CreatePolicy", {"PolicyName": "new", "PolicyDocument": DOCUMENT}, On.NEW_POLICY),
    Row("CreatePolicy", {"PolicyName": "new", "PolicyDocument": DOCUMENT, "Tags": [IAM_TAG]},
        On.NEW_POLICY, _TAGGED),
    Row("CreatePolicy", {"PolicyName": "new", "PolicyDocument": DOCUMENT, "Tags": [IAM_TAG]},
        On.NEW_POLICY, _TAGGED, "TagPolicy"),
    Row("PutUserPermissionsBoundary", {**_BARE, "PermissionsBoundary": "@policy"}, On.BARE_USER,
        _BOUNDARY),
    Row("DeleteUserPermissionsBoundary", _JO, On.USER, _BOUNDARY),
    Row("DeleteUserPermissionsBoundary", _BARE, On.BARE_USER),
    *(Row(operation, {**_JO, "PolicyArn": "@policy"}, On.USER, {**_ATTACHED, **_BOUNDARY})
      for operation in ("AttachUserPolicy", "DetachUserPolicy")),
    *(Row(operation, {**_BARE, "PolicyArn": "@policy"}, On.BARE_USER, _ATTACHED)
      for operation in ("AttachUserPolicy", "DetachUserPolicy")),
    *(Row(operation, {**_DEVS, "PolicyArn": "@policy"}, On.GROUP, _ATTACHED)
      for operation in ("AttachGroupPolicy", "DetachGroupPolicy")),
    Row("PutUserPolicy", {**_JO, "PolicyName": "p", "PolicyDocument": DOCUMENT}, On.USER,
        _BOUNDARY),
    Row("DeleteUserPolicy", {**_JO, "PolicyName": "p"}, On.USER, _BOUNDARY),
    Row("CreateRole", {"RoleName": "new", "AssumeRolePolicyDocument": TRUST}, On.NEW_ROLE),
    *(Row("CreateRole", {"RoleName": "new", "AssumeRolePolicyDocument": TRUST,
                         "PermissionsBoundary": "@policy", "Tags": [IAM_TAG]}, On.NEW_ROLE,
          {**keys, **_TAGGED}, action)
      for keys, action in ((_BOUNDARY, ""), (_NONE, "TagRole"))),
    Row("CreateServiceLinkedRole", {"AWSServiceName": _KMS}, On.NEW_ROLE,
        {"iam:AWSServiceName": _KMS}),
    *_plain("GetServiceLinkedRoleDeletionStatus", On.NEW_ROLE,
            DeletionTaskId=f"task/{_LINKED}/01234567-89ab-cdef-0123-456789abcdef"),
    *(Row(operation, {**named, **more}, on, {**keys, **own})
      for named, on, own in ((_OPS, On.ROLE, _BOUNDARY), (_BARE_ROLE, On.BARE_ROLE, _NONE))
      for operation, more, keys in (
          ("GetRole", {}, _NONE),
          ("UpdateRole", {"Description": "x"}, _NONE),
          ("UpdateRoleDescription", {"Description": "x"}, _NONE),
          ("UpdateAssumeRolePolicy", {"PolicyDocument": TRUST}, _NONE),
          ("DeleteRole", {}, _NONE),
          ("DeleteRolePermissionsBoundary", {}, _NONE),
          ("AttachRolePolicy", {"PolicyArn": "@policy"}, _ATTACHED),
          ("DetachRolePolicy", {"PolicyArn": "@policy"}, _ATTACHED),
          ("PutRolePolicy", {"PolicyName": "p", "PolicyDocument": DOCUMENT}, _NONE),
          ("DeleteRolePolicy", {"PolicyName": "p"}, _NONE),
      )),
    Row("PutRolePermissionsBoundary", {**_BARE_ROLE, "PermissionsBoundary": "@policy"},
        On.BARE_ROLE, _BOUNDARY),
    *_plain("ListAttachedRolePolicies ListInstanceProfilesForRole ListRolePolicies ListRoleTags "
            "DeleteServiceLinkedRole", On.ROLE, **_OPS),
    *_plain("GetRolePolicy", On.ROLE, **_OPS, PolicyName="p"),
    *(Row(f"Tag{kind}", {**named, "Tags": [IAM_TAG]}, on, _TAGGED)
      for kind, named, on in (("Role", _OPS, On.ROLE), ("InstanceProfile", _PROFILE, On.PROFILE))),
    *(Row(f"Untag{kind}", {**named, "TagKeys": ["Team"]}, on, {"aws:TagKeys": ("Team",)})
      for kind, named, on in (("Role", _OPS, On.ROLE), ("InstanceProfile", _PROFILE, On.PROFILE))),
    Row("CreateInstanceProfile", {"InstanceProfileName": "new"}, On.NEW_PROFILE),
    *(Row("CreateInstanceProfile", {"InstanceProfileName": "new", "Tags": [IAM_TAG]},
          On.NEW_PROFILE, _TAGGED, action) for action in ("", "TagInstanceProfile")),
    *_plain("DeleteInstanceProfile GetInstanceProfile ListInstanceProfileTags", On.PROFILE,
            **_PROFILE),
    Row("CreateOpenIDConnectProvider", {"Url": "https://new.example"}, On.NEW_OIDC),
    *(Row("CreateOpenIDConnectProvider", {"Url": "https://new.example", "Tags": [IAM_TAG]},
          On.NEW_OIDC, _TAGGED, action) for action in ("", "TagOpenIDConnectProvider")),
    *_plain("DeleteOpenIDConnectProvider GetOpenIDConnectProvider ListOpenIDConnectProviderTags",
            On.OIDC, **_OIDC),
    *_plain("AddClientIDToOpenIDConnectProvider RemoveClientIDFromOpenIDConnectProvider", On.OIDC,
            **_OIDC, ClientID="app"),
    *_plain("UpdateOpenIDConnectProviderThumbprint", On.OIDC, **_OIDC, ThumbprintList=["a" * 40]),
    *_plain("UpdateOpenIDConnectProvider", On.OIDC, **_OIDC),
    Row("TagOpenIDConnectProvider", {**_OIDC, "Tags": [IAM_TAG]}, On.OIDC, _TAGGED),
    Row("UntagOpenIDConnectProvider", {**_OIDC, "TagKeys": ["Team"]}, On.OIDC,
        {"aws:TagKeys": ("Team",)}),
    Row("CreateSAMLProvider", _NEW_SAML, On.NEW_SAML),
    *(Row("CreateSAMLProvider", {**_NEW_SAML, "Tags": [IAM_TAG]}, On.NEW_SAML, _TAGGED, action)
      for action in ("", "TagSAMLProvider")),
    *_plain("DeleteSAMLProvider GetSAMLProvider ListSAMLProviderTags UpdateSAMLProvider", On.SAML,
            **_SAML),
    Row("TagSAMLProvider", {**_SAML, "Tags": [IAM_TAG]}, On.SAML, _TAGGED),
    Row("UntagSAMLProvider", {**_SAML, "TagKeys": ["Team"]}, On.SAML, {"aws:TagKeys": ("Team",)}),
    Row("CreateVirtualMFADevice", {"VirtualMFADeviceName": "new"}, On.NEW_DEVICE),
    *(Row("CreateVirtualMFADevice", {"VirtualMFADeviceName": "new", "Tags": [IAM_TAG]},
          On.NEW_DEVICE, _TAGGED, action) for action in ("", "TagMFADevice")),
    *_plain("DeleteVirtualMFADevice ListMFADeviceTags", On.DEVICE, **_DEVICE),
    Row("TagMFADevice", {**_DEVICE, "Tags": [IAM_TAG]}, On.DEVICE, _TAGGED),
    Row("UntagMFADevice", {**_DEVICE, "TagKeys": ["Team"]}, On.DEVICE, {"aws:TagKeys": ("Team",)}),
    *_plain("DeactivateMFADevice GetMFADevice", On.USER, **_JO, **_DEVICE),
    *_plain("EnableMFADevice ResyncMFADevice", On.USER, **_JO, **_DEVICE, **_CODES),
    *_plain("AddRoleToInstanceProfile RemoveRoleFromInstanceProfile", On.PROFILE,
            **_PROFILE, **_OPS),
    Row("AddRoleToInstanceProfile", {**_PROFILE, **_OPS}, On.ROLE,
        {"iam:PassedToService": "ec2.amazonaws.com"}, "PassRole"),
    Row("TagUser", {**_JO, "Tags": [IAM_TAG]}, On.USER, _TAGGED),
    Row("UntagUser", {**_JO, "TagKeys": ["Team"]}, On.USER, {"aws:TagKeys": ("Team",)}),
    Row("TagPolicy", {"PolicyArn": "@policy", "Tags": [IAM_TAG]}, On.POLICY, _TAGGED),
    Row("UntagPolicy", {"PolicyArn": "@policy", "TagKeys": ["Team"]}, On.POLICY,
        {"aws:TagKeys": ("Team",)}),
    *_plain("CreateAccessKey CreateLoginProfile DeleteLoginProfile DeleteUser GetLoginProfile "
            "GetUser ListAccessKeys ListAttachedUserPolicies ListGroupsForUser ListMFADevices "
            "ListUserPolicies ListUserTags UpdateLoginProfile UpdateUser", On.USER, **_JO),
    *_plain("ChangePassword", On.CALLER, OldPassword="x", NewPassword="x"),
    *_plain("GetUser UpdateUser", On.BARE_USER, **_BARE),
    *_plain("GetUserPolicy", On.USER, **_JO, PolicyName="p"),
    *_plain("DeleteAccessKey", On.USER, **_JO, AccessKeyId="@access key"),
    *_plain("UpdateAccessKey", On.USER, **_JO, AccessKeyId="@access key", Status="Inactive"),
    *_plain("GetAccessKeyLastUsed", On.USER, AccessKeyId="@access key"),
    *_plain("GetContextKeysForPrincipalPolicy", On.USER, PolicySourceArn="@user"),
    *_plain("SimulatePrincipalPolicy", On.USER, PolicySourceArn="@user",
            ActionNames=["kms:Encrypt"]),
    *_plain("CreateGroup", On.GROUP, GroupName="new"),
    *_plain("DeleteGroup GetGroup ListAttachedGroupPolicies ListGroupPolicies UpdateGroup",
            On.GROUP, **_DEVS),
    *_plain("AddUserToGroup RemoveUserFromGroup", On.GROUP, **_DEVS, **_JO),
    *_plain("DeleteGroupPolicy GetGroupPolicy", On.GROUP, **_DEVS, PolicyName="p"),
    *_plain("PutGroupPolicy", On.GROUP, **_DEVS, PolicyName="p", PolicyDocument=DOCUMENT),
    *_plain("DeletePolicy GetPolicy ListEntitiesForPolicy ListPolicyTags ListPolicyVersions",
            On.POLICY, PolicyArn="@policy"),
    *_plain("CreatePolicyVersion", On.POLICY, PolicyArn="@policy", PolicyDocument=DOCUMENT),
    *_plain("DeletePolicyVersion GetPolicyVersion SetDefaultPolicyVersion", On.POLICY,
            PolicyArn="@policy", VersionId="v1"),
    *_plain("CreateAccountAlias DeleteAccountAlias", On.ANYTHING, AccountAlias="acme"),
    *_plain("DeleteAccountPasswordPolicy GetAccountPasswordPolicy UpdateAccountPasswordPolicy",
            On.ANYTHING),
    *_plain("DisableOrganizationsRootCredentialsManagement DisableOrganizationsRootSessions "
            "EnableOrganizationsRootCredentialsManagement EnableOrganizationsRootSessions "
            "ListOrganizationsFeatures", On.ANYTHING),
    *_plain("GetAccountAuthorizationDetails GetAccountSummary ListAccountAliases ListGroups "
            "ListInstanceProfiles ListOpenIDConnectProviders ListPolicies ListRoles "
            "ListSAMLProviders ListUsers "
            "ListVirtualMFADevices",
            On.ANYTHING),
    Row("GenerateOrganizationsAccessReport", {"EntityPath": _PLACE}, On.NO_SUCH_THING),
    Row("GenerateOrganizationsAccessReport",
        {"EntityPath": _PLACE, "OrganizationsPolicyId": "p-FullAWSAccess"}, On.NO_SUCH_THING,
        {"iam:OrganizationsPolicyId": "p-FullAWSAccess"}),
    *_plain("GetOrganizationsAccessReport", On.ANYTHING, JobId="0" * 36),
    *_plain("GenerateServiceLastAccessedDetails", On.USER, Arn="@user"),
    *_plain("GetServiceLastAccessedDetails", On.ANYTHING, JobId="0" * 36),
    *_plain("GetServiceLastAccessedDetailsWithEntities", On.ANYTHING, JobId="0" * 36,
            ServiceNamespace="kms"),
    *_plain("ListPoliciesGrantingServiceAccess", On.USER, Arn="@user", ServiceNamespaces=["kms"]),
    *_plain("GenerateCredentialReport GetAccountProperties GetCredentialReport", On.ANYTHING),
    Row("PutAccountProperties", {"Properties": {"B/x": "1", "A/y": "2"}}, On.ANYTHING,
        {"iam:AccountPropertyNamespaces": ("A", "B")}),
    *_plain("SetSecurityTokenServicePreferences", On.ANYTHING,
            GlobalEndpointTokenVersion="v1Token"),
    *_plain("GetContextKeysForCustomPolicy", On.ANYTHING, PolicyInputList=[DOCUMENT]),
    *_plain("SimulateCustomPolicy", On.ANYTHING, PolicyInputList=[DOCUMENT],
            ActionNames=["kms:Encrypt"]),
    *_DECLINED,
)  # fmt: skip

_ASSUME: Keys = {"sts:RoleSessionName": "me"}
_FULL = {
    "RoleArn": "@role", "RoleSessionName": "me", "ExternalId": "e-1", "SourceIdentity": "jo",
    "Tags": [IAM_TAG], "TransitiveTagKeys": ["Cost"],
}  # fmt: skip
_FULL_KEYS: Keys = {
    **_ASSUME, **_TAGGED,
    "sts:ExternalId": "e-1", "sts:SourceIdentity": "jo", "sts:TransitiveTagKeys": ("Cost",),
}  # fmt: skip

_TASK = "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"

_TOKEN = {"Audience": ["https://example.com"], "SigningAlgorithm": "RS256"}

STS: tuple[Row, ...] = (
    *_plain("GetDelegatedAccessToken", On.ANYTHING, TradeInToken="x"),
    *_plain("GetWebIdentityToken", On.ANYTHING, **_TOKEN),
    *(
        Row("GetWebIdentityToken", {**_TOKEN, "Tags": [IAM_TAG]}, On.ANYTHING, _TAGGED, action)
        for action in ("", "TagGetWebIdentityToken")
    ),
    Row("AssumeRole", {"RoleArn": "@role", "RoleSessionName": "me"}, On.ROLE, _ASSUME),
    Row("AssumeRole", _FULL, On.ROLE, _FULL_KEYS),
    Row("AssumeRole", _FULL, On.ROLE, _FULL_KEYS, "TagSession"),
    Row("AssumeRole", _FULL, On.ROLE, _FULL_KEYS, "SetSourceIdentity"),
    Row(
        "AssumeRoot",
        {"TargetPrincipal": "@root account", "TaskPolicyArn": {"arn": _TASK}},
        On.ROOT_USER,
        {"sts:TaskPolicyArn": _TASK},
    ),
    *_plain("DecodeAuthorizationMessage", On.ANYTHING, EncodedMessage="x"),
    *_plain("GetAccessKeyInfo", On.ANYTHING, AccessKeyId="AKIAIOSFODNN7EXAMPLE"),
    *_plain("GetFederationToken", On.FEDERATED_USER, Name="jim"),
    *_plain("GetScopedCredentials", On.ANYTHING, DurationSeconds=60),
    Row("GetFederationToken", {"Name": "jim", "Tags": [IAM_TAG]}, On.FEDERATED_USER, _TAGGED),
    Row(
        "GetFederationToken",
        {"Name": "jim", "Tags": [IAM_TAG]},
        On.FEDERATED_USER,
        _TAGGED,
        "TagSession",
    ),
)

ANALYZER: tuple[Row, ...] = tuple(
    _plain("ValidatePolicy", On.ANYTHING, policyDocument=DOCUMENT, policyType="IDENTITY_POLICY")
)

CLOUDTRAIL: tuple[Row, ...] = tuple(_plain("ListPublicKeys LookupEvents", On.ANYTHING))

_TO_EC2: Keys = {"iam:PassedToService": "ec2.amazonaws.com"}
_APP: Keys = {"ec2:NewInstanceProfile": "@app"}
_ASSOCIATE = {"IamInstanceProfile": {"Name": "app"}, "InstanceId": "@instance"}
_REPLACE = {"IamInstanceProfile": {"Name": "app"}, "AssociationId": "@association"}

_KMS_SERVICE = "com.amazonaws.eu-central-1.kms"
_NEW_ENDPOINT = {
    "VpcEndpointType": "Interface", "VpcId": "vpc-0123456789abcdef0", "ServiceName": _KMS_SERVICE,
}  # fmt: skip
_PARTS_OF_ENDPOINT = {
    "SubnetIds": ["subnet-0123456789abcdef0"], "SecurityGroupIds": ["sg-0123456789abcdef0"],
}  # fmt: skip
_FULL_ENDPOINT = {
    **_NEW_ENDPOINT, **_PARTS_OF_ENDPOINT,
    "TagSpecifications": [{"ResourceType": "vpc-endpoint", "Tags": [IAM_TAG]}],
    "DnsOptions": {
        "PrivateDnsPreference": "SPECIFIED_DOMAINS_ONLY",
        "PrivateDnsSpecifiedDomains": ["a.example"],
    },
}  # fmt: skip
_OF_SERVICE_BEHIND: Keys = {
    "ec2:VpceServiceName": _KMS_SERVICE, "ec2:VpceServiceRegion": "eu-central-1",
    "ec2:VpceMultiRegion": "false",
}  # fmt: skip
_NEW_BEHIND: Keys = {**_REGION, **_OF_SERVICE_BEHIND, "ec2:VpceServiceOwner": "amazon"}
_FULL_BEHIND: Keys = {
    **_NEW_BEHIND, **_TAGGED, "ec2:VpcePrivateDnsPreference": "SPECIFIED_DOMAINS_ONLY",
    "ec2:VpcePrivateDnsSpecifiedDomains": ("a.example",),
}  # fmt: skip
_CHANGED_PARTS = {
    "AddSubnetIds": _PARTS_OF_ENDPOINT["SubnetIds"],
    "RemoveSecurityGroupIds": _PARTS_OF_ENDPOINT["SecurityGroupIds"],
}  # fmt: skip
_IN_VPC: Keys = {**_REGION, "ec2:Vpc": "@vpc arn"}
_BEHIND_REGION: Keys = {
    **_REGION, "ec2:VpceServiceRegion": "eu-central-1", "ec2:VpceMultiRegion": "false",
}  # fmt: skip
_OF_IAM = {
    "VpcEndpointType": "Interface", "VpcId": "vpc-0123456789abcdef0",
    "ServiceName": "com.amazonaws.iam", "ServiceRegion": "us-east-1",
}  # fmt: skip
_IAM_BEHIND: Keys = {
    **_REGION, "ec2:VpceServiceName": "com.amazonaws.iam", "ec2:VpceServiceRegion": "us-east-1",
    "ec2:VpceServiceOwner": "amazon", "ec2:VpceMultiRegion": "true",
}  # fmt: skip

EC2: tuple[Row, ...] = (
    *(Row(f"Describe{name}", {}, On.ANYTHING, _REGION)
      for name in ("PrefixLists", "Tags", "VpcEndpointServices", "VpcEndpoints")),
    Row("CreateVpcEndpoint", _NEW_ENDPOINT, On.VPC, _REGION),
    Row("CreateVpcEndpoint", _NEW_ENDPOINT, On.NEW_ENDPOINT, _NEW_BEHIND),
    Row("CreateVpcEndpoint", _OF_IAM, On.NEW_ENDPOINT, _IAM_BEHIND),
    Row("CreateVpcEndpoint", _OF_IAM, On.NEW_ENDPOINT, {}, "vpce:AllowMultiRegion"),
    Row("CreateVpcEndpoint", _FULL_ENDPOINT, On.VPC, _REGION),
    Row("CreateVpcEndpoint", _FULL_ENDPOINT, On.NEW_ENDPOINT, _FULL_BEHIND),
    Row("CreateVpcEndpoint", _FULL_ENDPOINT, On.SUBNET, _REGION),
    Row("CreateVpcEndpoint", _FULL_ENDPOINT, On.SECURITY_GROUP, _REGION),
    Row("CreateVpcEndpoint", _FULL_ENDPOINT, On.NEW_ENDPOINT,
        {**_REGION, **_TAGGED, "ec2:CreateAction": "CreateVpcEndpoint"}, "CreateTags"),
    Row("ModifyVpcEndpoint", {"VpcEndpointId": "@endpoint"}, On.ENDPOINT, _BEHIND_REGION),
    Row("ModifyVpcEndpoint", {"VpcEndpointId": "@elsewhere"}, On.ENDPOINT,
        {**_REGION, "ec2:VpceServiceRegion": "us-east-1", "ec2:VpceMultiRegion": "true"}),
    Row("ModifyVpcEndpoint", {"VpcEndpointId": "@elsewhere"}, On.ENDPOINT, {},
        "vpce:AllowMultiRegion"),
    Row("ModifyVpcEndpoint", {"VpcEndpointId": "@endpoint", **_CHANGED_PARTS}, On.ENDPOINT,
        {**_BEHIND_REGION, "ec2:Attribute": "AddSubnetId"}),
    Row("ModifyVpcEndpoint", {"VpcEndpointId": "@endpoint", "PrivateDnsEnabled": True}, On.ENDPOINT,
        {**_BEHIND_REGION, "ec2:Attribute": "PrivateDnsEnabled",
         "ec2:Attribute/PrivateDnsEnabled": "true"}),
    Row("ModifyVpcEndpoint", {"VpcEndpointId": "@endpoint", **_CHANGED_PARTS}, On.SUBNET, _IN_VPC),
    Row("ModifyVpcEndpoint", {"VpcEndpointId": "@endpoint", **_CHANGED_PARTS}, On.SECURITY_GROUP,
        _IN_VPC),
    Row("DeleteVpcEndpoints", {"VpcEndpointIds": ["@endpoint"]}, On.ENDPOINT,
        {**_REGION, **_OF_SERVICE_BEHIND}),
    Row("CreateTags", {"Resources": ["@endpoint"], "Tags": [IAM_TAG]}, On.ENDPOINT,
        {**_REGION, **_TAGGED}),
    Row("DeleteTags", {"Resources": ["@endpoint"], "Tags": [IAM_TAG]}, On.ENDPOINT,
        {**_REGION, **_TAGGED}),
    Row("DeleteTags", {"Resources": ["@endpoint"]}, On.ENDPOINT,
        {**_REGION, "aws:TagKeys": ("Team",)}),
    *(Row(operation, {}, On.ANYTHING, _REGION)
      for operation in ("DescribeInstances",
                        "DescribeIamInstanceProfileAssociations")),
    Row("AssociateIamInstanceProfile", _ASSOCIATE, On.INSTANCE, _APP),
    Row("AssociateIamInstanceProfile", _ASSOCIATE, On.ROLE,
        {**_TO_EC2, "iam:AssociatedResourceArn": "@instance arn"}, "iam:PassRole"),
    Row("ReplaceIamInstanceProfileAssociation", _REPLACE, On.HELD_INSTANCE, _APP),
    Row("ReplaceIamInstanceProfileAssociation", _REPLACE, On.ROLE,
        {**_TO_EC2, "iam:AssociatedResourceArn": "@held arn"}, "iam:PassRole"),
    Row("DisassociateIamInstanceProfile", {"AssociationId": "@association"}, On.HELD_INSTANCE),
    Row("ModifyInstanceMetadataOptions", {"InstanceId": "@instance"}, On.INSTANCE),
    Row("ModifyInstanceMetadataOptions",
        {"InstanceId": "@instance", "HttpTokens": "required", "HttpPutResponseHopLimit": 2},
        On.INSTANCE,
        {"ec2:Attribute": "HttpPutResponseHopLimit",
         "ec2:Attribute/HttpPutResponseHopLimit": "2", "ec2:Attribute/HttpTokens": "required"}),
    Row("GetInstanceMetadataDefaults", {}, On.ANYTHING, _REGION),
    Row("ModifyInstanceMetadataDefaults",
        {"HttpTokens": "required", "HttpPutResponseHopLimit": -1, "HttpEndpoint": "enabled",
         "InstanceMetadataTags": "disabled", "HttpTokensEnforced": "enabled"},
        On.ANYTHING,
        {**_REGION, "ec2:Attribute/HttpTokens": "required",
         "ec2:Attribute/HttpPutResponseHopLimit": "-1", "ec2:Attribute/HttpEndpoint": "enabled",
         "ec2:Attribute/InstanceMetadataTags": "disabled",
         "ec2:Attribute/HttpTokensEnforced": "enabled"}),
)  # fmt: skip

INSTANCES: tuple[Row, ...] = (
    Row("CreateEnrolmentToken", {"InstanceId": "@held"}, On.NEW_AGENT),
    Row(
        "CreateEnrolmentToken",
        {"InstanceId": "@held"},
        On.ROLE,
        {**_TO_EC2, "iam:AssociatedResourceArn": "@held arn"},
        "iam:PassRole",
    ),
)

_ANYWHERE_TAG = [{"key": "Cost", "value": "7"}]
_TO_ANYWHERE: Keys = {"iam:PassedToService": "rolesanywhere.amazonaws.com"}
_BUNDLE = {"x509CertificateData": "@bundle"}
_NEW_ANCHOR = {
    "name": "x", "source": {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": _BUNDLE},
}  # fmt: skip
_NEW_ANYWHERE_PROFILE = {"name": "x", "roleArns": ["@role"]}
_ANCHOR, _ANYWHERE_PROFILE = {"trustAnchorId": "@anchor"}, {"profileId": "@profile"}
_NEW_CRL = {"name": "x", "crlData": b"x", "trustAnchorArn": "@anchor arn"}

ANYWHERE: tuple[Row, ...] = (
    *(Row(f"List{name}", {}, On.ANYTHING)
      for name in ("Crls", "Profiles", "Subjects", "TrustAnchors")),
    Row("CreateTrustAnchor", _NEW_ANCHOR, On.ANYTHING),
    Row("CreateTrustAnchor", {**_NEW_ANCHOR, "tags": _ANYWHERE_TAG}, On.ANYTHING, _TAGGED),
    *(Row(f"{verb}TrustAnchor", _ANCHOR, On.TRUST_ANCHOR)
      for verb in ("Get", "Update", "Enable", "Disable", "Delete")),
    Row("PutNotificationSettings", {**_ANCHOR, "notificationSettings": []}, On.TRUST_ANCHOR),
    Row("ResetNotificationSettings", {**_ANCHOR, "notificationSettingKeys": []}, On.TRUST_ANCHOR),
    Row("CreateProfile", _NEW_ANYWHERE_PROFILE, On.ANYTHING),
    Row("CreateProfile", {**_NEW_ANYWHERE_PROFILE, "tags": _ANYWHERE_TAG}, On.ANYTHING, _TAGGED),
    *(Row("CreateProfile", asked, On.ROLE, _TO_ANYWHERE, "iam:PassRole")
      for asked in (_NEW_ANYWHERE_PROFILE, {**_NEW_ANYWHERE_PROFILE, "tags": _ANYWHERE_TAG})),
    *(Row(f"{verb}Profile", _ANYWHERE_PROFILE, On.ANYWHERE_PROFILE)
      for verb in ("Get", "Update", "Enable", "Disable", "Delete")),
    *(Row(name, _ANYWHERE_PROFILE, On.ROLE, _TO_ANYWHERE, "iam:PassRole")
      for name in ("UpdateProfile", "EnableProfile")),
    Row("PutAttributeMapping", {**_ANYWHERE_PROFILE, "certificateField": "x509Subject",
                                "mappingRules": []}, On.ANYWHERE_PROFILE),
    Row("DeleteAttributeMapping", {**_ANYWHERE_PROFILE, "certificateField": "x509Subject"},
        On.ANYWHERE_PROFILE),
    Row("ImportCrl", _NEW_CRL, On.ANYTHING),
    Row("ImportCrl", {**_NEW_CRL, "tags": _ANYWHERE_TAG}, On.ANYTHING, _TAGGED),
    *(Row(f"{verb}Crl", {"crlId": "@crl"}, On.CRL)
      for verb in ("Get", "Update", "Enable", "Disable", "Delete")),
    Row("GetSubject", {"subjectId": "00000000-0000-4000-8000-000000000000"}, On.SUBJECT),
    Row("ListTagsForResource", {"resourceArn": "@anchor arn"}, On.ANYTHING),
    Row("TagResource", {"resourceArn": "@anchor arn", "tags": _ANYWHERE_TAG}, On.TRUST_ANCHOR,
        _TAGGED),
    Row("UntagResource", {"resourceArn": "@anchor arn", "tagKeys": ["Cost"]}, On.TRUST_ANCHOR,
        {"aws:TagKeys": ("Cost",)}),
)  # fmt: skip

_ACCOUNT, _UNIT = {"AccountId": "@member"}, {"OrganizationalUnitId": "@unit"}
_NEW_ACCOUNT = {"Email": "new@example.com", "AccountName": "new"}
_NEW_UNIT = {"ParentId": "@unit", "Name": "new"}
_MOVE = {**_ACCOUNT, "SourceParentId": "@unit", "DestinationParentId": "@root"}

_SCP_TYPE = {"PolicyType": "SERVICE_CONTROL_POLICY"}
_SCP: Keys = {"organizations:PolicyType": "SERVICE_CONTROL_POLICY"}
_NEW_SCP = {"Content": DOCUMENT, "Description": "", "Name": "new", "Type": _SCP_TYPE["PolicyType"]}

_SERVICE = {"ServicePrincipal": "sso.amazonaws.com"}
_OF_SERVICE: Keys = {"organizations:ServicePrincipal": "sso.amazonaws.com"}
_TAGGABLE: tuple[tuple[str, On, Keys], ...] = (
    ("@root", On.ROOT, _NONE), ("@unit", On.UNIT, _NONE), ("@member", On.MEMBER, _NONE),
    ("@scp", On.SCP, _SCP), ("@delegation", On.DELEGATION, _NONE),
)  # fmt: skip

_TRANSFER = {"Id": "rt-0123456789"}
_TRANSFERS = {"Type": "BILLING"}
_NEW_TRANSFER = {
    **_TRANSFERS, "Target": {"Id": "a@example.com", "Type": "EMAIL"}, "SourceName": "x",
    "StartTimestamp": "2027-01-01T00:00:00Z",
}  # fmt: skip
_EFFECTIVE = {"PolicyType": "TAG_POLICY"}
_DECLINED_ORGANIZATIONS: tuple[Row, ...] = (
    Row("CreateGovCloudAccount", _NEW_ACCOUNT, On.ANYTHING),
    *(Row("CreateGovCloudAccount", {**_NEW_ACCOUNT, "Tags": [IAM_TAG]}, On.ANYTHING, _TAGGED,
          action) for action in ("", "TagResource")),
    *_plain("DescribeEffectivePolicy", On.MEMBER, **_EFFECTIVE, TargetId="@member"),
    *_plain("ListEffectivePolicyValidationErrors", On.MEMBER, **_EFFECTIVE, **_ACCOUNT),
    *_plain("ListAccountsWithInvalidEffectivePolicy", On.ANYTHING, **_EFFECTIVE),
    *_plain("DescribeResponsibilityTransfer TerminateResponsibilityTransfer", On.ANYTHING,
            **_TRANSFER),
    *_plain("UpdateResponsibilityTransfer", On.ANYTHING, **_TRANSFER, Name="x"),
    *_plain("ListInboundResponsibilityTransfers ListOutboundResponsibilityTransfers",
            On.ANYTHING, **_TRANSFERS),
    Row("InviteOrganizationToTransferResponsibility", _NEW_TRANSFER, On.ANYTHING),
    *(Row("InviteOrganizationToTransferResponsibility", {**_NEW_TRANSFER, "Tags": [IAM_TAG]},
          On.ANYTHING, _TAGGED, action) for action in ("", "TagResource")),
)  # fmt: skip

ORGANIZATIONS: tuple[Row, ...] = (
    *_plain("CreateOrganization DeleteOrganization DescribeOrganization LeaveOrganization "
            "ListAccounts ListCreateAccountStatus ListRoots", On.ANYTHING),
    Row("CreateAccount", _NEW_ACCOUNT, On.ANYTHING),
    Row("CreateAccount", {**_NEW_ACCOUNT, "Tags": [IAM_TAG]}, On.ANYTHING, _TAGGED),
    Row("CreateAccount", {**_NEW_ACCOUNT, "Tags": [IAM_TAG]}, On.NEW_PART, _TAGGED, "TagResource"),
    *_plain("DeleteResourcePolicy DescribeResourcePolicy", On.DELEGATION),
    Row("PutResourcePolicy", {"Content": DOCUMENT}, On.DELEGATION),
    *(Row("PutResourcePolicy", {"Content": DOCUMENT, "Tags": [IAM_TAG]}, on, _TAGGED, action)
      for on, action in ((On.DELEGATION, ""), (On.NEW_PART, "TagResource"))),
    *_plain("EnableAllFeatures", On.ANYTHING),
    *_DECLINED_ORGANIZATIONS,
    *_plain("DescribeCreateAccountStatus", On.ANYTHING, CreateAccountRequestId="car-0123456789"),
    *_plain("CloseAccount DescribeAccount RemoveAccountFromOrganization", On.MEMBER, **_ACCOUNT),
    *(Row("MoveAccount", _MOVE, on) for on in (On.MEMBER, On.UNIT, On.ROOT)),
    Row("CreateOrganizationalUnit", {**_NEW_UNIT, "ParentId": "@root"}, On.ROOT),
    Row("CreateOrganizationalUnit", {**_NEW_UNIT, "Tags": [IAM_TAG]}, On.UNIT, _TAGGED),
    Row("CreateOrganizationalUnit", {**_NEW_UNIT, "Tags": [IAM_TAG]}, On.NEW_PART, _TAGGED,
        "TagResource"),
    *_plain("DeleteOrganizationalUnit DescribeOrganizationalUnit UpdateOrganizationalUnit",
            On.UNIT, **_UNIT),
    *_plain("ListAccountsForParent ListOrganizationalUnitsForParent", On.UNIT, ParentId="@unit"),
    *_plain("ListChildren", On.ROOT, ParentId="@root", ChildType="ACCOUNT"),
    *_plain("ListParents", On.MEMBER, ChildId="@member"),
    *_plain("ListParents", On.UNIT, ChildId="@unit"),
    *(Row(operation, {"RootId": "@root", **_SCP_TYPE}, On.ROOT, _SCP)
      for operation in ("EnablePolicyType", "DisablePolicyType")),
    Row("CreatePolicy", _NEW_SCP, On.ANYTHING, _SCP),
    Row("CreatePolicy", {**_NEW_SCP, "Tags": [IAM_TAG]}, On.ANYTHING, {**_SCP, **_TAGGED}),
    Row("CreatePolicy", {**_NEW_SCP, "Tags": [IAM_TAG]}, On.NEW_PART, {**_SCP, **_TAGGED},
        "TagResource"),
    *(Row(operation, {"PolicyId": "@scp"}, On.SCP, _SCP)
      for operation in ("DeletePolicy", "DescribePolicy", "ListTargetsForPolicy", "UpdatePolicy")),
    Row("ListPolicies", {"Filter": _SCP_TYPE["PolicyType"]}, On.ANYTHING, _SCP),
    Row("ListPoliciesForTarget", {"Filter": _SCP_TYPE["PolicyType"], "TargetId": "@member"},
        On.MEMBER, _SCP),
    *(Row(operation, _SERVICE, On.ANYTHING, _OF_SERVICE)
      for operation in ("EnableAWSServiceAccess", "DisableAWSServiceAccess",
                        "ListDelegatedAdministrators")),
    *_plain("ListAWSServiceAccessForOrganization ListDelegatedAdministrators", On.ANYTHING),
    *(Row(operation, {**_ACCOUNT, **_SERVICE}, On.MEMBER, _OF_SERVICE)
      for operation in ("RegisterDelegatedAdministrator", "DeregisterDelegatedAdministrator")),
    *_plain("AcceptHandshake CancelHandshake DeclineHandshake DescribeHandshake", On.ANYTHING,
            HandshakeId="h-0123456789"),
    *_plain("ListHandshakesForAccount ListHandshakesForOrganization", On.ANYTHING),
    Row("InviteAccountToOrganization", {"Target": {"Id": "@member", "Type": "ACCOUNT"}}, On.MEMBER),
    *(Row("InviteAccountToOrganization",
          {"Target": {"Id": "111111111111", "Type": "ACCOUNT"}, "Tags": [IAM_TAG]}, On.NEW_PART,
          _TAGGED, action) for action in ("InviteAccountToOrganization", "TagResource")),
    *_plain("ListDelegatedServicesForAccount", On.MEMBER, **_ACCOUNT),
    *(Row("TagResource", {"ResourceId": each, "Tags": [IAM_TAG]}, on, {**_TAGGED, **keys})
      for each, on, keys in _TAGGABLE),
    *(Row("UntagResource", {"ResourceId": each, "TagKeys": ["Team"]}, on,
          {"aws:TagKeys": ("Team",), **keys}) for each, on, keys in _TAGGABLE),
    *(Row("ListTagsForResource", {"ResourceId": each}, on, keys) for each, on, keys in _TAGGABLE),
    *(Row(operation, {"PolicyId": "@scp", "TargetId": "@unit"}, on, _SCP)
      for operation in ("AttachPolicy", "DetachPolicy") for on in (On.SCP, On.UNIT)),
    Row("AttachPolicy", {"PolicyId": "p-FullAWSAccess", "TargetId": "@root"}, On.ROOT, _SCP),
)  # fmt: skip

TABLES: Mapping[str, tuple[Row, ...]] = {
    "kms": KMS,
    "iam": IAM,
    "sts": STS,
    "organizations": ORGANIZATIONS,
    "access-analyzer": ANALYZER,
    "cloudtrail": CLOUDTRAIL,
    "ec2": EC2,
    "keystead-instances": INSTANCES,
    "rolesanywhere": ANYWHERE,
}
"""By the service's name."""

OPEN = (("sts", "GetCallerIdentity"), ("sts", "GetSessionToken"))
"""The operations that are refused to nobody, so that they have no row; both need no input."""

BY_PROOF = (
    ("sts", "AssumeRoleWithSAML"),
    ("sts", "AssumeRoleWithWebIdentity"),
    ("keystead-instances", "EnrolAgent"),
    ("keystead-instances", "GetInstanceCredentials"),
    ("rolesanywhere", "CreateSession"),
)
"""The operations that are open without a signature: nobody who signs asks them, and no row
is theirs. `tests/federation`, `tests/agent` and `tests/anywhere` try them with proofs."""

FOR_SERVICES = tuple(
    ("keystead", name)
    for name in (
        "AssignDirectoryRole", "DeregisterService", "ForwardAccess", "ListDirectoryAssignments",
        "ListServices", "PassRole", "RegisterService", "RotateServiceKey", "UnassignDirectoryRole",
    )
)  # fmt: skip
"""Our own operations, which no table of AWS has; `tests/services`, `tests/directories`."""

OF_USERS: Mapping[str, str] = {"iam:ChangePassword": "InvalidUserType"}
"""Operations that only users have, about themselves, and what everybody else is told unasked."""

NEVER_SENT: Mapping[str, str] = {
    "kms:recipientattestation:": "requests with a recipient are refused",
}
"""Keys of operations that are served which no decision has yet, and why."""

OF_CALLS_BY_SERVICES: Mapping[str, str] = dict.fromkeys(
    ("aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths"),
    "only services name a source; `tests/services` tries them",
)
"""Keys that only a call of a service principal has, for the resource that it acts for."""
