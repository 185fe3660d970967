"""Installations for development: seeds, what says what they are, and what keeps them apart."""

import hashlib
import json
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import msgspec
import pytest
from botocore.credentials import Credentials as BotoCredentials

from keystead.custody.files import SealError
from keystead.custody.seals import sealfile
from keystead.custody.seals.root import SEAL_FILE, FileSeal, RootKey, open_root, recover
from keystead.failures import Failure
from keystead.server.installation import development, founding
from keystead.server.installation.config import Config
from keystead.server.installation.development.seed import MOST_DOTS
from keystead.server.installation.installation import Installation
from keystead.server.installation.opening import lock
from keystead.store.protocol import StoreCorrupt
from tests.conftest import BIN, Credentials, Server, free_port, refused
from tests.kms.importer import Client
from tests.patience import PATIENCE, wait_until
from tests.server.installations import ENDPOINT, OTHER_REGION, REGION, Local, Time, open_local

GUIDE = Path(__file__).parents[2] / "docs" / "dev.md"
SEED = GUIDE.read_text().partition("```toml\n")[2].partition("```")[0]
"""The example of the page."""

ACCOUNT = "111122223333"
APP = Credentials("AKIARTX3GSDSQEXAMPLE", "not-a-secret")
KEY, RELATED = "1234abcd-12ab-34cd-56ef-1234567890ab", "mrk-1234abcd12ab34cd56ef1234567890ab"
SIGNER = "5678abcd-12ab-34cd-56ef-1234567890ab"
HEADER = ("x-keystead-development", "true")
MADE = ["user app", "user reader", *(f"key {key}" for key in (KEY, RELATED, SIGNER))]


def written(folder: Path, text: str) -> Path:
    """A seed file with this text."""
    folder.mkdir(exist_ok=True)
    file = folder / "seed.toml"
    file.write_text(text)
    return file


def planted(directory: Path, text: str = SEED) -> Local:
    """A new installation for development, with this seed."""
    time, file = Time(), written(directory.parent, text)
    seed = development.read_seed(file)
    choices = founding.Choices(
        FileSeal(), REGION, ENDPOINT, seed.account.id, seed.account.email, development=True
    )
    held = lock(directory)
    founded = founding.found(directory, choices, time.wall())
    config = Config(data=str(directory), regions=(REGION, OTHER_REGION), request_quotas=False)
    local = Local(Installation(config, held, development=True, wall=time.wall), founded, time)
    development.plant(local.installation, seed, file)
    return local


def plant_again(local: Local, text: str) -> list[str]:
    """Plant a changed seed; the names of what was made."""
    file = written(local.installation.directory.parent, text)
    return development.plant(local.installation, development.read_seed(file), file)


def app(local: Local, service: str = "kms", region: str = REGION) -> Client:
    """A client with the constants of the seed."""
    return Client(local, BotoCredentials(APP.access_key_id, APP.secret), service, region)


def recorded(local: Local) -> int:
    """How many records the log has."""
    return local.installation.trail._tree.size  # nobody else needs it


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """The example of the page, planted."""
    made = planted(tmp_path_factory.mktemp("development") / "data")
    yield made
    made.installation.close()


# What a seed makes


