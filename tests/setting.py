"""The things that the examples of `tests/condition_keys.py` are about, made in one installation.

An example names them by `@key` and the like. An operation that acts on a thing of a new kind adds
it here, with a tag, and without one where a decision tells the two apart.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keystead.identity.instances import Hosts
from keystead.identity.repository import Instance
from keystead.wire.models import ec2, organizations, rolesanywhere
from keystead.wire.models import iam as api
from tests import condition_keys as table
from tests.anywhere import authorities
from tests.identity.assuming import stored_role, trusting
from tests.identity.saml_documents import metadata
from tests.identity.world import Person, Tenant

Made = Mapping[str, Any]
"""What stands for the names of things: `@key` and the others."""


class Kms(Protocol):
    """An administrator who calls KMS."""

    def call(self, name: str, members: Mapping[str, Any]) -> Any:
        """Make a call; its output."""


def filled(value: Any, made: Made) -> Any:
    """A member of a request, with what was made in the places that name it."""
    if isinstance(value, dict):
        return {name: filled(member, made) for name, member in value.items()}
    if isinstance(value, list):
        return [filled(each, made) for each in value]
    if isinstance(value, str) and value.startswith("@"):
        return made[value]
    return value


def keys(admin: Kms, now: datetime) -> dict[str, Any]:
    """A key with a tag, an alias and a grant, a bare one, a multi-Region one, and a ciphertext.

    Also keys of other kinds.
    """

    def key(**members: Any) -> str:
        found: str = admin.call("CreateKey", members).key_metadata.key_id
        return found

    tagged, bare = key(Tags=[{"TagKey": "Team", "TagValue": "blue"}]), key()
    admin.call("CreateAlias", {"AliasName": "alias/app", "TargetKeyId": tagged})
    context = {"App": "Pay", "stage": ""}
    encrypt = {"KeyId": tagged, "Plaintext": b"x", "EncryptionContext": context}
    blob = admin.call("Encrypt", encrypt).ciphertext_blob
    shared = sharing(admin)
    for name in SHARING:
        admin.call("CreateAlias", {"AliasName": f"alias/{name[1:]}", "TargetKeyId": shared[name]})
    primary = key(MultiRegion=True)
    admin.call("ReplicateKey", {"KeyId": primary, "ReplicaRegion": table.REPLICA_REGION})
    made = {"@key": tagged, "@bare": bare, "@primary": primary, "@blob": blob}
    return {**made, **granted(admin, tagged), **shared, **proving(admin),
            **importing(admin, now)}  # fmt: skip


def granted(admin: Kms, key: str, **members: str) -> dict[str, Any]:
    """An account, and a grant to it."""
    number = admin.call("DescribeKey", {"KeyId": key}).key_metadata.aws_account_id
    account = f"arn:aws:iam::{number}:root"
    constraints = {"EncryptionContextSubset": {"App": "Pay", "stage": ""}}
    grant = {"KeyId": key, "GranteePrincipal": account, "Operations": ["RetireGrant"], **members}
    made = admin.call("CreateGrant", {**grant, "Constraints": constraints}).grant_id
    return {"@account": account, "@grant": made}


def proving(admin: Kms) -> dict[str, Any]:
    """A key for MACs and one for signatures, each with an alias, and what it makes of a message."""
    made: dict[str, Any] = {}
    for name, spec, usage in (
        ("mac", "HMAC_256", "GENERATE_VERIFY_MAC"),
        ("sign", "ECC_NIST_P256", "SIGN_VERIFY"),
    ):
        members = {"KeySpec": spec, "KeyUsage": usage}
        made[f"@{name}"] = admin.call("CreateKey", members).key_metadata.key_id
        alias = {"AliasName": f"alias/{name}", "TargetKeyId": made[f"@{name}"]}
        admin.call("CreateAlias", alias)
    mac = {"KeyId": made["@mac"], "Message": b"x", "MacAlgorithm": "HMAC_SHA_256"}
    sign = {"KeyId": made["@sign"], "Message": b"x", "SigningAlgorithm": "ECDSA_SHA_256"}
    return {
        **made,
        "@made mac": admin.call("GenerateMac", mac).mac,
        "@signature": admin.call("Sign", sign).signature,
    }


def importing(admin: Kms, now: datetime) -> dict[str, Any]:
    """A key that waits for its material, and a date for it."""
    key = admin.call("CreateKey", {"Origin": "EXTERNAL"}).key_metadata.key_id
    soon = now.replace(microsecond=0) + timedelta(days=30)
    return {"@external": key, "@soon": soon, "@soon in seconds": str(int(soon.timestamp()))}


SHARING: Mapping[str, Mapping[str, str]] = {
    "@kem": {"KeySpec": "ML_KEM_768", "KeyUsage": "ENCAPSULATE_DECAPSULATE"},
    "@agreement": {"KeySpec": "ECC_NIST_P256", "KeyUsage": "KEY_AGREEMENT"},
}
"""The keys that share secrets."""


def sharing(admin: Kms, member: str = "key_id", **members: Any) -> dict[str, Any]:
    """Keys that share secrets, by a member of their metadata; what somebody else sends to them."""
    made = {
        name: getattr(admin.call("CreateKey", {**key, **members}).key_metadata, member)
        for name, key in SHARING.items()
    }
    peer = ec.generate_private_key(ec.SECP256R1()).public_key()
    return {
        **made,
        "@encapsulated": bytes(1088),  # any bytes are the ciphertext of some secret
        "@peer": peer.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    }


def people(tenant: Tenant, region: str = "eu-central-1") -> dict[str, Any]:
    """A user and a role with a tag and a boundary, bare ones, and one of every other kind."""
    root = tenant.root
    team = [api.Tag(key="Team", value="blue")]
    made = root(
        api.CreatePolicy, policy_name="some", policy_document=table.DOCUMENT, tags=team
    ).policy
    assert made is not None
    root(api.CreateUser, user_name="jo", tags=team, permissions_boundary=made.arn)
    root(api.CreateUser, user_name="bare")
    root(api.CreateGroup, group_name="devs")
    trust = table.TRUST
    root(
        api.CreateRole,
        role_name="ops", assume_role_policy_document=trust, tags=team,
        permissions_boundary=made.arn,
    )  # fmt: skip
    root(api.CreateRole, role_name="bare", assume_role_policy_document=trust)
    root(api.CreateInstanceProfile, instance_profile_name="web", tags=team)
    provider = root(
        api.CreateOpenIDConnectProvider, url="https://idp.example", tags=team
    ).open_id_connect_provider_arn
    saml = root(
        api.CreateSAMLProvider, name="idp", saml_metadata_document=metadata(), tags=team
    ).saml_provider_arn
    device = root(
        api.CreateVirtualMFADevice, virtual_mfa_device_name="phone", tags=team
    ).virtual_mfa_device.serial_number
    role = stored_role(tenant, "assumed", trusting(f"{tenant.id}"), tags='{"Team":"blue"}')
    key = root(api.CreateAccessKey, user_name="jo").access_key.access_key_id
    user = root(api.GetUser, user_name="jo").user.arn
    tree = organization(root)
    root(api.CreateInstanceProfile, instance_profile_name="app")
    root(api.CreateRole, role_name="hosted", assume_role_policy_document=trust, tags=team)
    root(api.AddRoleToInstanceProfile, instance_profile_name="app", role_name="hosted")
    endpoint = network_endpoint(root)
    return {
        **hosts(tenant, region),
        **anywhere(root, role.arn, region),
        "@endpoint": endpoint.vpc_endpoint_id,
        "@elsewhere": network_endpoint(
            root, service_name="com.amazonaws.iam", service_region="us-east-1"
        ).vpc_endpoint_id,
        "@vpc arn": f"arn:aws:ec2:eu-central-1:{tenant.id}:vpc/{endpoint.vpc_id}",
        "@policy": made.arn,
        "@user": user,
        "@role": role.arn,
        "@access key": key,
        "@provider": provider,
        "@saml provider": saml,
        "@device": device,
        "@root account": tenant.id,
        "@delegation request": f"arn:aws:iam::{tenant.id}:delegation-request/{'A' * 24}",  # none
        **tree,
    }


def anywhere(root: Person, role: str, region: str) -> dict[str, Any]:
    """A trust anchor, a profile and a revocation list, each with a tag."""
    authority, team = authorities.root(), [rolesanywhere.Tag(key="Team", value="blue")]
    data = rolesanywhere.SourceData(x509_certificate_data=authority.pem)
    anchor = root(
        rolesanywhere.CreateTrustAnchor,
        name="ours", tags=team,
        source=rolesanywhere.Source(source_type="CERTIFICATE_BUNDLE", source_data=data),
    ).trust_anchor  # fmt: skip
    profile = root(rolesanywhere.CreateProfile, name="ours", role_arns=[role], tags=team).profile
    assert profile is not None
    assert anchor.trust_anchor_arn is not None
    crl = root(
        rolesanywhere.ImportCrl,
        name="ours", tags=team, crl_data=authority.crl(since=root.tenant.world.now),
        trust_anchor_arn=anchor.trust_anchor_arn,
    ).crl  # fmt: skip
    here, account = root.tenant.world, root.tenant.id
    tables = here.repository.anywhere
    with here.store.write() as transaction:  # the calls of this world are for its own Region
        for table, named in (
            (tables.anchors, anchor.trust_anchor_id), (tables.profiles, profile.profile_id),
            (tables.crls, crl.crl_id),
        ):  # fmt: skip
            found: Any = table.get(transaction, account, named or "")
            table.update(transaction, msgspec.structs.replace(found, region=region))
    arn = f"arn:aws:rolesanywhere:{region}:{account}:trust-anchor/{anchor.trust_anchor_id}"
    return {"@bundle": authority.pem, "@anchor": anchor.trust_anchor_id, "@crl": crl.crl_id,
            "@anchor arn": arn, "@profile": profile.profile_id}  # fmt: skip


def network_endpoint(
    root: Person,
    service_name: str = "com.amazonaws.eu-central-1.kms",
    service_region: str = "eu-central-1",
) -> ec2.VpcEndpoint:
    """An endpoint of a network, with a tag."""
    tags = [ec2.Tag(key="Team", value="blue")]
    made = root(
        ec2.CreateVpcEndpoint,
        vpc_id="vpc-0123456789abcdef0", vpc_endpoint_type="Interface",
        service_name=service_name, service_region=service_region,
        tag_specifications=[ec2.TagSpecification(resource_type="vpc-endpoint", tags=tags)],
    ).vpc_endpoint  # fmt: skip
    assert made is not None
    return made


def hosts(tenant: Tenant, region: str) -> dict[str, Any]:
    """A bare instance, and one with the profile `app`."""
    bare, held = (stored_instance(tenant, f"i-{digit * 17}", region) for digit in "ab")
    here = tenant.world
    with here.store.write() as transaction:
        profile = here.repository.instance_profiles.named(transaction, tenant.id, "app")
        assert profile is not None
        association = Hosts(here.repository).associate(transaction, held, profile, here.now)
    return {
        "@instance": bare.instance_id, "@held": held.instance_id, "@app": profile.arn,
        "@instance arn": f"arn:aws:ec2:{region}:{tenant.id}:instance/{bare.instance_id}",
        "@held arn": f"arn:aws:ec2:{region}:{tenant.id}:instance/{held.instance_id}",
        "@association": association.association_id,
    }  # fmt: skip


def stored_instance(tenant: Tenant, instance_id: str, region: str) -> Instance:
    """An instance, as it is registered by the owner of the data directory."""
    instance = Instance(
        account=tenant.id, instance_id=instance_id, region=region, zone=f"{region}a",
        instance_type="m7g.large", image_id="", private_ip="10.0.0.7", vpc_id="vpc-0a0a0a0a",
        endpoint="enabled", hop_limit=1, options_version=0, document="{}", signature="", pkcs7="",
        registered=0,
    )  # fmt: skip
    with tenant.world.store.write() as transaction:
        tenant.world.repository.instances.add(transaction, instance)
    return instance


def organization(root: Person) -> dict[str, Any]:
    """An organization with a unit and an account in it, each with a tag."""
    team = [organizations.Tag(key="Team", value="blue")]
    root(organizations.CreateOrganization)
    [tree] = root(organizations.ListRoots).roots or []
    unit = root(
        organizations.CreateOrganizationalUnit, parent_id=tree.id, name="unit", tags=team
    ).organizational_unit
    assert unit is not None
    made = root(
        organizations.CreateAccount, email="a@example.com", account_name="a", tags=team
    ).create_account_status
    assert made is not None
    root(
        organizations.MoveAccount,
        account_id=made.account_id, source_parent_id=tree.id, destination_parent_id=unit.id,
    )  # fmt: skip
    policy = root(
        organizations.CreatePolicy,
        name="scp", description="", type="SERVICE_CONTROL_POLICY", content=table.DOCUMENT,
        tags=team,
    ).policy  # fmt: skip
    assert policy is not None
    assert policy.policy_summary is not None
    scp = policy.policy_summary.id
    allowed = {"Effect": "Allow", "Principal": {"AWS": made.account_id}, "Resource": "*",
               "Action": "organizations:ListRoots"}  # fmt: skip
    delegation = root(
        organizations.PutResourcePolicy,
        content=json.dumps({"Version": "2012-10-17", "Statement": allowed}), tags=team,
    ).resource_policy  # fmt: skip
    assert delegation is not None
    assert delegation.resource_policy_summary is not None
    name = root(organizations.DescribeOrganization).organization
    assert name is not None
    over = {"aws:resourceorgid": name.id, "aws:resourceorgpaths": (f"{name.id}/{tree.id}/",)}
    return {
        "@over": over,
        "@root": tree.id,
        "@unit": unit.id,
        "@member": made.account_id,
        "@scp": scp,
        "@delegation": delegation.resource_policy_summary.id,
    }
