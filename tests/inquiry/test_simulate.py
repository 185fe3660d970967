"""`keystead simulate` tests expectations, about a live installation and about a folder."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from keystead import cli
from keystead.arns import partition_of, speak
from tests.conftest import Server, create_user, policy, refused

ACCOUNT, OTHER = "111122223333", "444455556666"
KEY_ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{KEY_ID}"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
CONTEXT = "kms:EncryptionContext:app"
ENCRYPT = {"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*"}
DOCS = Path(__file__).parents[2] / "docs" / "simulate.md"

Json = dict[str, Any]


def expectation(**more: Any) -> Json:
    return {
        "name": "one", "principal": ALICE, "action": "kms:Encrypt", "resource": KEY,
        "expect": "Allowed", **more,
    }  # fmt: skip


def delegating(account: str = ACCOUNT) -> Json:
    root = {"AWS": f"arn:aws:iam::{account}:root"}
    return {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}


def when(operator: str, key: str, *values: str) -> Json:
    return {"Condition": {operator: {key: list(values)}}}


class Ran(NamedTuple):
    """What a command line gave."""

    returncode: int
    stdout: str
    stderr: str


class Folder:
    """A folder of policies in which alice may encrypt, and its expectations."""

    def __init__(self, tmp_path: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.capture = capture
        self.path = tmp_path / "policies"
        self.file = tmp_path / "expectations.json"
        self.write(f"{ACCOUNT}/users/alice/own.json", policy({**ENCRYPT, "Sid": "own"}))
        self.write(f"{ACCOUNT}/keys/{KEY_ID}.json", policy(delegating()))

    def write(self, name: str, text: str) -> None:
        place = self.path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def expect(self, *expectations: object) -> None:
        self.file.write_text(json.dumps(expectations))

    def run(self, *more: str) -> "Ran":
        """What the command says, in this process: a new one takes a second to start."""
        arguments = ("simulate", str(self.file), "--policies", str(self.path), *more)
        self.capture.readouterr()
        status = cli.run(arguments)
        said = self.capture.readouterr()
        assert "should not have happened" not in said.err
        return Ran(status, said.out, said.err)

    def decided(self, **more: Any) -> str:
        """What is decided for alice, and that an expectation of it holds."""
        self.expect(expectation(expect="Denied", **more))
        found = json.loads(self.run("--json").stdout)
        decision = str(found["results"][0]["checks"][0]["decision"])
        self.expect(expectation(**{**more, "expect": decision}))
        assert self.run().returncode == 0
        return decision

    def wrong(self, *words: str) -> None:
        """The folder, or the file, is refused in these words."""
        ran = self.run()
        assert (ran.returncode, ran.stdout) == (2, "")
        assert "keystead: hint: " in ran.stderr
        for word in words:
            assert word in ran.stderr


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Folder:
    return Folder(tmp_path, capsys)


# What is expected


def test_what_holds_and_what_does_not(folder: Folder) -> None:
    """One line for each; of what does not hold, the decision and the statement that decided."""
    folder.expect(
        expectation(by="own"),
        expectation(name="two", expect="ImplicitlyDenied"),
        expectation(name="three", action=["kms:Encrypt", "kms:Decrypt"]),
    )
    ran = folder.run()
    assert ran.returncode == 1
    lines = ran.stdout.splitlines()
    assert lines[0] == "ok      one"
    assert lines[1:3] == [
        "NOT OK  two",
        f"        kms:Encrypt on {KEY}: expected ImplicitlyDenied, it is Allowed",
    ]
    assert f"        Allow in identity-based policy own of {ALICE}, statement 1 `own`" in lines
    assert "NOT OK  three" in lines
    assert f"        kms:Decrypt on {KEY}: expected Allowed, it is ImplicitlyDenied" in lines
    assert lines[-1] == "3 expectations: 1 held, 2 did not"

    folder.expect(expectation(by="own"))
    ran = folder.run()
    assert (ran.returncode, ran.stdout) == (0, "ok      one\n\n1 expectation: all held\n")


@pytest.mark.parametrize(
    ("by", "holds"),
    [
        ("own", True),  # the Sid; the policy's name, too
        ("identity-based policy", True),
        ("default", True),  # the key policy delegates
        ("other", False),
        ("permissions boundary", False),
    ],
)
def test_who_decides(folder: Folder, by: str, holds: bool) -> None:
    """`by` is a Sid, a policy or a kind of policy; another one decides nothing."""
    folder.expect(expectation(by=by))
    ran = folder.run()
    assert ran.returncode == (0 if holds else 1)
    assert holds or f"expected to be decided by `{by}`" in ran.stdout


def test_who_needs_no_permission(folder: Folder) -> None:
    """What is open to everybody is not the root user's right; what the root user may do is."""
    anybody = {"action": "sts:GetCallerIdentity", "resource": "*", "expect": "ImplicitlyDenied"}
    root = {"name": "root", "principal": ROOT, "expect": "ImplicitlyDenied"}
    folder.expect(expectation(**anybody), expectation(**root))
    lines = [line.strip() for line in folder.run().stdout.splitlines()]
    assert "allowed to everybody" in lines
    assert [line for line in lines if line.startswith("allowed by the")] == [
        "allowed by the resource-based policy"
    ]


