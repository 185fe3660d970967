"""Services are registered through the API, by whom an action of its own is allowed."""

import json
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.credentials import Credentials

import keystead_service
from tests.conftest import REGION, Server, refused
from tests.server.installations import Answered, Local, open_local
from tests.services.land import Service, allow, ceremony, code, document, key, register

NAME = "warehouse.example.internal"
REFUSED = "AccessDeniedException"


def call(local: Local, operation: str, who: Credentials | None = None, **members: Any) -> Answered:
    request = local.request(
        "keystead", json.dumps(members).encode(), who or local.admin,
        Content_Type="application/x-amz-json-1.1", X_Amz_Target=f"KeysteadServices.{operation}",
    )  # fmt: skip
    return local.send(request)


def user(local: Local, name: str, *actions: str) -> Credentials:
    local.iam("CreateUser", UserName=name)
    own = f"arn:aws:keystead::{local.founded.account_id}:service/*"
    if actions:
        text = document({"Effect": "Allow", "Action": [*actions], "Resource": own})
        local.iam("PutUserPolicy", UserName=name, PolicyName="p", PolicyDocument=text)
    return local.new_key(name)


def test_a_life(land: Local) -> None:
    """A service is registered, listed, gets another key, and goes."""
    made = call(land, "RegisterService", ServicePrincipal=NAME, ForwardedActions=["kms:Decrypt"])
    given = made.json["AccessKey"]
    service = Service(land, NAME, Credentials(given["AccessKeyId"], given["SecretAccessKey"]))
    ask = {"KeyId": key(land, allow(NAME, ["kms:Encrypt"])), "Plaintext": "aGk="}
    assert service.kms("Encrypt", **ask).status == 200
    assert given["SecretAccessKey"] not in str(land.events)

    every = call(land, "ListServices").json["Services"]
    [listed] = [each for each in every if each["ServicePrincipal"] == NAME]
    assert listed["ForwardedActions"] == ["kms:Decrypt"]
    assert listed["AccessKeyIds"] == [given["AccessKeyId"]]
    again = call(land, "RegisterService", ServicePrincipal=NAME)
    assert code(again) == "InvalidRegistrationException"

    other = call(land, "RotateServiceKey", ServicePrincipal=NAME).json["AccessKey"]
    assert code(service.kms("Encrypt", **ask)) == "UnrecognizedClientException"
    service.credentials = Credentials(other["AccessKeyId"], other["SecretAccessKey"])
    assert service.kms("Encrypt", **ask).status == 200

    assert call(land, "DeregisterService", ServicePrincipal=NAME).status == 200
    assert code(service.kms("Encrypt", **ask)) == "UnrecognizedClientException"
    for operation in ("RotateServiceKey", "DeregisterService"):
        gone = call(land, operation, ServicePrincipal=NAME)
        assert code(gone) == "NoSuchServiceException"


GIVES = ("iam:CreateAccessKey",)
OPERATIONS = ("RegisterService", "ListServices", "RotateServiceKey", "DeregisterService")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_needs_its_own_action(land: Local, operation: str) -> None:
    """Who may do all the others may not do this one; who may do this one may."""
    name = f"{operation.lower()}.example.internal"
    members = {} if operation == "ListServices" else {"ServicePrincipal": name}
    if operation in ("RotateServiceKey", "DeregisterService"):
        register(land, name)
    others = [f"keystead:{each}" for each in OPERATIONS if each != operation]
    may_not = user(land, f"not-{operation}", *others, "iam:*", "kms:*")
    gives = GIVES if operation in ("RegisterService", "RotateServiceKey") else ()
    may = user(land, f"may-{operation}", f"keystead:{operation}", *gives)

    assert code(call(land, operation, may_not, **members)) == REFUSED
    assert call(land, operation, may, **members).status == 200


@pytest.mark.parametrize("operation", ["RegisterService", "RotateServiceKey"])
def test_a_power_user_becomes_no_service(land: Local, operation: str) -> None:
    """All actions but those of IAM are not enough: a service's key assumes what trusts its name."""
    name = f"power-{operation.lower()}.example.internal"
    if operation == "RotateServiceKey":
        register(land, name)
    arn = "arn:aws:iam::aws:policy/PowerUserAccess"
    power, enough = user(land, f"power-{operation}"), user(land, f"enough-{operation}", *GIVES)
    for who in (f"power-{operation}", f"enough-{operation}"):
        land.iam("AttachUserPolicy", UserName=who, PolicyArn=arn)

    assert code(call(land, operation, power, ServicePrincipal=name)) == REFUSED
    assert call(land, operation, enough, ServicePrincipal=name).status == 200


def test_names_of_aws_are_refused(land: Local) -> None:
    """As the operator's command refuses them."""
    of_aws = call(land, "RegisterService", ServicePrincipal="ec2.amazonaws.com")
    taken = call(land, "RegisterService", ServicePrincipal="sqs.amazonaws.com")

    assert code(of_aws) == "InvalidRegistrationException"
    assert taken.status == 200


def test_another_account_takes_no_name(tmp_path_factory: pytest.TempPathFactory) -> None:
    """With several accounts nobody may, until the setting names one; and then only that one."""
    local = open_local(tmp_path_factory.mktemp("several") / "data")
    made = ceremony(local, "account create", email="two@example.com")
    root = Credentials(made["AccessKeyId"], made["SecretAccessKey"])
    members = {"ServicePrincipal": NAME}
    try:
        for who in (None, root):
            assert code(call(local, "RegisterService", who, **members)) == REFUSED
    finally:
        local.installation.close()
    own = open_local(
        tmp_path_factory.mktemp("named") / "data", services_account=str(made["AccountId"])
    )
    try:
        ceremony(own, "account create", email="two@example.com", account_id=made["AccountId"])
        given = ceremony(own, "account root-access-key", account_id=made["AccountId"])
        root = Credentials(given["AccessKeyId"], given["SecretAccessKey"])
        assert code(call(own, "RegisterService", **members)) == REFUSED
        assert call(own, "RegisterService", root, **members).status == 200
    finally:
        own.installation.close()


def test_boto3_reads_the_model(own_server: Server) -> None:
    """With our folder of models, a client of boto3 has the operations."""
    core = botocore.session.get_session()
    folder = Path(keystead_service.__file__).parent / "data"
    core.get_component("data_loader").search_paths.append(str(folder))
    who = own_server.admin
    client = boto3.Session(botocore_session=core).client(
        "keystead", region_name=REGION, endpoint_url=own_server.endpoint,
        aws_access_key_id=who.access_key_id, aws_secret_access_key=who.secret,
    )  # fmt: skip

    made = client.register_service(ServicePrincipal=NAME)
    assert made["AccessKey"]["AccessKeyId"].startswith("AKIA")
    with refused("InvalidRegistrationException"):
        client.register_service(ServicePrincipal=NAME)
    told = own_server.keystead("service", "list")
    assert NAME in told.stdout
    assert own_server.keystead("service", "rotate", NAME, "--json").returncode == 0
    assert own_server.keystead("service", "deregister", NAME).returncode == 0
    gone = own_server.keystead("service", "rotate", NAME)
    assert (gone.returncode, gone.stdout) == (2, "")
    assert "there is no service" in gone.stderr
    assert client.list_services()["Services"] == []