def test_the_constants(local: Local) -> None:
    """Account, access key, key id, alias, tags and description are those of the file."""
    who = app(local, "sts").get_caller_identity()
    assert (who["Account"], who["Arn"]) == (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/app")
    kms = app(local)
    found = kms.describe_key(KeyId="alias/app")["KeyMetadata"]
    assert found["Arn"] == f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{KEY}"
    assert (found["KeyState"], found["Origin"], found["Description"]) == (
        "Enabled", "EXTERNAL", "of the application",
    )  # fmt: skip
    assert kms.list_resource_tags(KeyId=KEY)["Tags"] == [{"TagKey": "env", "TagValue": "test"}]
    blob = kms.encrypt(KeyId="alias/app", Plaintext=b"hello")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"hello"
    assert app(local, "iam").list_user_tags(UserName="reader")["Tags"] == [
        {"Key": "team", "Value": "blue"}
    ]
    assert app(local, "iam").list_user_policies(UserName="reader")["PolicyNames"] == ["decrypt"]


def test_rotated_and_related(local: Local) -> None:
    """Several materials are rotations; a replica has them all, and opens the primary's blobs."""
    here, there = app(local), app(local, region=OTHER_REGION)
    for client in (here, there):
        assert [
            (each["KeyMaterialState"], each["ImportState"]) for each in client.materials(RELATED)
        ] == [("NON_CURRENT", "IMPORTED"), ("CURRENT", "IMPORTED")]
    blob = here.encrypt(KeyId=RELATED, Plaintext=b"x")["CiphertextBlob"]
    assert there.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    assert there.describe_key(KeyId="alias/there")["KeyMetadata"]["KeyId"] == RELATED


def test_a_private_key(local: Local) -> None:
    """Its public half is that of the file; it is disabled, as the file says."""
    kms = app(local)
    assert kms.state(SIGNER) == "Disabled"
    public = kms.get_public_key(KeyId=SIGNER)["PublicKey"]
    assert hashlib.sha256(public).hexdigest() == (
        "f1d59449b727165de732bf283338122b99628a615918fedc67d878fffcf47da7"
    )


def test_the_same_in_another_directory(local: Local, tmp_path: Path) -> None:
    """What one directory encrypted, another with the same seed decrypts."""
    blobs = [
        app(local).encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": "b"})
        for key in (KEY, RELATED)
    ]
    other = planted(tmp_path / "data")
    try:
        for blob in blobs:
            sent = {"CiphertextBlob": blob["CiphertextBlob"]}
            opened = app(other).decrypt(**sent, EncryptionContext={"a": "b"})
            assert (opened["Plaintext"], opened["KeyId"]) == (b"x", blob["KeyId"])
            with refused("InvalidCiphertextException"):
                app(other).decrypt(**sent, EncryptionContext={"a": "c"})
    finally:
        other.installation.close()


def test_other_material_opens_nothing(local: Local, tmp_path: Path) -> None:
    """A directory whose seed has other material does not open those blobs."""
    blob = app(local).encrypt(KeyId=KEY, Plaintext=b"x")["CiphertextBlob"]
    other = planted(tmp_path / "data", SEED.replace("00010203", "ff010203"))
    try:
        with refused("InvalidCiphertextException"):
            app(other).decrypt(CiphertextBlob=blob)
    finally:
        other.installation.close()


def test_a_key_of_a_seed_is_as_any_other(local: Local) -> None:
    """It was made by the operations, and can be used by them: policy, deletion, import."""
    kms = app(local)
    policy = json.loads(kms.get_key_policy(KeyId=KEY)["Policy"])
    assert policy["Statement"][0]["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    kms.schedule_key_deletion(KeyId=RELATED, PendingWindowInDays=7)
    kms.cancel_key_deletion(KeyId=RELATED)
    kms.enable_key(KeyId=RELATED)
    made = kms.create_key()["KeyMetadata"]
    assert made["Origin"] == "AWS_KMS"
    kms.schedule_key_deletion(KeyId=made["KeyId"])


POLICY = json.dumps({
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/app"},
                   "Action": "kms:*", "Resource": "*"}],
})  # fmt: skip


def test_a_policy_without_root(tmp_path: Path) -> None:
    """It is put at last, so the key has its alias; the lock-out check holds unless it is waived."""
    closed = f"aliases = [\"alias/app\"]\npolicy = '{POLICY}'\n"
    text = SEED.replace('aliases = ["alias/app"]\n', closed)
    with pytest.raises(Failure, match="is refused: MalformedPolicyDocumentException"):
        planted(tmp_path / "first" / "data", text)
    bypass = f"{closed}bypass_policy_lockout_safety_check = true\n"
    local = planted(tmp_path / "second" / "data", SEED.replace('aliases = ["alias/app"]\n', bypass))
    assert app(local).describe_key(KeyId="alias/app")["KeyMetadata"]["KeyId"] == KEY
    with refused("AccessDeniedException"):
        Client(local, local.admin).describe_key(KeyId=KEY)
    local.installation.close()


# Another start