def test_for_machines(folder: Folder) -> None:
    """The same as data, with the statements, and the same exit status."""
    folder.expect(expectation(), expectation(name="two", action="kms:Decrypt"))
    ran = folder.run("--json")
    assert ran.returncode == 1
    found = json.loads(ran.stdout)
    assert (found["holds"], found["expectations"], found["notHolding"]) == (False, 2, 1)
    one, two = found["results"]
    assert (one["holds"], two["holds"]) == (True, False)
    assert one["checks"][0]["statements"][-1]["sid"] == "own"
    assert two["checks"][0]["decision"] == "ImplicitlyDenied"
    assert two["checks"][0]["message"].endswith("allows the kms:Decrypt action")


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([], "is not a list of expectations"),
        (["one"], "expectation 1"),
        ([expectation(), {**expectation(name="two"), "principle": "x"}],
         "expectation 2 `two`: it contains unknown field `principle`"),
        ([{"name": "two"}], "expectation 1 `two`"),
        ([expectation(), expectation()], "expectations 1 and 2 have the same name `one`"),
        ([expectation(expect="Deny")], "`expect`"),
        ([expectation(action="kms:*")], "`kms:*` is not an action"),
        ([expectation(action=[])], "`action` is empty"),
        ([expectation(name=" ")], "`name`"),
        ([expectation(name="\x1b[2J")], "`name`"),
        ([expectation(context={"app": "x"})], "`app` is not a condition key"),
        ([expectation(context={"aws:A": "x", "aws:a": "x"})], "differ only by case"),
        ([expectation(context={"aws:a": 1})], "`context"),
        ([expectation(context={"aws:a": "x" * 40_000})], "longer than"),
        ([expectation(), expectation(name="two", principal=f"{ALICE}2")],
         f"expectation 2 `two`: there is no principal `{ALICE}2`"),
        ([expectation(resource=f"{KEY}2")], "there is no key"),
        ([expectation(resource="key")], "`key` is not an ARN"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong(folder: Folder, entries: list[object], words: str) -> None:
    """Which entry, which member, and what to do; nothing is tested."""
    folder.expect(*entries)
    folder.wrong("expectations.json", words)


def test_a_file_that_is_none(folder: Folder) -> None:
    """A file that is missing, or is not JSON, by line; a member that occurs twice."""
    folder.wrong("no such file")
    folder.file.write_text('[\n{"name": "x",}]')
    folder.wrong("not JSON", "line 2")
    folder.file.write_text('[{"name": "x", "name": "y"}]')
    folder.wrong("twice")


# What is in the folder


def test_every_kind_of_policy(folder: Folder) -> None:
    """Groups, managed policies, boundaries, SCPs and RCPs each change what is decided."""
    decrypt = {**ENCRYPT, "Action": "kms:Decrypt"}
    assert folder.decided(action="kms:Decrypt") == "ImplicitlyDenied"
    folder.write(f"{ACCOUNT}/groups/readers/inline.json", policy(decrypt))
    assert folder.decided(action="kms:Decrypt") == "ImplicitlyDenied"
    folder.write(f"{ACCOUNT}/groups/readers/group.toml", 'members = ["Alice"]')
    assert folder.decided(action="kms:Decrypt") == "Allowed"

    folder.write(f"{ACCOUNT}/managed/sign.json", policy({**ENCRYPT, "Action": "kms:Sign"}))
    assert folder.decided(action="kms:Sign") == "ImplicitlyDenied"
    folder.write(f"{ACCOUNT}/users/alice/user.toml", 'attached = ["sign"]')
    assert folder.decided(action="kms:Sign") == "Allowed"
    arn = "arn:aws:iam::aws:policy/AdministratorAccess"
    folder.write(f"{ACCOUNT}/users/alice/user.toml", f'attached = ["{arn}"]')
    assert folder.decided(action="kms:Verify") == "Allowed"
    folder.write(f"{ACCOUNT}/users/alice/user.toml", f'attached = ["{arn}"]\nboundary = "sign"')
    assert folder.decided(action="kms:Verify") == "ImplicitlyDenied"
    assert folder.decided(action="kms:Sign") == "Allowed"

    folder.write("scps/full.json", policy({"Effect": "Allow", "Action": "*", "Resource": "*"}))
    assert folder.decided(action="kms:Sign") == "Allowed"
    folder.write(f"{ACCOUNT}/scps/no.json", policy({**ENCRYPT, "Action": "s3:*"}))
    assert folder.decided(action="kms:Sign", by="service control policy") == "ImplicitlyDenied"
    folder.write(f"{ACCOUNT}/scps/no.json", policy({**ENCRYPT, "Action": "kms:*"}))
    assert folder.decided(action="kms:Sign") == "Allowed"
    sealed = {"Effect": "Deny", "Principal": "*", "Action": "kms:Sign", "Resource": "*"}
    folder.write("rcps/sealed.json", policy(sealed))
    assert folder.decided(action="kms:Sign", by="sealed") == "ExplicitlyDenied"


def test_facts_are_condition_keys(folder: Folder) -> None:
    """Tags, aliases and the rest are there for conditions; the time is what `context` says."""
    conditions = {
        "kms:Encrypt": when("StringEquals", "aws:PrincipalTag/Team", "red"),
        "kms:Decrypt": when("StringEquals", "aws:ResourceTag/class", "secret"),
        "kms:Sign": when("ForAnyValue:StringEquals", "kms:ResourceAliases", "alias/orders"),
        "kms:Verify": when("StringEquals", "kms:KeySpec", "RSA_2048"),
        "kms:GetPublicKey": when("StringEquals", "kms:CallerAccount", ACCOUNT),
        "kms:DescribeKey": when("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:user/*"),
        "kms:GenerateMac": when("DateLessThan", "aws:CurrentTime", "2030-01-01T00:00:00Z"),
    }
    folder.write(
        f"{ACCOUNT}/users/alice/own.json",
        policy(*({**ENCRYPT, "Action": action, **more} for action, more in conditions.items())),
    )
    bare = {action: folder.decided(action=action) for action in conditions}
    assert {action for action, decision in bare.items() if decision == "Allowed"} == {
        "kms:GetPublicKey", "kms:DescribeKey",
    }  # fmt: skip
    folder.write(f"{ACCOUNT}/users/alice/user.toml", 'tags = {team = "red"}')
    folder.write(
        f"{ACCOUNT}/keys/{KEY_ID}.toml",
        'aliases = ["alias/orders"]\ntags = {class = "secret"}\n'
        'spec = "RSA_2048"\nusage = "SIGN_VERIFY"',
    )
    now = {"aws:CurrentTime": "2026-01-01T00:00:00Z"}
    told = {action: folder.decided(action=action, context=now) for action in conditions}
    assert set(told.values()) == {"Allowed"}


def test_other_accounts_and_regions(folder: Folder) -> None:
    """Each account has its own users and keys; a key policy means those of the folder."""
    bob = f"arn:aws:iam::{OTHER}:user/team/bob"
    folder.write(f"{OTHER}/users/bob/own.json", policy(ENCRYPT))
    folder.write(f"{OTHER}/users/bob/user.toml", 'path = "/team/"')
    assert folder.decided(principal=bob) == "ImplicitlyDenied"
    folder.write(
        f"{ACCOUNT}/keys/{KEY_ID}.json",
        policy(delegating(), {**ENCRYPT, "Principal": {"AWS": [bob, f"{OTHER}"]}}),
    )
    assert folder.decided(principal=bob) == "Allowed"
    assert folder.decided(principal=ROOT) == "Allowed"
    folder.write(f"{ACCOUNT}/keys/{KEY_ID}.toml", 'region = "eu-central-1"')
    folder.expect(expectation())
    folder.wrong("there is no key", "region")
    assert folder.decided(resource=KEY.replace("us-east-1", "eu-central-1")) == "Allowed"


PARTITIONS = {"aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}


@pytest.fixture
def spoken() -> Iterator[None]:
    """What a process speaks is told once: here it is told again."""
    yield
    speak(partition_of("us-east-1"))


@pytest.mark.usefixtures("spoken")
@pytest.mark.parametrize("partition", PARTITIONS)
def test_other_partitions(folder: Folder, partition: str) -> None:
    """A folder is of the partition of those asked about; AWS's own policies as well."""

    def there(arn: str) -> str:
        return arn.replace("arn:aws:", f"arn:{partition}:").replace("us-east-1", region)

    region = PARTITIONS[partition]
    alice, root, key = there(ALICE), there(ROOT), there(KEY)
    asked = {"principal": alice, "resource": key}
    folder.write(f"{ACCOUNT}/keys/{KEY_ID}.json", there(policy(delegating())))
    assert folder.decided(**asked) == "Allowed"
    assert folder.decided(principal=root, resource=key) == "Allowed"
    power = there("arn:aws:iam::aws:policy/PowerUserAccess")
    folder.write(f"{ACCOUNT}/users/alice/user.toml", f'attached = ["{power}"]')
    assert folder.decided(**asked, action="kms:ListAliases") == "Allowed"
    folder.write(f"{ACCOUNT}/users/alice/own.json", policy({**ENCRYPT, "Resource": key}))
    folder.write(
        f"{ACCOUNT}/keys/{KEY_ID}.json", policy({**ENCRYPT, "Principal": {"AWS": [alice, root]}})
    )
    assert folder.decided(**asked) == "Allowed"
    folder.expect(expectation(**asked))
    folder.write(f"{ACCOUNT}/keys/{KEY_ID}.toml", 'region = "eu-central-1"')
    folder.wrong(f"`eu-central-1` is of the partition `aws`, not `{partition}`")
    folder.write(f"{ACCOUNT}/keys/{KEY_ID}.toml", f'region = "{region}"')
    folder.write(f"{ACCOUNT}/users/alice/own.json", policy({**ENCRYPT, "Resource": KEY}))
    folder.wrong('Partition "aws" is not valid')


def test_one_file_is_about_one_partition(folder: Folder) -> None:
    """A folder is of one."""
    folder.expect(
        expectation(), expectation(name="two", principal=ALICE.replace("aws", "aws-cn", 1))
    )
    folder.wrong("several partitions: `aws`, `aws-cn`")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("1234/users/alice/own.json", "{}", "1234`: it is not an account"),
        (f"{ACCOUNT}/user/alice/own.json", "{}", "user`: an account has only"),
        (f"{ACCOUNT}/users/alice.json", "{}", "only folders"),
        (f"{ACCOUNT}/users/alice/notes.txt", "", "it is not a policy"),
        (f"{ACCOUNT}/users/alice/group.toml", "", "it is not a policy"),
        (f"{ACCOUNT}/users/Alice/own.json", policy(ENCRYPT), "differ only by case"),
        (f"{ACCOUNT}/users/alice/own.json", policy({**ENCRYPT, "Effect": "allow"}), "own.json"),
        (f"{ACCOUNT}/users/alice/own.json", policy({**ENCRYPT, **when("StringEquals",
         "kms:Nothing", "x")}), "Condition key kms:Nothing is not supported"),
        (f"{ACCOUNT}/users/alice/own.json", policy({**ENCRYPT, "Sid": "x" * 3000}),
         "alice`: its inline policies are longer"),
        (f"{ACCOUNT}/managed/big.json", policy({**ENCRYPT, "Sid": "x" * 7000}),
         "big.json`: it is longer"),
        (f"{ACCOUNT}/users/alice/user.toml", 'attached = ["none"]', "no managed policy `none`"),
        (f"{ACCOUNT}/users/alice/user.toml", "atached = []", "unknown field `atached`"),
        (f"{ACCOUNT}/users/alice/user.toml", "attached", "user.toml"),
        (f"{ACCOUNT}/users/alice/user.toml", 'path = "team"', "the path `team`"),
        (f"{ACCOUNT}/users/alice/user.toml", "tags = {a = 'x', A = 'y'}", "only by case"),
        (f"{ACCOUNT}/groups/g/group.toml", 'members = ["nobody"]', "`nobody` is not a user"),
        (f"{ACCOUNT}/keys/{KEY_ID}.json", policy({**ENCRYPT, "Principal": {"AWS": f"{ALICE}2"}}),
         f"{ALICE}2"),
        (f"{ACCOUNT}/keys/{KEY_ID}.json", policy(ENCRYPT), f"{KEY_ID}.json"),
        (f"{ACCOUNT}/keys/other.toml", "", "no key policy with this name"),
        (f"{ACCOUNT}/keys/{KEY_ID}.toml", 'spec = "RSA"', "spec"),
        (f"{ACCOUNT}/keys/{KEY_ID}.toml", 'aliases = ["orders"]', "does not begin with alias/"),
        ("rcps/a.json", policy({**ENCRYPT, "Principal": "*"}), "a.json"),
    ],
)  # fmt: skip
def test_a_folder_that_is_wrong(folder: Folder, name: str, text: str, words: str) -> None:
    """A file that means nothing, or that could not be stored, is named; nothing is tested."""
    folder.expect(expectation())
    folder.write(name, text)
    folder.wrong(str(folder.path / ACCOUNT if ACCOUNT in name else folder.path), words)


