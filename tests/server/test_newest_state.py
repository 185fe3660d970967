"""What was revoked stays revoked when older rows or pages of the database are put back (RK-5).

The attacker of these tests writes to the database as if the keys were his own (single rows), or
puts back pages that he copied earlier (what somebody without any key can do).
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from botocore.exceptions import ClientError

from keystead.audit.log.recovery import OlderState
from keystead.custody.hierarchy import Hierarchy
from keystead.custody.rows.rows import RowIntegrityError, SealedTable
from keystead.custody.seals.root import open_root
from keystead.custody.state import examine
from keystead.identity.access_keys import IssuedKey
from keystead.server.installation.config import Config
from keystead.server.installation.installation import Installation
from keystead.server.installation.opening import lock
from keystead.store.protocol import Row, StoreCorrupt, StoreUnavailable
from keystead.store.sqlite.engine import SqliteStore, open_store
from tests.agent.stored import stored_instance
from tests.anywhere.stored import stored_rows, stored_visit
from tests.conftest import Server, create_user, refused
from tests.console.browser import Site
from tests.console.everybody import everybody
from tests.federation.saml_issuer import described
from tests.federation.saml_land import SamlLand
from tests.identity.saml_documents import metadata, pem
from tests.importing import wrapped
from tests.older_policies import as_older
from tests.server import sdk
from tests.server.installations import REGION, Local, open_local
from tests.server.second_factors import Somebody
from tests.services.land import asked_by, store

PAGE = 4096
STORE = "keystead.db"
KEPT = {"audit_outbox", "audit_anchor", "schema_migrations"}  # what an attacker leaves new
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}]})  # fmt: skip
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"},
     "Action": "sts:AssumeRole"}]})  # fmt: skip
WIDER = POLICY.replace("kms:Decrypt", "*")


def everything(local: Local) -> None:
    """A life that writes to every table, and replaces rows of every table that allows it."""
    for name in ("alice", "bob"):
        local.iam("CreateUser", UserName=name)
        local.iam("PutUserPolicy", UserName=name, PolicyName="p", PolicyDocument=WIDER)
        local.iam("PutUserPolicy", UserName=name, PolicyName="p", PolicyDocument=POLICY)
        local.iam("CreateAccessKey", UserName=name)
    arn = local.iam("CreatePolicy", PolicyName="wide", PolicyDocument=WIDER).body
    arn_text = arn.decode().partition("<Arn>")[2].partition("</Arn>")[0]
    local.iam("CreatePolicyVersion", PolicyArn=arn_text, PolicyDocument=POLICY, SetAsDefault="true")
    local.iam("CreateGroup", GroupName="staff")
    local.iam("AddUserToGroup", GroupName="staff", UserName="alice")
    local.iam("AttachGroupPolicy", GroupName="staff", PolicyArn=arn_text)
    local.iam("CreateRole", RoleName="worker", AssumeRolePolicyDocument=TRUST)
    local.iam("UpdateRole", RoleName="worker", MaxSessionDuration="7200")
    local.iam("CreateInstanceProfile", InstanceProfileName="web")
    local.iam("AddRoleToInstanceProfile", InstanceProfileName="web", RoleName="worker")
    account = local.founded.account_id
    local.iam("RemoveRoleFromInstanceProfile", InstanceProfileName="web", RoleName="worker")
    local.iam("AddRoleToInstanceProfile", InstanceProfileName="web", RoleName="worker")
    stored_instance(local.installation, account, REGION, "web")
    stored_anywhere(local)
    provider = {"OpenIDConnectProviderArn": f"arn:aws:iam::{account}:oidc-provider/idp.example"}
    local.iam("CreateOpenIDConnectProvider", Url="https://idp.example")
    for client in ("app", "web"):
        local.iam("AddClientIDToOpenIDConnectProvider", **provider, ClientID=client)
    saml = {"SAMLProviderArn": f"arn:aws:iam::{account}:saml-provider/idp"}
    local.iam("CreateSAMLProvider", Name="idp", SAMLMetadataDocument=metadata())
    for document in (metadata(), described("idp")):
        local.iam("UpdateSAMLProvider", **saml, SAMLMetadataDocument=document, AddPrivateKey=pem())
    land = SamlLand(local)
    land.roles["web"] = land.role("vouched")
    assert land.assume().status == 200
    local.iam("UpdateAccountPasswordPolicy", MinimumPasswordLength="12")
    local.iam("UpdateAccountPasswordPolicy", MinimumPasswordLength="14")
    local.iam("CreateLoginProfile", Password="A-long-password-1")
    for _ in range(2):
        local.iam("ChangePassword", OldPassword="another", NewPassword="A-long-password-2")
        local.time.passes(timedelta(seconds=2))
    local.iam("UpdateLoginProfile", UserName="admin", PasswordResetRequired="true")
    Somebody(local, "carol").session()
    sign_in(local)
    everybody(local)
    local.organizations("CreateOrganization", FeatureSet="CONSOLIDATED_BILLING")
    request = local.organizations("EnableAllFeatures").json["Handshake"]["Id"]
    local.organizations("AcceptHandshake", HandshakeId=request)
    root = local.organizations("ListRoots").json["Roots"][0]["Id"]
    unit = local.organizations("CreateOrganizationalUnit", ParentId=root, Name="unit")
    unit_id = unit.json["OrganizationalUnit"]["Id"]
    local.organizations("UpdateOrganizationalUnit", OrganizationalUnitId=unit_id, Name="renamed")
    local.organizations("EnablePolicyType", RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    policy = local.organizations(
        "CreatePolicy", Name="p", Description="", Type="SERVICE_CONTROL_POLICY", Content=POLICY
    ).json["Policy"]["PolicySummary"]["Id"]
    local.organizations("UpdatePolicy", PolicyId=policy, Content=WIDER)
    local.organizations("AttachPolicy", PolicyId=policy, TargetId=unit_id)
    member = local.organizations("CreateAccount", Email="m@example.com", AccountName="m").json
    left = local.organizations("CreateAccount", Email="l@example.com", AccountName="l").json
    left_id = left["CreateAccountStatus"]["AccountId"]
    closed = local.organizations("CreateAccount", Email="c@example.com", AccountName="c").json
    closed_id = closed["CreateAccountStatus"]["AccountId"]
    assert local.organizations("CloseAccount", AccountId=closed_id).status == 200
    local.organizations("RemoveAccountFromOrganization", AccountId=left_id)
    local.organizations("InviteAccountToOrganization", Target={"Type": "ACCOUNT", "Id": left_id})
    for action in ("organizations:ListRoots", "organizations:ListAccounts"):
        local.organizations(
            "PutResourcePolicy",
            Content=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": {
                        "Effect": "Allow",
                        "Action": action,
                        "Resource": "*",
                        "Principal": {"AWS": member["CreateAccountStatus"]["AccountId"]},
                    },
                }
            ),
        )
    service = {"ServicePrincipal": "sso.amazonaws.com"}
    local.organizations("EnableAWSServiceAccess", **service)
    local.organizations(
        "RegisterDelegatedAdministrator",
        AccountId=member["CreateAccountStatus"]["AccountId"], **service,
    )  # fmt: skip
    local.organizations("EnableAWSServiceAccess", ServicePrincipal="iam.amazonaws.com")
    local.iam("EnableOrganizationsRootSessions")
    gone = local.kms("CreateKey").json["KeyMetadata"]["KeyId"]
    kept = local.kms("CreateKey").json["KeyMetadata"]["KeyId"]
    local.kms("CreateAlias", AliasName="alias/a", TargetKeyId=kept)
    local.kms("CreateKey", MultiRegion=True)
    import_material(local)
    root_user = f"arn:aws:iam::{account}:root"
    local.kms("CreateGrant", KeyId=kept, GranteePrincipal=root_user, Operations=["Decrypt"])
    for _ in range(2):
        local.kms("GenerateDataKey", KeyId=kept, KeySpec="AES_256")
        local.installation.upkeep.write_key_uses(at_once=True)
    local.kms("DisableKey", KeyId=kept)
    ec2 = partial(sdk.call, local, "ec2", who=local.admin)
    for vpc in ("vpc-01234567", "vpc-12345678"):
        made = ec2("CreateVpcEndpoint", VpcId=vpc, VpcEndpointType="Interface",
                   ServiceName=f"com.amazonaws.{REGION}.kms")  # fmt: skip
        ec2("ModifyVpcEndpoint", VpcEndpointId=made["VpcEndpoint"]["VpcEndpointId"],
            PrivateDnsEnabled=False)  # fmt: skip
    for hops in (2, 3):
        ec2("ModifyInstanceMetadataDefaults", HttpPutResponseHopLimit=hops)
    local.installation.commit()
    local.kms("ScheduleKeyDeletion", KeyId=gone, PendingWindowInDays=7)
    assert store(local).forward(asked_by(local, local.admin)).status == 200
    older = local.kms("CreateKey").json["KeyMetadata"]["KeyId"]
    with local.installation.store.write() as transaction:
        as_older(local.installation.keys, transaction, (account, REGION, older))
    local.installation.upkeep.remember_time()


def stored_anywhere(local: Local) -> None:
    """What Roles Anywhere remembers, for a role."""
    here, account = local.installation, local.founded.account_id
    role = here.identities.roles.named(here.store.read(), account, "worker")
    assert role is not None
    stored_rows(here, account, REGION, role, local.time.wall())
    stored_visit(here, account, REGION)


def sign_in(local: Local) -> None:
    """Root signs in with its first password, and changes it; what that leaves is changed again."""
    site = Site(local)
    browser = site.browser("127.0.0.1")
    first = (local.installation.directory / "root-password.txt").read_text().strip()
    browser.sign_in_as_root(local.founded.email, "wrong")
    browser.sign_in_as_root(local.founded.email, first)
    for old, new in (("wrong", "A-long-password-3"), (first, "A-long-password-3")):
        browser.change(old, new)
    for _ in range(2):
        site.browser("127.0.0.1").sign_in_as_root(local.founded.email, "wrong")
    site.loop.close()


def import_material(local: Local) -> None:
    """A key whose material was imported."""
    call = partial(sdk.call, local, "kms", who=local.admin)
    key, algorithm = (
        call("CreateKey", Origin="EXTERNAL")["KeyMetadata"]["KeyId"],
        "RSAES_OAEP_SHA_256",
    )
    given = call(
        "GetParametersForImport", KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec="RSA_2048"
    )
    call(
        "ImportKeyMaterial", KeyId=key, ImportToken=given["ImportToken"],
        EncryptedKeyMaterial=wrapped(given["PublicKey"], algorithm, bytes(32)),
        ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
    )  # fmt: skip


def reopened(directory: Path) -> Installation:
    """A further start on this directory."""
    config = Config(data=str(directory), regions=(REGION,))
    return Installation(config, lock(directory))


@dataclass
class Tampered:
    """An installation whose rows a test changes behind its back."""

    installation: Installation

    def sql(self, text: str, *values: Any) -> None:
        with self.installation.store.write(quiet=True) as transaction:
            transaction.run(text, values)

    def finds_it(self, table: SealedTable[Any], row: Row) -> list[tuple[str, ...]]:
        """By which lookups of this row something is found to be wrong."""
        found = []
        for lookup in table.lookups:
            try:
                values = lookup.values(row)
                if None not in values:
                    table.of(
                        self.installation.store.read(), lookup.columns, *values, order=table.key[0]
                    )
            except RowIntegrityError:
                found.append(lookup.columns)
            self.installation.hierarchy.sums.open(self.installation.store)
        return found

    @property
    def problems(self) -> list[str]:
        rows = self.installation.hierarchy.rows
        return examine(rows, self.installation.store.read(), lambda _: None).problems


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Tampered]:
    local = open_local(tmp_path / "data")
    everything(local)
    with closing(local.installation):
        yield Tampered(local.installation)
        local.installation.store.undo()


def rows_of(world: Tampered) -> list[tuple[SealedTable[Any], Row]]:
    """A row of every counted table, its last one."""
    reader = world.installation.store.read()
    tables = world.installation.hierarchy.rows.tables.values()
    return [(table, [*table.walk(reader)][-1]) for table in tables if any(table.walk(reader))]


def test_every_counted_table_is_tried(world: Tampered) -> None:
    """The tests below meet every table that is counted; only tombstones come later."""
    met = {table.name for table, _ in rows_of(world)}
    assert met == {*world.installation.hierarchy.rows.tables} - {
        "kms_tombstones",
        "kms_tombstone_statements",
    }
    assert len(met) >= 15


def test_a_row_that_is_the_newest_is_found(world: Tampered) -> None:
    """Untouched rows are found by each of their lookups, and the examination has nothing to say."""
    for table, row in rows_of(world):
        assert world.finds_it(table, row) == [], table.name
    assert world.problems == []


def test_another_version_of_a_row_is_found_out(world: Tampered) -> None:
    """Another version, authentic as it is, is refused by every lookup of every table."""
    for table, row in rows_of(world):
        other = (*row[:-2], row[-2] + 1)
        mac = world.installation.hierarchy.rows.mac(table.name, other)
        assigned = f"row_version = ?, mac = ? WHERE {where(table)}"
        world.sql(f"UPDATE {table.name} SET {assigned}", row[-2] + 1, mac, *key_of(table, row))
        assert_found_and_undo(world, table, row)
    assert world.problems == []


def test_a_missing_row_is_found_out(world: Tampered) -> None:
    """A row that was removed is missed by every lookup of every table: its absence is proved."""
    for table, row in rows_of(world):
        world.sql(f"DELETE FROM {table.name} WHERE {where(table)}", *key_of(table, row))
        assert_found_and_undo(world, table, row)


def test_a_doubled_row_is_found_out(world: Tampered) -> None:
    """A row that is there twice is refused by every lookup of every table."""
    indexes = (
        "SELECT name FROM sqlite_master WHERE tbl_name = ? AND type = 'index'"
        " AND sql LIKE 'CREATE UNIQUE%'"
    )
    for table, row in rows_of(world):
        if table.name == "server_clock":  # its key is SQLite's own row number
            continue
        for (index,) in world.installation.store.read().all(indexes, (table.name,)):
            world.sql(f"DROP INDEX {index}")
        marks = ", ".join("?" for _ in row)
        world.sql(f"INSERT INTO {table.name} VALUES ({marks})", *row)
        assert_found_and_undo(world, table, row)


def where(table: SealedTable[Any]) -> str:
    return " AND ".join(f"{c} = ?" for c in table.key)


def key_of(table: SealedTable[Any], row: Row) -> tuple[Any, ...]:
    return tuple(row[table.columns.index(c)] for c in table.key)


def assert_found_and_undo(world: Tampered, table: SealedTable[Any], row: Row) -> None:
    """Every lookup that leads to the row refuses, and so does the examination."""
    leading = [each.columns for each in table.lookups if None not in each.values(row)]
    assert leading != []
    assert world.finds_it(table, row) == leading, table.name
    assert world.problems != [], table.name
    world.installation.store.undo()
    world.installation.hierarchy.sums.open(world.installation.store)


def test_an_account_with_an_old_row_is_not_served(tmp_path: Path) -> None:
    """After the first find nothing of the account is served, what was cached neither."""
    local = open_local(tmp_path / "data")
    everything(local)
    key = local.kms("CreateKey").json["KeyMetadata"]["KeyId"]
    assert local.kms("DescribeKey", KeyId=key).status == 200
    with local.installation.store.write(quiet=True) as transaction:
        transaction.run("DELETE FROM iam_group")

    assert local.iam("GetGroup", GroupName="staff").status == 500
    assert local.kms("DescribeKey", KeyId=key).status == 500
    assert not local.installation.failed
    local.installation.store.undo()
    local.installation.store.close()


def test_old_rows_of_the_installation_stop_the_server(tmp_path: Path) -> None:
    """Which accounts there are is everybody's matter."""
    local = open_local(tmp_path / "data")
    assert not local.installation.failed
    with local.installation.store.write() as transaction:
        transaction.run("DELETE FROM iam_account")

    assert local.iam("GetUser").status == 500
    assert local.installation.failed
    local.installation.store.undo()
    local.installation.store.close()