def test_the_same_seed_changes_nothing(tmp_path: Path) -> None:
    """Whatever tests did with the keys stays as they left it."""
    local = planted(tmp_path / "data")
    kms = app(local)
    kms.disable_key(KeyId=KEY)
    kms.delete_alias(AliasName="alias/app")
    kms.schedule_key_deletion(KeyId=SIGNER)
    records = recorded(local)
    assert plant_again(local, SEED) == []
    assert recorded(local) == records
    assert (kms.state(KEY), kms.state(SIGNER)) == ("Disabled", "PendingDeletion")
    with refused("NotFoundException"):
        kms.describe_key(KeyId="alias/app")
    local.installation.close()


def test_a_changed_seed(tmp_path: Path) -> None:
    """New things are made, what is gone stays, and what is changed is refused before all."""
    local = planted(tmp_path / "data")
    new = "0000abcd-12ab-34cd-56ef-1234567890ab"
    more = f'{SEED}\n[[keys]]\nid = "{new}"\naliases = ["alias/new"]\n'
    for changed, name in (
        (more.replace("1d1e1f", "1d1e1e"), f"key {KEY}"),
        (more.replace("of the application", "of another"), f"key {KEY}"),
        (more.replace('team = "blue"', 'team = "red"'), "user reader"),
        (more.replace("not-a-secret", "another"), "user app"),
        (more.replace(f'id = "{KEY}"', f'id = "{KEY}"\nregion = "{OTHER_REGION}"'), f"key {KEY}"),
    ):
        with pytest.raises(Failure, match=f"the {name} is not what it was"):
            plant_again(local, changed)
        with refused("NotFoundException"):
            app(local).describe_key(KeyId=new)
    for changed in (SEED.replace(ACCOUNT, "111122224444", 1), SEED.replace("root@", "x@")):
        with pytest.raises(Failure, match=r"there is no account|not an access key id"):
            plant_again(local, changed)
    assert plant_again(local, more) == [f"key {new}"]
    assert app(local).describe_key(KeyId="alias/new")["KeyMetadata"]["Origin"] == "AWS_KMS"
    shorter = more.partition('[[users]]\nname = "reader"')[0]
    assert plant_again(local, shorter) == []
    assert app(local).describe_key(KeyId=new)["KeyMetadata"]["KeyState"] == "Enabled"
    local.installation.close()


def test_ids_that_are_taken(tmp_path: Path) -> None:
    """A seed takes no id of a key, user or access key that it did not make."""
    local = planted(tmp_path / "data")
    made = app(local).create_key()["KeyMetadata"]["KeyId"]
    app(local, "iam").create_user(UserName="other")
    key = app(local, "iam").create_access_key(UserName="other")["AccessKey"]["AccessKeyId"]
    user = '\n[[users]]\nname = "{0}"\n'
    with pytest.raises(Failure, match=f"The id {made} was given to a key before"):
        plant_again(local, f'{SEED}\n[[keys]]\nid = "{made}"\n')
    with pytest.raises(Failure, match="EntityAlreadyExists"):
        plant_again(local, SEED + user.format("other"))
    with pytest.raises(Failure, match=f"the access key {key} is not new"):
        plant_again(
            local, f'{SEED}{user.format("third")}access_keys = [{{id = "{key}", secret = "x"}}]\n'
        )
    assert plant_again(local, SEED + user.format("third")) == ["user third"]
    local.installation.close()


@pytest.mark.parametrize(
    ("part", "wrong", "said"),
    [
        ('"alias/app"', '"app"', "CreateAlias|alias"),
        ('"alias/app"', '"alias/aws/app"', "NotAuthorizedException|alias/aws"),
        ('env = "test"', '"aws:env" = "test"', "TagException|aws:"),
        ('"us-west-2"', '"eu-west-1"', "does not serve the Region `eu-west-1`"),
        ("kms:Decrypt", "kms Decrypt", "MalformedPolicyDocument"),
        ("AdministratorAccess", "NoSuchPolicy", "NoSuchEntity"),
        ('usage = "SIGN_VERIFY"', 'usage = "ENCRYPT_DECRYPT"', "ValidationException"),
        ("root@example.com", "nobody", "not an e-mail address"),
    ],
)
def test_what_aws_refuses(tmp_path: Path, part: str, wrong: str, said: str) -> None:
    """A seed that AWS would refuse is refused in its words, and leaves nothing."""
    assert SEED.count(part) == 1
    with pytest.raises(Failure, match=said):
        planted(tmp_path / "data", SEED.replace(part, wrong))