def test_what_is_not_ours(folder: Folder) -> None:
    """A README and hidden files are left alone; a folder that is missing is an error."""
    for place in ("", f"{ACCOUNT}/", f"{ACCOUNT}/users/", f"{ACCOUNT}/users/alice/"):
        folder.write(f"{place}README.md", "notes")
        folder.write(f"{place}.gitkeep", "")
    assert folder.decided() == "Allowed"
    folder.path = folder.path / "none"
    folder.wrong("it is not a folder")


def test_the_documented_example(folder: Folder) -> None:
    """The files of docs/simulate.md, and what the page says that they give."""
    text = DOCS.read_text()
    named = re.findall(
        r"`([a-z0-9-]+/[^`]+|expectations\.json)`[^`]*:\n\n```\w+\n(.*?)```", text, re.DOTALL
    )
    for name, content in named:
        if name == "expectations.json":
            folder.file.write_text(content)
        else:
            folder.write(f"docs/{ACCOUNT}/{name}", content)
    folder.write(f"docs/{ACCOUNT}/users/bob/user.toml", "")
    folder.path = folder.path / "docs"
    assert len(named) == 8
    ran = folder.run()
    assert ran.stderr == ""
    shown = text.partition("$ keystead simulate expectations.json --policies policies\n")[2]
    assert ran.stdout == shown.partition("```")[0]

    wider = (folder.path / ACCOUNT / "managed/decrypt.json").read_text()
    (folder.path / ACCOUNT / "managed/decrypt.json").write_text(wider.replace("Decrypt", "*"))
    failing = text.partition("the last would say\n\n```\n")[2].partition("```")[0]
    assert failing in folder.run().stdout


