"""Custom key stores through boto3, of an account that has none."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Server, create_user, policy, refused

STORE, NAME = "cks-1234567890abcdef0", "vault"
ABSENT = "CustomKeyStoreNotFoundException"
NO_STORE = f"Custom key store {STORE} does not exist."
SECRET, ACCESS_KEY = "Sixteen/More" * 4, "ABCDEFGHIJKLMNOPQRST"
CLUSTER: dict[str, Any] = {
    "CustomKeyStoreName": NAME,
    "CloudHsmClusterId": "cluster-2a3b4c5d6e7",
    "TrustAnchorCertificate": "certificate",
    "KeyStorePassword": "canary-password",
}
PROXY: dict[str, Any] = {
    "CustomKeyStoreName": NAME,
    "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
    "XksProxyUriEndpoint": "https://xks.example.com",
    "XksProxyUriPath": "/example/kms/xks/v1",
    "XksProxyAuthenticationCredential": {"AccessKeyId": ACCESS_KEY, "RawSecretAccessKey": SECRET},
    "XksProxyConnectivity": "PUBLIC_ENDPOINT",
}
SERVICE = {
    **PROXY,
    "XksProxyConnectivity": "VPC_ENDPOINT_SERVICE",
    "XksProxyVpcEndpointServiceName": "com.amazonaws.vpce.eu-central-1.vpce-svc-0123456789",
    "XksProxyVpcEndpointServiceOwner": "111122223333",
}
ON_ONE = ("Connect", "Delete", "Disconnect", "Update")
CREATIONS = (
    (CLUSTER, "CloudHsmClusterNotFoundException"),
    ({**CLUSTER, "CustomKeyStoreType": "AWS_CLOUDHSM"}, "CloudHsmClusterNotFoundException"),
    (PROXY, "LimitExceededException"),
    (SERVICE, "LimitExceededException"),
)


def asker(kms: Any, operation: str) -> Callable[..., dict[str, Any]]:
    return lambda **members: kms._make_api_call(operation, members)


def keys(kms: Any) -> set[str]:
    pages = kms.get_paginator("list_keys").paginate()
    return {one["KeyId"] for page in pages for one in page["Keys"]}


def test_there_are_none(server: Server) -> None:
    """The list is empty, in one page, and whatever is named is not found."""
    kms = server.client("kms")
    for members in ({}, {"Limit": 1}):
        answer = kms.describe_custom_key_stores(**members)
        assert (answer["CustomKeyStores"], answer["Truncated"]) == ([], False)
        assert "NextMarker" not in answer
    pages = kms.get_paginator("describe_custom_key_stores").paginate()
    assert [page["CustomKeyStores"] for page in pages] == [[]]
    with refused(ABSENT, NO_STORE):
        kms.describe_custom_key_stores(CustomKeyStoreId=STORE)
    with refused(ABSENT, f"Custom key store {NAME} does not exist."):
        kms.describe_custom_key_stores(CustomKeyStoreName=NAME)
    with refused("ValidationException"):
        kms.describe_custom_key_stores(CustomKeyStoreId=STORE, CustomKeyStoreName=NAME)
    with refused("InvalidMarkerException"):
        kms.describe_custom_key_stores(Marker="x")


@pytest.mark.parametrize("verb", ON_ONE)
def test_nothing_is_done_with_a_store(server: Server, verb: str) -> None:
    """A store that is to be changed, connected or deleted does not exist."""
    with refused(ABSENT, NO_STORE):
        asker(server.client("kms"), f"{verb}CustomKeyStore")(CustomKeyStoreId=STORE)


@pytest.mark.parametrize(("members", "code"), CREATIONS)
def test_none_is_made(server: Server, members: dict[str, Any], code: str) -> None:
    """A good request for a store of either type is refused, and leaves nothing."""
    kms = server.client("kms")
    with refused(code):
        kms.create_custom_key_store(**members)
    assert kms.describe_custom_key_stores()["CustomKeyStores"] == []
    with refused(ABSENT):
        kms.describe_custom_key_stores(CustomKeyStoreName=NAME)


@pytest.mark.parametrize("whole", [CLUSTER, PROXY, SERVICE], ids=["cluster", "proxy", "service"])
def test_a_store_is_described_whole(server: Server, whole: dict[str, Any]) -> None:
    """Each member that a store of its type needs is required."""
    optional = {"CustomKeyStoreName", "CustomKeyStoreType", "XksProxyVpcEndpointServiceOwner"}
    for name in whole.keys() - optional:
        without = {key: value for key, value in whole.items() if key != name}
        with refused("ValidationException"):
            server.client("kms").create_custom_key_store(**without)


@pytest.mark.parametrize(
    "mixed",
    [
        {**CLUSTER, "XksProxyUriPath": PROXY["XksProxyUriPath"]},
        {**PROXY, "KeyStorePassword": "password"},
        {**SERVICE, "XksProxyConnectivity": "PUBLIC_ENDPOINT"},
    ],
)
def test_a_store_is_of_one_type(server: Server, mixed: dict[str, Any]) -> None:
    """What is of another type of store, or of another way to its proxy, is refused."""
    with refused("ValidationException", "is not valid for this custom key store."):
        server.client("kms").create_custom_key_store(**mixed)


@pytest.mark.parametrize("store", [{}, {"Origin": "AWS_CLOUDHSM"}, {
    "Origin": "EXTERNAL_KEY_STORE", "XksKeyId": "x"}])  # fmt: skip
def test_no_key_is_made_in_a_store(server: Server, store: dict[str, str]) -> None:
    """A key in a store that is not there is not made; without the store it is."""
    kms = server.client("kms")
    before = keys(kms)
    with refused(ABSENT, NO_STORE):
        kms.create_key(CustomKeyStoreId=STORE, **store)
    assert keys(kms) == before
    made = kms.create_key()["KeyMetadata"]["KeyId"]
    assert keys(kms) == before | {made}


def test_who_may_ask(server: Server) -> None:
    """Only a caller whose own policies allow the action, on everything, hears the answer."""
    operations = [f"{verb}CustomKeyStore" for verb in ("Create", *ON_ONE)]
    requests = {
        "DescribeCustomKeyStores": {},
        **{name: {"CustomKeyStoreId": STORE} for name in operations},
        "CreateCustomKeyStore": CLUSTER,
    }
    answers = {**dict.fromkeys(requests, ABSENT), "DescribeCustomKeyStores": "",
               "CreateCustomKeyStore": "CloudHsmClusterNotFoundException"}  # fmt: skip
    iam, bob = server.client("iam"), server.client("kms", create_user(server, "of-stores"))
    account = server.client("sts").get_caller_identity()["Account"]
    somewhere = f"arn:aws:kms:*:{account}:key/*"
    for name, members in requests.items():
        for resource, others in (("*", False), (somewhere, False), ("*", True)):
            actions = [f"kms:{one}" for one in requests if (one != name) is others]
            given = {"Effect": "Allow", "Action": actions, "Resource": resource}
            iam.put_user_policy(UserName="of-stores", PolicyName="p", PolicyDocument=policy(given))
            if resource != "*" or others:
                with refused("AccessDeniedException", f"perform: kms:{name} on resource: *"):
                    asker(bob, name)(**members)
            elif answers[name]:
                with refused(answers[name]):
                    asker(bob, name)(**members)
            else:
                asker(bob, name)(**members)


def test_what_is_recorded(server: Server) -> None:
    """Each is one record, which names the store and has no secret."""
    kms = server.client("kms")
    for members, code in CREATIONS[1:3]:
        with refused(code):
            kms.create_custom_key_store(**members)
    with refused(ABSENT):
        kms.update_custom_key_store(CustomKeyStoreId=STORE, KeyStorePassword="canary-password")
    text = server.keystead("audit", "show", "--json", "--last", "10").stdout
    shown = [json.loads(line) for line in text.splitlines()]
    cluster, proxy, update = [one for one in shown if "CustomKeyStore" in one["eventName"]][-3:]
    assert cluster["errorCode"] == "CloudHsmClusterNotFoundException"
    assert cluster["requestParameters"]["customKeyStoreName"] == NAME
    assert cluster["requestParameters"]["cloudHsmClusterId"] == CLUSTER["CloudHsmClusterId"]
    assert proxy["requestParameters"]["xksProxyUriEndpoint"] == PROXY["XksProxyUriEndpoint"]
    assert update["requestParameters"] == {"customKeyStoreId": STORE}
    assert [one["readOnly"] for one in (cluster, proxy, update)] == [False] * 3
    assert not any(secret in text for secret in (ACCESS_KEY, SECRET, "canary-password"))
