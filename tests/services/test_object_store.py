"""A real object store encrypts through Keystead, on the library of services alone, with boto3."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from keystead_service import Credentials as OfService
from keystead_service import Refused, ServiceClient
from tests.conftest import REGION, Credentials, Server, create_user, free_port, policy, refused
from tests.services.object_store import DEFAULT_KEY, ObjectStore

NAME = "s3.amazonaws.com"
BUCKET, ARN = "papers", "arn:aws:s3:::papers"
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def told(result: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    assert result.returncode == 0, result.stderr
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


class Site:
    """A server with an object store beside it, and a key of the store's own."""

    def __init__(self, server: Server, directory: Path) -> None:
        self.server = server
        self.kms = server.client("kms")
        self.account: str = server.client("sts").get_caller_identity()["Account"]
        self.own_key: str = self.kms.create_key()["KeyMetadata"]["Arn"]
        self.write_policy(NAME)
        self.directory = directory
        self.store = self._open()
        given = told(
            server.keystead(
                "service", "register", NAME, "--host", self.store.host, "--json",
                "--forward", "kms:GenerateDataKey", "--forward", "kms:Decrypt",
            )
        )  # fmt: skip
        self.credentials = OfService(given["AccessKeyId"], given["SecretAccessKey"])
        self._serve()

    def _open(self) -> ObjectStore:
        return ObjectStore(self.directory, self.account, self.own_key)

    def _serve(self) -> None:
        self.store.client = ServiceClient(self.server.endpoint, REGION, self.credentials)
        self.store.start()

    def restart(self) -> None:
        """Another process of the store, and of Keystead. It is found under another Host."""
        self.store.stop()
        assert self.server.stop() == 0
        self.server.start()
        self.store = self._open()
        told(self.server.keystead("service", "deregister", NAME, "--json"))
        given = told(
            self.server.keystead(
                "service", "register", NAME, "--host", self.store.host, "--json",
                "--forward", "kms:GenerateDataKey", "--forward", "kms:Decrypt",
            )
        )  # fmt: skip
        self.credentials = OfService(given["AccessKeyId"], given["SecretAccessKey"])
        self._serve()

    def write_policy(self, *services: str) -> None:
        """Who may use the store's own key: its account, and these services for its bucket."""
        root = f"arn:aws:iam::{self.account}:root"
        statements: list[dict[str, Any]] = [
            {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:PutKeyPolicy",
             "Resource": "*"}
        ]  # fmt: skip
        guard = {"ArnEquals": {"aws:SourceArn": ARN},
                 "StringEquals": {"aws:SourceAccount": self.account}}  # fmt: skip
        statements += [
            {"Effect": "Allow", "Principal": {"Service": name}, "Resource": "*",
             "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Condition": guard}
            for name in services
        ]  # fmt: skip
        self.kms.put_key_policy(KeyId=self.own_key, Policy=policy(*statements))

    def s3(self, who: Credentials | None = None) -> Any:
        who = who or self.server.admin
        return boto3.client(
            "s3", region_name=REGION, endpoint_url=f"http://{self.store.host}",
            aws_access_key_id=who.access_key_id, aws_secret_access_key=who.secret,
            config=Config(
                s3={"addressing_style": "path"}, retries={"total_max_attempts": 1},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    server = Server(directory / "data", free_port(), program=())
    server.start()
    site = Site(server, directory / "objects")
    yield site
    site.store.stop()
    if server.process is not None:
        server.kill()


def put(s3: Any, name: str, body: bytes, **more: str) -> Any:
    return s3.put_object(Bucket=BUCKET, Key=name, Body=body, ServerSideEncryption="aws:kms", **more)


def got(s3: Any, name: str) -> bytes:
    body: bytes = s3.get_object(Bucket=BUCKET, Key=name)["Body"].read()
    return body


def test_under_the_stores_own_key(site: Site) -> None:
    """Written under the service's own key, read after a restart, refused without the policy."""
    s3, own = site.s3(), {"SSEKMSKeyId": site.own_key}
    assert put(s3, "a b/c", b"secret paper", **own)["SSEKMSKeyId"] == site.own_key
    assert got(s3, "a b/c") == b"secret paper"
    sealed = b"".join(each.read_bytes() for each in site.directory.iterdir())
    assert b"secret paper" not in sealed

    site.restart()
    assert got(site.s3(), "a b/c") == b"secret paper"

    site.write_policy()
    with refused("AccessDenied"):
        got(site.s3(), "a b/c")
    with refused("AccessDenied"):
        put(site.s3(), "more", b"x", **own)
    site.write_policy(NAME)
    assert got(site.s3(), "a b/c") == b"secret paper"


def test_its_key_is_for_its_bucket(site: Site) -> None:
    """The store asks for the bucket that is written: its key is not used for another one."""
    s3, own = site.s3(), {"SSEKMSKeyId": site.own_key}
    with refused("AccessDenied"):
        s3.put_object(Bucket="others", Key="x", Body=b"x", ServerSideEncryption="aws:kms", **own)
    assert put(s3, "x", b"x", **own)


def test_under_the_accounts_key_of_the_store(site: Site) -> None:
    """Without a key it is `alias/aws/s3`, through the caller: not for whom Decrypt is denied."""
    no_decrypt = {"Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*"}
    writer = create_user(site.server, "writer", EVERYTHING, no_decrypt)
    reader = create_user(site.server, "reader", EVERYTHING)

    made = put(site.s3(writer), "shared", b"for readers")
    [alias] = [each for each in site.kms.list_aliases()["Aliases"]
               if each["AliasName"] == DEFAULT_KEY]  # fmt: skip
    assert made["SSEKMSKeyId"].endswith(alias["TargetKeyId"])
    assert got(site.s3(reader), "shared") == b"for readers"
    with refused("AccessDenied"):
        got(site.s3(writer), "shared")


def test_under_a_key_of_the_callers(site: Site) -> None:
    """A key that the caller names is used for the caller, and only through the store."""
    key = site.kms.create_key()["KeyMetadata"]["Arn"]
    through = {"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}}
    use = {"Effect": "Allow", "Action": "kms:*", "Resource": key, "Condition": through}
    may, may_not = (
        create_user(site.server, "may", use), create_user(site.server, "may-not", EVERYTHING | {
            "Effect": "Deny"})
    )  # fmt: skip

    put(site.s3(may), "mine", b"mine", SSEKMSKeyId=key)
    assert got(site.s3(may), "mine") == b"mine"
    with refused("AccessDenied"):
        got(site.s3(may_not), "mine")
    with refused("AccessDeniedException"):
        site.server.client("kms", may).describe_key(KeyId=key)


def test_strangers_are_refused(site: Site) -> None:
    """A wrong secret opens nothing; the store never sees whose it would be."""
    put(site.s3(), "known", b"x")
    with refused("AccessDenied"):
        got(site.s3(Credentials(site.server.admin.access_key_id, "wrong")), "known")
    assert got(site.s3(), "known") == b"x"


@pytest.mark.parametrize(
    ("length", "status", "told"),
    [(250_000, 413, "HTTP content length exceeded"), (8, 400, "AccessDeniedException")],
)
def test_the_library_tells_of_every_refusal(
    site: Site, length: int, status: int, told: str
) -> None:
    """One in plain text is a refusal as well: its text is the message, and it has no code."""
    client = ServiceClient(site.server.endpoint, REGION, site.credentials)
    key = f"arn:aws:kms:{REGION}:{site.account}:key/00000000-0000-0000-0000-000000000000"
    with pytest.raises(Refused) as refusal:
        client.kms("Encrypt", {"KeyId": key, "Plaintext": "a" * length})
    assert refusal.value.status == status
    assert told in str(refusal.value)
    assert bool(refusal.value.code) is (status == 400)