# A live installation


def test_a_live_installation(server: Server) -> None:
    """What holds is what the server does, for a user of its own; nothing is recorded."""
    name = create_user(
        server, "simulated", {**ENCRYPT, "Sid": "own", **when("StringEquals", CONTEXT, "a")}
    )
    kms = server.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    arn = server.client("iam").get_user(UserName="simulated")["User"]["Arn"]
    asked = {"principal": arn, "resource": key}
    file = server.data.parent / "expectations.json"
    many = [
        expectation(**asked, name=f"again {number}", expect="ImplicitlyDenied")
        for number in range(120)
    ]
    for large in many[:5]:  # more together than one request to the server may have
        large["context"] = {"aws:Referer": "x" * 20_000}
    file.write_text(json.dumps([
        expectation(**asked, context={CONTEXT: "a"}, by="own"),
        expectation(**asked, name="two", context={CONTEXT: "b"}, expect="Denied"),
        *many,
    ]))  # fmt: skip
    before = server.keystead("audit", "show", "--last", "1", "--json").stdout
    ran = server.keystead("simulate", str(file))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines()[-1] == "122 expectations: all held"
    assert server.keystead("audit", "show", "--last", "1", "--json").stdout == before

    server.client("kms", name).encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"app": "a"})
    with refused("AccessDeniedException"):
        server.client("kms", name).encrypt(
            KeyId=key, Plaintext=b"x", EncryptionContext={"app": "b"}
        )

    server.client("iam").delete_user_policy(UserName="simulated", PolicyName="inline")
    ran = server.keystead("simulate", str(file))
    assert ran.returncode == 1
    assert "expected Allowed, it is ImplicitlyDenied" in ran.stdout

    file.write_text(json.dumps([expectation(**asked), expectation(name="two")]))
    ran = server.keystead("simulate", str(file))
    assert ran.returncode == 2
    assert "expectation 2 `two`: there is no principal" in ran.stderr