def test_a_refused_seed_leaves_nothing(tmp_path: Path) -> None:
    """Everything is planted, or nothing is; the corrected seed is planted whole."""
    local = planted(tmp_path / "data", SEED.partition("[[users]]")[0])
    records = recorded(local)
    with pytest.raises(Failure, match=f"the key {KEY} is refused"):
        plant_again(local, SEED.replace('"alias/app"', '"alias/aws/app"'))
    users = Client(local, local.admin, "iam").list_users()["Users"]
    assert [user["UserName"] for user in users] == ["admin"]
    assert Client(local, local.admin).list_keys()["Keys"] == []
    assert recorded(local) == records + 2  # the two calls above
    assert plant_again(local, SEED) == MADE
    local.installation.close()


# What the file may say


@pytest.mark.parametrize(
    ("part", "wrong", "said"),
    [
        ("version = 1", "version = 2", "in `version`"),
        ("version = 1", "", "missing required field `version`"),
        ('name = "app"', 'name = "app"\ncolour = 1', r"unknown field `colour`, in `users\[0\]`"),
        ("[account]", "[accounts]", "unknown field `accounts`"),
        ("enabled = false", 'enabled = "no"', r"in `keys\[2\].enabled`"),
        ("region =", "regin =", r"unknown field `regin`, in `keys\[1\].replicas\[0\]`"),
        ('"ECC_NIST_P256"', '"P256"', r"in `keys\[2\].spec`"),
        ('"ECC_NIST_P256"', '"ECC_NIST_P384"', "the material is no secret of the spec ECC_NIST_P3"),
        ("1d1e1f", "1d1e", "the material is no secret of the spec SYMMETRIC_DEFAULT"),
        ("1d1e1f", "1d1exx", "the material is no secret of the spec SYMMETRIC_DEFAULT"),
        (f'id = "{ACCOUNT}"', 'id = "1111"', "`1111` is not an account id"),
        (APP.access_key_id, "AKIAIOSFODNN7EXAMPLE", f"`{APP.access_key_id}` is one"),
        (APP.access_key_id, f"ASIA{APP.access_key_id[4:]}", "is not an access key id"),
        ('"not-a-secret"', '"not a secret"', "visible ASCII characters"),
        (f'"{KEY}"', f'"{KEY.upper()}"', "is not a key id"),
        (f'"{RELATED}"', f'"{KEY[:-1]}0"', "only a key whose id begins with `mrk-` has replicas"),
        ('region = "us-west-2"', "", r"a replica needs its `region`, in `keys\[1\]`"),
        (f'"{SIGNER}"', f'"{KEY}"', f"`{KEY}` stands twice, in `keys`"),
        ('"reader"', '"app"', "`app` stands twice, in `users`"),
        ("ECC_NIST_P256", "ML_DSA_44", "material of the spec ML_DSA_44 cannot be given"),
        ("version = 1", "version = ", "is not TOML"),
        ("version = 1", f"version = {'1' * 5000}", "is not TOML"),
    ],
)
def test_strictly(tmp_path: Path, part: str, wrong: str, said: str) -> None:
    """What is wrong in a seed is said, with its place, before anything is made."""
    assert SEED.count(part) == 1
    with pytest.raises(Failure, match=said) as caught:
        development.read_seed(written(tmp_path, SEED.replace(part, wrong)))
    assert caught.value.hint
    assert len(development.read_seed(written(tmp_path, SEED)).keys) == 3


def test_no_file(tmp_path: Path) -> None:
    """A seed that is not there, or is too long, is told plainly."""
    with pytest.raises(Failure, match="cannot read the seed"):
        development.read_seed(tmp_path / "none.toml")
    long = written(tmp_path, SEED + "#" * (1 << 20))
    with pytest.raises(Failure, match="longer than"):
        development.read_seed(long)


