"""The rows of such an installation: users, keys, grants, endpoints, an organization."""

import json
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec
from botocore.credentials import Credentials

from keystead.identity.access_keys import IssuedKey
from keystead.identity.repository import (
    RCP,
    SCP,
    Member,
    Organization,
    OrganizationPolicy,
    Unit,
)
from keystead.wire.http import Endpoint
from tests.importing import wrapped
from tests.server import sdk
from tests.server.eviction_world import ALLOW, DENY, World, member
from tests.server.installations import OTHER_REGION, REGION, Local


def organize(local: Local) -> None:
    """Put the account into an organization, below two units, under policies of both types."""
    identities, number = local.installation.identities, local.founded.account_id
    tree, policies = identities.organizations, identities.organization_policies
    organization = Organization(
        organization="o-aaaaaaaaaa", root="r-aaaa", management="111122223333", feature_set="ALL",
        policy_types='{"RESOURCE_CONTROL_POLICY":1,"SERVICE_CONTROL_POLICY":1}',
        tags="{}", created=0,
    )  # fmt: skip
    place: Any = {"organization": organization.organization, "tags": "{}"}
    with local.installation.store.write() as transaction:
        tree.insert(transaction, organization)
        for unit, parent in (
            ("ou-aaaa-outeroute", "r-aaaa"),
            ("ou-aaaa-innerinne", "ou-aaaa-outeroute"),
        ):
            tree.insert_unit(
                transaction, Unit(unit=unit, parent=parent, name=unit, created=0, **place)
            )
        tree.insert_member(transaction, Member(
            account=number, parent="ou-aaaa-innerinne", name="a", joined_method="INVITED",
            joined=0, **place,
        ))  # fmt: skip
        for policy, policy_type, content in (
            ("p-aaaaaaaaaa", SCP, DENY),
            ("p-bbbbbbbbbb", RCP, DENY.replace('"Action"', '"Principal":"*","Action"')),
        ):
            record = OrganizationPolicy(
                policy=policy, type=policy_type, name=policy, description="", content=content,
                created=0, **place,
            )  # fmt: skip
            policies.insert(transaction, record)
            for target in ("r-aaaa", number):
                policies.attach(transaction, organization, target, record)


def add_user(world: World, name: str, document: str) -> None:
    local = world.local

    def iam(action: str, **members: str) -> bytes:
        answer = local.iam(action, **members)
        assert answer.status == 200, answer.body
        return answer.body

    bound = member(iam("CreatePolicy", PolicyName=f"b-{name}", PolicyDocument=ALLOW), "Arn")
    policy = member(iam("CreatePolicy", PolicyName=f"p-{name}", PolicyDocument=document), "Arn")
    tag = {"Tags.member.1.Key": "team", "Tags.member.1.Value": name}
    iam("CreateUser", UserName=name, PermissionsBoundary=bound, **tag)
    iam("CreateGroup", GroupName=f"g-{name}")
    iam("AddUserToGroup", GroupName=f"g-{name}", UserName=name)
    iam("AttachGroupPolicy", GroupName=f"g-{name}", PolicyArn=policy)
    iam("AttachUserPolicy", UserName=name, PolicyArn=policy)
    iam("PutUserPolicy", UserName=name, PolicyName="inline", PolicyDocument=ALLOW)
    issued = iam("CreateAccessKey", UserName=name)
    key = IssuedKey(member(issued, "AccessKeyId"), member(issued, "SecretAccessKey"))
    world.users.append(replace(local, founded=replace(local.founded, access_key=key)))


def add_key(world: World, number: int) -> None:
    tags = [{"TagKey": "number", "TagValue": str(number)}]
    made = world.local.kms("CreateKey", Tags=tags, Description=f"key {number}")
    key = str(made.json["KeyMetadata"]["KeyId"])
    world.keys.append(key)
    world.places.append((REGION, key))
    assert (
        world.local.kms("CreateAlias", AliasName=f"alias/key-{number}", TargetKeyId=key).status
        == 200
    )


def add_replicas(world: World) -> None:
    """A primary whose role has gone to the other Region, so that its first row is a replica's."""
    made = world.local.kms("CreateKey", MultiRegion=True)
    key = str(made.json["KeyMetadata"]["KeyId"])
    for operation, members in (
        ("ReplicateKey", {"ReplicaRegion": OTHER_REGION}),
        ("UpdatePrimaryRegion", {"PrimaryRegion": OTHER_REGION}),
    ):
        answer = world.local.kms(operation, KeyId=key, **members)
        assert answer.status == 200, answer.body
    world.places += [(REGION, key), (OTHER_REGION, key)]


def add_grants(world: World) -> None:
    """A user without policies, with a grant on one key and a grant with constraints on another."""
    local, context = world.local, {"app": "orders"}
    assert local.iam("CreateUser", UserName="grantee").status == 200
    issued = local.iam("CreateAccessKey", UserName="grantee").body
    who = Credentials(member(issued, "AccessKeyId"), member(issued, "SecretAccessKey"))
    named = f"arn:aws:iam::{local.founded.account_id}:user/grantee"
    for key, constraints in zip(
        world.keys, ({}, {"EncryptionContextSubset": context}), strict=True
    ):
        made = local.kms(
            "CreateGrant", KeyId=key, GranteePrincipal=named, Operations=["Encrypt"],
            Constraints=constraints,
        )  # fmt: skip
        assert made.status == 200, made.json
        world.used.append(
            local.kms_request(
                "Encrypt", who, KeyId=key, Plaintext="aGk=", EncryptionContext=context
            )
        )


def add_endpoints(world: World) -> None:
    """Two endpoints of networks with policies, one of which forbids, and calls through them."""
    local = world.local
    call = partial(sdk.call, local, "ec2", who=local.admin)
    statement = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    for vpc, action in (("vpc-01234567", "kms:*"), ("vpc-12345678", "kms:Sign")):
        made = call(
            "CreateVpcEndpoint", VpcId=vpc, VpcEndpointType="Interface",
            ServiceName=f"com.amazonaws.{REGION}.kms",
            PolicyDocument=json.dumps({"Statement": {**statement, "Action": action}}),
        )["VpcEndpoint"]  # fmt: skip
        endpoint = Endpoint(made["VpcEndpointId"], made["VpcEndpointId"])
        asked = local.kms_request("Encrypt", KeyId=world.keys[0], Plaintext="aGk=")
        world.used.append(msgspec.structs.replace(asked, endpoint=endpoint))
    local.installation.commit()


def add_external_key(world: World) -> None:
    """A key whose material was imported until a date."""
    local = world.local
    call = partial(sdk.call, local, "kms", who=local.admin)
    key = call("CreateKey", Origin="EXTERNAL")["KeyMetadata"]["KeyId"]
    algorithm = "RSAES_OAEP_SHA_256"
    given = call(
        "GetParametersForImport", KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec="RSA_2048"
    )
    call(
        "ImportKeyMaterial", KeyId=key, ImportToken=given["ImportToken"],
        EncryptedKeyMaterial=wrapped(given["PublicKey"], algorithm, bytes(32)),
        ValidTo=local.time.wall() + timedelta(days=30),
    )  # fmt: skip
    world.places.append((REGION, key))
    world.used.append(local.kms_request("DescribeKey", KeyId=key))
