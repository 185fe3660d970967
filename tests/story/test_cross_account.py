"""Two accounts on one installation: neither reaches the other without both sides' consent."""

import json
import urllib.request

import pytest

from tests.conftest import Credentials, Server, create_user, policy, refused


@pytest.fixture(scope="module")
def other(server: Server) -> tuple[str, Credentials]:
    """A second account, made by the local ceremony while the server runs, and its root's key."""
    return server.new_account()


@pytest.fixture(scope="module")
def stranger(server: Server, other: tuple[str, Credentials]) -> Credentials:
    """A user of the second account whose own policy allows every use of every key."""
    iam = server.client("iam", other[1])
    iam.create_user(UserName="stranger")
    iam.put_user_policy(
        UserName="stranger", PolicyName="all",
        PolicyDocument=policy({"Effect": "Allow", "Action": "kms:*", "Resource": "*"}),
    )  # fmt: skip
    key = iam.create_access_key(UserName="stranger")["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


def shared_with(server: Server, other: str) -> str:
    """A key whose policy allows Encrypt and Decrypt to another account."""
    kms, account = server.client("kms"), server.client("sts").get_caller_identity()["Account"]
    return str(
        kms.create_key(
            Policy=policy(
                {
                    "Effect": "Allow", "Action": "kms:*", "Resource": "*",
                    "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                },
                {
                    "Effect": "Allow", "Action": ["kms:Encrypt", "kms:Decrypt", "kms:DisableKey"],
                    "Resource": "*", "Principal": {"AWS": other},
                },
            )
        )["KeyMetadata"]["Arn"]
    )  # fmt: skip


def test_identity_is_its_own(server: Server, other: tuple[str, Credentials]) -> None:
    """The second account's root is root there, and nobody here."""
    identity = server.client("sts", other[1]).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:iam::{other[0]}:root"
    assert identity["UserId"] == other[0]
    assert server.client("iam", other[1]).list_users(PathPrefix="/nobody/")["Users"] == []


def test_both_sides_must_allow(
    server: Server, other: tuple[str, Credentials], stranger: Credentials
) -> None:
    """A shared key works for the stranger; an unshared one, and one that is not there, do not."""
    shared, own = (
        shared_with(server, other[0]),
        server.client("kms").create_key()["KeyMetadata"]["Arn"],
    )
    kms = server.client("kms", stranger)
    blob = kms.encrypt(KeyId=shared, Plaintext=b"across")["CiphertextBlob"]
    assert server.client("kms").decrypt(CiphertextBlob=blob)["Plaintext"] == b"across"

    with refused(
        "AccessDeniedException", "on this resource because the resource does not exist in this"
    ):
        kms.encrypt(KeyId=own, Plaintext=b"x")
    missing = own[:-12] + "0" * 12
    with refused(
        "AccessDeniedException", "on this resource because the resource does not exist in this"
    ):
        kms.encrypt(KeyId=missing, Plaintext=b"x")


def test_own_policy_is_needed_too(server: Server, other: tuple[str, Credentials]) -> None:
    """The key policy alone is not enough across accounts: the stranger's account must allow it.

    A stranger hears what its own side lacks.
    """
    shared = shared_with(server, other[0])
    iam = server.client("iam", other[1])
    iam.create_user(UserName="bare")
    key = iam.create_access_key(UserName="bare")["AccessKey"]
    bare = server.client("kms", Credentials(key["AccessKeyId"], key["SecretAccessKey"]))

    with refused("AccessDeniedException", "because no identity-based policy allows"):
        bare.encrypt(KeyId=shared, Plaintext=b"x")
    iam.put_user_policy(
        UserName="bare", PolicyName="one",
        PolicyDocument=policy({"Effect": "Allow", "Action": "kms:Encrypt", "Resource": shared}),
    )  # fmt: skip
    assert bare.encrypt(KeyId=shared, Plaintext=b"x")["KeyId"] == shared


def test_management_stays_at_home(
    server: Server, other: tuple[str, Credentials], stranger: Credentials
) -> None:
    """What never works across accounts does not, though both policies allow it."""
    shared = shared_with(server, other[0])
    with refused("AccessDeniedException"):
        server.client("kms", stranger).disable_key(KeyId=shared)
    server.client("kms").disable_key(KeyId=shared)


def test_deleted_and_made_again_inherits_nothing(server: Server) -> None:
    """A key policy names a user's id: a namesake made later is somebody else."""
    first = create_user(server, "phoenix")
    iam, kms = server.client("iam"), server.client("kms")
    arn = iam.get_user(UserName="phoenix")["User"]["Arn"]
    account = arn.split(":")[4]
    key = kms.create_key(
        Policy=policy(
            {
                "Effect": "Allow", "Action": "kms:*", "Resource": "*",
                "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
            },
            {
                "Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*",
                "Principal": {"AWS": arn},
            },
        )
    )["KeyMetadata"]["KeyId"]  # fmt: skip
    server.client("kms", first).encrypt(KeyId=key, Plaintext=b"x")

    identifier = iam.get_user(UserName="phoenix")["User"]["UserId"]
    iam.delete_access_key(UserName="phoenix", AccessKeyId=first.access_key_id)
    iam.delete_user(UserName="phoenix")
    second = create_user(server, "phoenix")

    with refused("AccessDeniedException"):
        server.client("kms", second).encrypt(KeyId=key, Plaintext=b"x")
    shown = kms.get_key_policy(KeyId=key)["Policy"]
    assert identifier in shown
    assert f'"{arn}"' not in shown


def test_presigned_identity(server: Server) -> None:
    """A presigned GetCallerIdentity proves who signed it, as XML and as JSON."""
    url = server.client("sts").generate_presigned_url(
        "get_caller_identity", ExpiresIn=60, HttpMethod="GET"
    )
    with urllib.request.urlopen(url) as answer:
        assert b":user/admin</Arn>" in answer.read()
    asked = urllib.request.Request(url, headers={"Accept": "application/json"})
    with urllib.request.urlopen(asked) as answer:
        document = json.load(answer)
    result = document["GetCallerIdentityResponse"]["GetCallerIdentityResult"]
    assert result["Arn"].endswith(":user/admin")