# pages


@dataclass(frozen=True)
class Revoked:
    """A data directory after a revocation, its database before it, and what was revoked."""

    local: Local
    data: Path
    older: bytes
    access_key: IssuedKey
    blob: str

    @property
    def newer(self) -> bytes:
        return (self.data / STORE).read_bytes()

    def copy(self, name: str, database: bytes) -> Path:
        """The directory with another database in it."""
        directory = self.data.parent / name
        shutil.copytree(self.data, directory, ignore=shutil.ignore_patterns("control.sock"))
        (directory / STORE).write_bytes(database)
        return directory

    def asked(self, directory: Path) -> tuple[int, int]:
        """How the revoked key's request is answered, and an administrator's Decrypt."""
        with closing(reopened(directory)) as installation:
            admin = replace(self.local, installation=installation)
            founded = replace(self.local.founded, access_key=self.access_key)
            bob = replace(admin, founded=founded)
            return (
                bob.iam("GetUser").status,
                admin.kms("Decrypt", CiphertextBlob=self.blob).status,
            )


@pytest.fixture
def revoked(tmp_path: Path) -> Revoked:
    """An access key was made inactive, and a key is pending deletion."""
    local = open_local(tmp_path / "data")
    everything(local)
    local.iam("PutUserPolicy", UserName="bob", PolicyName="p", PolicyDocument=WIDER)
    made = local.iam("CreateAccessKey", UserName="bob").body.decode()
    key = IssuedKey(member(made, "AccessKeyId"), member(made, "SecretAccessKey"))
    key_id = local.kms("CreateKey").json["KeyMetadata"]["KeyId"]
    blob = local.kms("Encrypt", KeyId=key_id, Plaintext="AAAA").json["CiphertextBlob"]
    local.installation.close()
    older = (tmp_path / "data" / STORE).read_bytes()
    local.installation = reopened(tmp_path / "data")
    local.iam("UpdateAccessKey", UserName="bob", AccessKeyId=key.access_key_id, Status="Inactive")
    local.kms("ScheduleKeyDeletion", KeyId=key_id, PendingWindowInDays=7)
    local.installation.close()
    return Revoked(local, tmp_path / "data", older, key, blob)