@pytest.mark.parametrize("line", ["a{}.b = 1", "[a{}]", "t = {{ a{} = 1 }}", "# a{}"])
def test_long_dotted_keys(tmp_path: Path, line: str) -> None:
    """A line with very many dots is refused before it is read; as many as are allowed are read."""
    dots = MOST_DOTS - line.count(".")
    with pytest.raises(Failure, match=r"line 1 of the seed .* has more than 64 dots"):
        development.read_seed(written(tmp_path, line.format(".a" * (dots + 1)) + "\n" + SEED))
    with pytest.raises(Failure, match=r"unknown field|missing required field"):
        development.read_seed(written(tmp_path, line.format(".a" * dots) + "\n"))


# It says so


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of the command line, with the example's seed."""
    folder = tmp_path_factory.mktemp("served")
    server = Server(folder / "data", free_port())
    seed = written(folder, SEED)
    server.start("--dev", "--seed", str(seed), "--region", OTHER_REGION)
    yield server
    server.stop()


def test_every_answer_says_so(served: Server) -> None:
    """Answers, refusals, pages, and answers to what is no request; other servers say nothing."""
    kms = served.client("kms", APP)
    answer = kms.describe_key(KeyId="alias/app")
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert (HEADER[0], headers[HEADER[0]]) == HEADER
    with refused("NotFoundException") as caught:
        kms.describe_key(KeyId="alias/none")
    assert caught.value.response["ResponseMetadata"]["HTTPHeaders"][HEADER[0]] == "true"
    with refused("InvalidClientTokenId") as caught:
        served.client("sts", Credentials("AKIAAAAA", "x")).get_caller_identity()
    assert caught.value.response["ResponseMetadata"]["HTTPHeaders"][HEADER[0]] == "true"
    for sent in (
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
        b"nonsense\r\n\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
    ):  # fmt: skip
        with socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE) as client:
            client.sendall(sent)
            received = client.recv(65536)
        assert b"\r\nX-Keystead-Development: true\r\n" in received


def test_other_servers_say_nothing(server: Server) -> None:
    answer = server.client("sts").get_caller_identity()
    assert HEADER[0] not in answer["ResponseMetadata"]["HTTPHeaders"]


def test_every_record_says_so(served: Server) -> None:
    """Those of its founding, of its seed, and of each call; `keystead status` tells it, too."""
    served.client("kms", APP).list_keys()
    shown = served.keystead("audit", "show", "--json", "--last", "1000").stdout.splitlines()
    records = [json.loads(line) for line in shown]
    names = [record["eventName"] for record in records]
    assert names[:2] == ["Initialize", "CreateAdministrator"]
    assert {"CreateUser", "CreateAccessKey", "CreateKey", "ImportKeyMaterial", "ReplicateKey",
            "CreateAlias", "ListKeys"} <= set(names)  # fmt: skip
    assert all(record["keystead"]["development"] is True for record in records)
    told = json.loads(served.keystead("status", "--json").stdout)
    assert told["development"] is True
    assert "an installation for development" in served.log()
    assert APP.secret not in "".join(shown)
    assert served.keystead("audit", "verify").returncode == 0


def test_other_records_say_nothing(tmp_path: Path) -> None:
    local = open_local(tmp_path / "data")
    assert local.kms("ListKeys").status == 200
    local.installation.close()
    lines = b"".join(each.read_bytes() for each in (tmp_path / "data" / "audit").glob("*.jsonl"))
    assert b"ListKeys" in lines
    assert b"development" not in lines
    assert b"evelopment" not in (tmp_path / "data" / SEAL_FILE).read_bytes()


# For ever