def member(text: str, name: str) -> str:
    return text.partition(f"<{name}>")[2].partition("<")[0]


def test_what_is_revoked_is_refused(revoked: Revoked) -> None:
    """The honest twin: the newest database refuses both, as AWS does."""
    assert revoked.asked(revoked.data) == (403, 400)


def test_no_single_old_page_brings_back_what_was_revoked(revoked: Revoked) -> None:
    """Each page that the revocation changed, put back alone, revives nothing."""
    newer, older = revoked.newer, revoked.older
    changed = [
        start
        for start in range(0, min(len(newer), len(older)), PAGE)
        if newer[start : start + PAGE] != older[start : start + PAGE]
    ]
    assert len(changed) > 5
    found = 0
    for start in changed:
        mixed = newer[:start] + older[start : start + PAGE] + newer[start + PAGE :]
        directory = revoked.copy(f"page-{start}", mixed)
        try:
            answers = revoked.asked(directory)
        except (OlderState, StoreCorrupt, RowIntegrityError):  # the server does not start
            found += 1
            continue
        assert 200 not in answers, f"page at {start}"
        found += 500 in answers
    assert found >= 3  # the two rows' pages, and one of the sums


def test_no_mixture_of_old_pages_brings_back_what_was_revoked(revoked: Revoked) -> None:
    """Any number of old pages together, few or nearly all, revives nothing either."""
    newer, older = revoked.newer, revoked.older
    random, served = Random(8), 0
    for number in range(25):
        share = random.choice((0.1, 0.3, 0.5, 0.7, 0.9, 0.97))
        mixed = b"".join(
            (older if start < len(older) and random.random() < share else newer)[start:][:PAGE]
            for start in range(0, len(newer), PAGE)
        )
        directory = revoked.copy(f"mixture-{number}", mixed)
        with suppress(OlderState, StoreCorrupt, StoreUnavailable, RowIntegrityError):
            answers = revoked.asked(directory)
            assert 200 not in answers, f"mixture {number}"
            served += 1
    assert served < 25


def test_an_old_database_is_not_served(revoked: Revoked) -> None:
    """The whole old database under the newer log stops the start."""
    with pytest.raises(OlderState):
        revoked.asked(revoked.copy("older", revoked.older))


def test_old_rows_with_their_old_sums_are_not_served(revoked: Revoked) -> None:
    """Every row of before, the sums among them, does not fit to the log that binds the newest."""
    directory = revoked.copy("rows", revoked.newer)
    before = directory.parent / "before"
    before.mkdir()
    (before / STORE).write_bytes(revoked.older)
    key = revoked.local.installation.hierarchy.store_key
    with (
        closing(open_store(before / STORE, key)) as old,
        closing(open_store(directory / STORE, key)) as new,
        new.write() as transaction,
    ):
        names = "SELECT name FROM sqlite_master WHERE type = 'table'"
        for (table,) in old.read().all(names):
            if table not in KEPT:
                transaction.run(f"DELETE FROM {table}")
                for row in old.read().all(f"SELECT * FROM {table}"):
                    marks = ", ".join("?" for _ in row)
                    transaction.run(f"INSERT INTO {table} VALUES ({marks})", row)
    with pytest.raises(OlderState, match="older state"):
        revoked.asked(directory)


# through the wire


def test_a_revoked_access_key_stays_revoked(own_server: Server) -> None:
    """boto3: a row of before the revocation, put back while the server is down, signs nothing."""
    bob = create_user(own_server, "bob", {"Effect": "Allow", "Action": "*", "Resource": "*"})
    assert own_server.client("sts", bob).get_caller_identity()["Arn"].endswith("user/bob")
    own_server.stop()
    select = "SELECT * FROM iam_access_key WHERE access_key_id = ?"
    with stored(own_server) as store:
        [row] = store.read().all(select, (bob.access_key_id,))
    own_server.start()
    own_server.client("iam").update_access_key(
        UserName="bob", AccessKeyId=bob.access_key_id, Status="Inactive"
    )
    with refused("InvalidClientTokenId"):
        own_server.client("sts", bob).get_caller_identity()
    own_server.stop()
    verified = own_server.keystead("audit", "verify")
    assert verified.returncode == 0, verified.stderr
    assert "are the newest" in verified.stdout

    with stored(own_server) as store, store.write(quiet=True) as transaction:
        transaction.run("DELETE FROM iam_access_key WHERE access_key_id = ?", (row[1],))
        transaction.run(f"INSERT INTO iam_access_key VALUES ({', '.join('?' * len(row))})", row)
    verified = own_server.keystead("audit", "verify")
    assert verified.returncode == 1
    assert f"`iam_access_key` by account '{row[0]}', access_key_id '{row[1]}'" in verified.stderr
    own_server.start()
    with pytest.raises(ClientError) as answer:
        own_server.client("sts", bob).get_caller_identity()
    assert answer.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert "are not the newest" in own_server.log()


@contextmanager
def stored(server: Server) -> Iterator[SqliteStore]:
    """The database of a server that is down, for somebody who has the keys."""
    key = Hierarchy(open_root(server.data, None)).store_key
    with closing(open_store(server.data / STORE, key)) as store:
        yield store