def serve(data: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """A `keystead serve` that ends by itself."""
    return subprocess.run(
        [BIN / "keystead", "serve", "--data", data, "--listen", "127.0.0.1:0", *options],
        capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip


def contents(data: Path) -> dict[Path, bytes]:
    """Every file of a data directory but the lock, which says who holds it."""
    files = (path for path in data.rglob("*") if path.is_file() and path.name != "lock")
    return {path: path.read_bytes() for path in files}


def test_it_is_not_served_as_another(tmp_path: Path) -> None:
    """Without `--dev` its directory is refused and not touched; with it, it is served."""
    seed, data = written(tmp_path, SEED), tmp_path / "data"
    server = Server(data, free_port())
    server.start("--dev", "--seed", str(seed), "--region", OTHER_REGION)
    blob = server.client("kms", APP).encrypt(KeyId=KEY, Plaintext=b"x")["CiphertextBlob"]
    assert server.stop() == 0
    before = contents(data)
    ended = serve(data)
    assert ended.returncode == 2
    assert "is an installation for development" in ended.stderr
    assert "start it with --dev" in ended.stderr
    assert contents(data) == before
    server.start("--dev", "--region", OTHER_REGION)
    assert server.client("kms", APP).decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    assert server.stop() == 0
    shutil.rmtree(data)
    server.start("--dev", "--seed", str(seed), "--region", OTHER_REGION)
    assert server.client("kms", APP).decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    assert server.stop() == 0


def test_another_is_not_served_as_one(tmp_path: Path) -> None:
    """`--dev` refuses every directory that it did not make, whatever else is asked."""
    local = open_local(tmp_path / "data")
    local.installation.close()
    ended = serve(tmp_path / "data", "--dev", "--seed", str(written(tmp_path, SEED)))
    assert ended.returncode == 2
    assert "is no installation for development, and cannot become one" in ended.stderr
    config = Config(data=str(tmp_path / "data"), regions=(REGION, OTHER_REGION))
    installation = Installation(config, lock(tmp_path / "data"), development=False)
    with pytest.raises(Failure, match="no installation for development"):
        development.plant(installation, development.read_seed(tmp_path / "seed.toml"), Path())
    installation.close()


def test_options_of_the_command_line(tmp_path: Path) -> None:
    """A seed needs `--dev`, and neither environment nor settings file can say either."""
    seed = str(written(tmp_path, SEED))
    ended = serve(tmp_path / "data", "--seed", seed)
    assert (ended.returncode, "give --dev, too" in ended.stderr) == (2, True)
    assert not (tmp_path / "data").exists()
    for name in ("dev", "seed", "development"):
        with pytest.raises(Failure, match="unknown setting"):
            founding_settings(tmp_path, f'{name} = "{seed}"')


def founding_settings(folder: Path, line: str) -> None:
    from keystead.server.installation import config  # noqa: PLC0415  # beside its namesakes

    (folder / "settings.toml").write_text(line)
    config.load(folder / "settings.toml", {}, {})


def rewritten(data: Path, root: RootKey | None, **changes: Any) -> None:
    """Change `seal.json`; with a new MAC if the root key is known."""
    path = data / SEAL_FILE
    seal = msgspec.structs.replace(sealfile.decode(path.read_bytes(), "seal"), **changes)
    if root is not None:
        key = root._key  # a thief's
        plain = RootKey(root.installation, root.incarnation, root.generation, key)
        seal = seal.authenticated(plain.derive("keystead/1/seal file"))
    path.write_bytes(sealfile.encode(seal))


@pytest.mark.parametrize("was", [True, False])
@pytest.mark.parametrize("knows", [False, True])
def test_the_mark_is_for_ever(tmp_path: Path, was: bool, knows: bool) -> None:
    """Nobody sets it or removes it: not in the file, and not even with the root key in hand."""
    data = tmp_path / "data"
    (planted(data) if was else open_local(data)).installation.close()
    root = open_root(data)
    assert root.development is was
    mark: Any = msgspec.UNSET if was else True
    rewritten(data, root if knows else None, development=mark)
    config = Config(data=str(data), regions=(REGION, OTHER_REGION))
    if not knows:
        with pytest.raises(SealError, match="is damaged, or was changed"):
            Installation(config, lock(data))
        return
    assert open_root(data).development is not was
    with pytest.raises(StoreCorrupt):
        Installation(config, lock(data), development=not was)


def test_recovery_keeps_the_mark(tmp_path: Path) -> None:
    """The recovery key opens an installation for development as what it is."""
    local = planted(tmp_path / "data")
    local.installation.close()
    sheet = (tmp_path / "data" / "recovery-key.txt").read_text()
    assert recover(tmp_path / "data", sheet, FileSeal()).development
    config = Config(data=str(tmp_path / "data"), regions=(REGION, OTHER_REGION))
    held = lock(tmp_path / "data")
    with pytest.raises(Failure, match="is an installation for development"):
        Installation(config, held, development=False)
    again = Installation(config, held, development=True)
    opened = Local(again, local.founded, local.time)
    assert app(opened).describe_key(KeyId="alias/app")["KeyMetadata"]["KeyId"] == KEY
    again.close()


def test_keys_of_two_kinds_have_nothing_in_common() -> None:
    """The same root key derives other keys for an installation for development."""
    plain = RootKey("i", "j", 1, bytes(32))
    marked = replace(plain, development=True)
    assert plain.derive("a") != marked.derive("a")
    assert marked.derive("a") == plain.derive("development/a")


# On this machine only


@pytest.mark.parametrize(
    "setting",
    [
        {"listen": ("0.0.0.0:0",), "allow_plain_http": True},  # refused
        {"listen": ("127.0.0.1:0", "[::]:0"), "allow_plain_http": True},
        {"listen": ("kms.example.com:0",), "tls_certificate": "a", "tls_key": "b"},
        {"metrics_listen": "0.0.0.0:0"},
        {"trusted_proxies": ("127.0.0.1",)},
    ],
)
def test_on_this_machine_only(setting: dict[str, Any]) -> None:
    """Whatever would let another machine in is refused; the loopback addresses are not."""
    with pytest.raises(Failure, match="with --dev"):
        development.require_local(Config(**setting))
    development.require_local(
        Config(listen=("127.0.0.1:0", "[::1]:0", "localhost:0"), metrics_listen="127.0.0.1:0")
    )


def test_the_command_line_refuses_others(tmp_path: Path) -> None:
    """Nothing is made before the refusal."""
    ended = serve(tmp_path / "data", "--dev", "--metrics-listen", "0.0.0.0:0")
    assert ended.returncode == 2
    assert "with --dev nobody listens on `0.0.0.0:0`" in ended.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "named",
    [
        {"host": "evil.example:8420"},  # DNS rebinding
        {"host": "localhost.evil.example"},
        {"host": "10.0.0.1"},
        {"host": "[::1"},
        {},
        {"host": "localhost", "origin": "http://localhost:3000"},
        {"host": "127.0.0.1:8420", "sec-fetch-site": "cross-site"},  # a signed URL in an image
    ],
)
def test_no_page_of_the_web(named: dict[str, str]) -> None:
    """A browser that a page uses is refused."""
    assert development.is_of_a_page(named, "")


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8420", "kms.localhost", "127.0.0.1:8420", "[::1]:8420", "kms"]
)
def test_programs_of_this_machine(host: str) -> None:
    """They name it, or the host of its endpoint. A person may open a page of it."""
    assert not development.is_of_a_page({"host": host, "sec-fetch-site": "none"}, "http://kms:1")


def test_a_browser_gets_nothing(served: Server) -> None:
    """Neither a page nor a call, and the answer says what serves here; curl gets the page."""
    for path in ("/", "/healthz"):
        for sent in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
            with pytest.raises(HTTPError, match="403") as caught:
                urlopen(Request(served.endpoint + path, headers=sent), timeout=PATIENCE)
            assert caught.value.headers[HEADER[0]] == "true"
            assert b"for development" in caught.value.read()
    assert urlopen(f"{served.endpoint}/healthz", timeout=PATIENCE).status == 200


def test_no_proxy_comes_later(tmp_path: Path) -> None:
    """SIGHUP does not let a proxy in, as it does elsewhere."""
    settings = tmp_path / "settings.toml"
    settings.write_text('log_level = "info"\n')
    server = Server(tmp_path / "data", free_port())
    server.start("--dev", "--config", str(settings))
    assert server.process is not None
    settings.write_text('log_level = "info"\ntrusted_proxies = ["127.0.0.1"]\n')
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "with --dev no proxy is trusted" in server.log())
    settings.write_text('log_level = "info"\n')
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "the settings were read again" in server.log())
    assert server.stop() == 0
