"""Who is the person of a name and a password?  Asked of a real slapd (threat-model LD)."""

import ast
import base64
import json
import resource
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import trustme

from keystead.identity.federation import (
    DirectoryProof,
    DirectoryQuestion,
    Internet,
    Outside,
    Own,
    Reachable,
    ask_directory,
    settings_of_directory,
)
from keystead.identity.federation.directory import asking, proof
from keystead.identity.federation.directory.settings import Place
from tests.conftest import free_port
from tests.directories.slapd import BASE, READER, READER_PASSWORD, Slapd, require, slapd
from tests.patience import wait_until

OUTSIDE = Outside(Reachable(), Internet())
PEOPLE = f"ou=people,{BASE}"


class Nowhere:
    """A network that must not be used."""

    def addresses(self, host: str, _: int, __: float) -> Sequence[str]:
        raise AssertionError(f"{host} was looked up")

    def connect(self, address: str, _: int, __: float) -> socket.socket:
        raise AssertionError(f"{address} was connected to")


def ask(
    directory: Slapd,
    name: str,
    password: str | None = "wonderland",  # noqa: S107  # of a test's person
    *,
    kind: str = "openldap",
    groups: Sequence[str] = (),
    is_group: bool = False,
    outside: Outside = OUTSIDE,
    bind_password: str = READER_PASSWORD,
    **settings: Any,
) -> DirectoryProof:
    """What the directory says."""
    given = {
        "urls": [directory.url], "certificates": directory.ca, "bind_dn": READER,
        "person_bases": [PEOPLE], "group_bases": [f"ou=groups,{BASE}"], **settings,
    }  # fmt: skip
    question = DirectoryQuestion(
        settings=settings_of_directory(kind, given), bind_password=bind_password, name=name,
        password=password, groups=tuple(groups), is_group=is_group,
    )  # fmt: skip
    return ask_directory(outside, question)


def last(found: DirectoryProof) -> tuple[int, str]:
    return found.steps[-1].step, found.steps[-1].ended


@pytest.fixture(scope="module")
def alice(directory: Slapd) -> str:
    """The DN of alice, who is in a group."""
    dn = directory.person("alice", "wonderland")
    directory.person("bob", "builder")
    directory.group("ops", dn)
    directory.group("dev", f"uid=bob,{PEOPLE}")
    return dn


def test_the_right_password_proves_its_person(directory: Slapd, alice: str) -> None:
    """Every step passes, and the person has an id, a name, and those assigned groups it is in."""
    ops = ask(directory, "ops", None, is_group=True)
    dev = ask(directory, f"cn=dev,ou=groups,{BASE}", None, is_group=True)

    found = ask(directory, "alice", groups=[ops.id, dev.id])

    assert found.proves, found.why
    assert (found.dn, found.name, found.groups) == (alice, "alice", (ops.id,))
    assert UUID(found.id).hex
    assert ask(directory, "ALICE").id == found.id, "the directory says which names are one"
    known = ask(directory, "alice", None, groups=[dev.id])
    assert known.is_known
    assert not known.groups
    assert not known.proves, "without a password nothing is proved"


@pytest.mark.parametrize(
    "name",
    ["*", "ali*", "alice)(uid=*", "*)(objectClass=*", "alice)(|(uid=*", "alice\\2a", "(", "\\",
     "alice,ou=people", "nobody", "alice)(userPassword=*"],
)  # fmt: skip
def test_no_name_is_a_filter(directory: Slapd, alice: str, name: str) -> None:
    """Whatever is typed is one value: it finds nobody, and is refused as an unknown name."""
    assert last(ask(directory, name)) == (5, "refused")


def test_a_group_that_is_not_there_is_no_fault_of_the_directory(directory: Slapd) -> None:
    """By its name, by its DN, and by what is no DN."""
    for name in ("nobody", f"cn=nobody,ou=groups,{BASE}", "a=b=c,,", "cn=*"):
        assert last(ask(directory, name, None, is_group=True)) == (5, "refused"), name


def test_a_wrong_password_is_refused(directory: Slapd, alice: str) -> None:
    assert last(ask(directory, "alice", "wonderlamp")) == (7, "refused")
    assert ask(directory, "alice").proves


@pytest.mark.parametrize("password", ["", "\0", "wonderland\0", "x" * 129])
def test_what_cannot_be_a_password_reaches_no_network(
    directory: Slapd, alice: str, password: str
) -> None:
    """An empty password would bind nobody, with success (LD-1)."""
    nowhere = Outside(Reachable(), Nowhere())

    assert last(ask(directory, "alice", password, outside=nowhere)) == (1, "refused")
    for name in ("", "  ", "a\0b", "a\nb", "x" * 129):
        assert last(ask(directory, name, outside=nowhere)) == (1, "refused")


def test_several_entries_are_nobody(directory: Slapd, alice: str) -> None:
    """Also when one of them would have the password."""
    directory.person("twin", "wonderland")
    directory.add(f"dn: ou=other,{PEOPLE}\nobjectClass: organizationalUnit\nou: other\n")
    directory.person("twin", "another", under=f"ou=other,{PEOPLE}")

    assert last(ask(directory, "twin")) == (5, "refused")
    one = ask(directory, "twin", "another", person_bases=[f"ou=other,{PEOPLE}"])
    assert one.proves


def test_a_name_of_an_entry_may_have_any_characters(directory: Slapd) -> None:
    """The person is bound by the DN that was returned, and found by it in groups."""
    raw = f"cn=Smith\\2C J\\+ \\22q\\22 \\3B*()é,{PEOPLE}"
    name, dn = (base64.b64encode(text.encode()).decode() for text in ('Smith, J+ "q" ;*()é', raw))
    directory.add(
        f"dn:: {dn}\nobjectClass: inetOrgPerson\ncn:: {name}\nsn: x\nuid: smith\n"
        "userPassword: wonderland\n"
    )
    directory.add(
        f"dn: cn=odd,ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: odd\nmember:: {dn}\n"
    )
    odd = ask(directory, "odd", None, is_group=True).id

    found = ask(directory, "smith", groups=[odd])

    assert found.proves, found.why
    assert found.groups == (odd,)


def test_a_name_that_no_session_can_have_is_refused(directory: Slapd) -> None:
    """Nothing is left out of a name, because two persons could then have one name."""
    directory.add(
        f"dn: uid=m,{PEOPLE}\nobjectClass: inetOrgPerson\nuid: m\ncn: Máire Ní\nsn: x\n"
        "userPassword: wonderland\n"
    )
    assert last(ask(directory, "m", name_attribute="cn")) == (9, "refused")
    assert last(ask(directory, "m")) == (9, "refused"), "one character is too short"


def test_an_entry_without_one_name_is_refused_as_a_wrong_password_is(directory: Slapd) -> None:
    """What is wrong with it does not tell that somebody has the name."""
    dn = directory.person("janus", "wonderland")
    assert ask(directory, "janus").proves

    directory.modify(f"dn: {dn}\nchangetype: modify\nadd: uid\nuid: bifrons\n")

    assert last(ask(directory, "janus")) == (6, "refused")
    assert last(ask(directory, "janus", name_attribute="mail")) == (6, "refused")


def test_who_must_change_the_password_is_refused(directory: Slapd) -> None:
    """The directory binds such a person with success, but lets it do nothing else."""
    dn = directory.person("fresh", "wonderland")
    assert ask(directory, "fresh").proves

    directory.modify(f"dn: {dn}\nchangetype: modify\nreplace: pwdReset\npwdReset: TRUE\n")

    assert last(ask(directory, "fresh")) == (7, "refused")


def test_who_is_locked_is_refused(directory: Slapd) -> None:
    dn = directory.person("locked", "wonderland")
    assert ask(directory, "locked").proves

    directory.modify(
        f"dn: {dn}\nchangetype: modify\nreplace: pwdAccountLockedTime\n"
        "pwdAccountLockedTime: 000001010000Z\n"
    )

    assert last(ask(directory, "locked")) == (7, "refused")


def test_active_directory(directory: Slapd) -> None:
    """Both of its names lead to a person; its id is written as there; who is disabled is nobody."""
    guid = UUID("12345678-9abc-def0-1122-334455667788")
    encoded = base64.b64encode(guid.bytes_le).decode()
    dn = f"cn=Ann,ou=ad,{BASE}"
    directory.add(
        f"dn: {dn}\nobjectClass: user\ncn: Ann\nsn: A\nsAMAccountName: ann\n"
        f"userPrincipalName: ann@example.test\nuserAccountControl: 512\nobjectGUID:: {encoded}\n"
        "userPassword: wonderland\n"
    )
    members = UUID(int=7)
    directory.add(
        f"dn: cn=Admins,ou=ad,{BASE}\nobjectClass: group\ncn: Admins\nmember: {dn}\n"
        f"objectGUID:: {base64.b64encode(members.bytes_le).decode()}\n"
    )
    settings: dict[str, Any] = {
        "kind": "active-directory", "person_bases": [f"ou=ad,{BASE}"],
        "group_bases": [f"ou=ad,{BASE}"],
        # slapd knows neither objectCategory nor the rule of members of members
        "person_filter":
            "(&(objectClass=user)(|(sAMAccountName={name})(userPrincipalName={name})))",
        "member_attributes": ["member"],
    }  # fmt: skip

    for name in ("ann", "ANN", "ann@example.test"):
        found = ask(directory, name, groups=[str(members)], **settings)
        assert found.proves, found.why
        assert (found.id, found.name, found.groups) == (str(guid), "ann", (str(members),))
    assert last(ask(directory, "Ann)(cn=*", **settings)) == (5, "refused")
    in_chain = {**settings, "member_attributes": ["member:1.2.840.113556.1.4.1941:"]}
    found = ask(directory, "ann", groups=[str(members)], **in_chain)
    assert found.proves, "the library takes the rule; this directory does not know it"
    assert not found.groups

    directory.modify(
        f"dn: {dn}\nchangetype: modify\nreplace: userAccountControl\nuserAccountControl: 514\n"
    )
    assert last(ask(directory, "ann", **settings)) == (6, "refused")


def test_the_rule_of_members_of_members_is_asked_of_active_directory() -> None:
    """Its text is all that can be tried here: slapd has no such rule."""
    settings = settings_of_directory(
        "active-directory",
        {"urls": ["ldaps://ad.example"], "bind_dn": "cn=a", "person_bases": ["dc=a"]},
    )
    assert settings.member_attributes == ("member:1.2.840.113556.1.4.1941:",)


def test_start_tls(directory: Slapd, alice: str) -> None:
    assert ask(directory, "alice", urls=[directory.start_tls_url]).proves


def test_only_the_directorys_own_certificate_is_believed(
    directory: Slapd, alice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not of another authority, for another host, or of yesterday, whatever the machine says."""
    monkeypatch.setenv("LDAPTLS_REQCERT", "never")
    stranger = trustme.CA().cert_pem.bytes().decode()
    for urls in ([directory.url], [directory.start_tls_url]):
        assert last(ask(directory, "alice", urls=urls, certificates=stranger)) == (4, "failed")
    assert last(ask(directory, "alice", certificates="")) == (4, "failed")
    with slapd(tmp_path / "slapd", directory.authority, host="127.0.0.2") as other:
        assert last(ask(other, "alice")) == (4, "failed")
    past = datetime(2025, 1, 1, tzinfo=UTC)
    with slapd(tmp_path / "old", directory.authority, ends=past) as old:
        assert last(ask(old, "alice")) == (4, "failed")
    assert ask(directory, "alice").proves


def test_a_bind_name_that_may_not_search_is_no_persons_fault(directory: Slapd, alice: str) -> None:
    found = ask(directory, "alice", bind_password="another")

    assert last(found) == (4, "failed")
    assert found.is_away


@contextmanager
def recorder(answer: bytes = b"") -> Iterator[tuple[int, list[bytes]]]:
    """A server that keeps what it hears, and says one thing, or nothing."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            kept = []  # open, so that nobody's wait ends early
            while True:
                try:
                    connection, _ = listening.accept()
                    kept.append(connection)
                    heard.append(connection.recv(4096))
                    connection.sendall(answer)
                    heard.append(connection.recv(4096) if answer else b"")
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1], heard
        listening.shutdown(socket.SHUT_RDWR)


def test_a_silent_server_is_left_in_time(
    directory: Slapd, alice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library would wait for ever in the handshake."""
    monkeypatch.setattr(proof, "SECONDS", 0.6)
    with recorder() as (port, _):
        found = ask(directory, "alice", urls=[f"ldaps://127.0.0.1:{port}"])

    assert last(found) == (4, "failed")
    assert "no answer" in found.why


def test_a_process_ends_by_itself_too(directory: Slapd, alice: str) -> None:
    """The server that started it may be gone."""
    with recorder() as (port, heard):
        place = Place(f"ldaps://127.0.0.1:{port}", "127.0.0.1", port, start_tls=False)
        given = {"urls": [directory.url], "bind_dn": READER, "person_bases": [PEOPLE]}
        question = DirectoryQuestion(
            settings=settings_of_directory("openldap", given), bind_password="secret", name="alice"
        )
        spec = find_spec("bonsai")
        assert spec is not None
        for seconds in (0, 8, 30):  # a busy machine needs more to come to the handshake
            said = proof._said(question, place, time.monotonic() + seconds)
            said["library"] = str(Path(str(spec.origin)).parents[1])
            done = subprocess.run(
                [sys.executable, "-I", str(proof._PROGRAM)], input=json.dumps(said).encode(),
                check=False, capture_output=True,
            )  # fmt: skip
            if heard:
                break

    assert heard, "it was in the handshake"
    assert done.returncode == -signal.SIGALRM
    assert not done.stdout


class Places(threading.BoundedSemaphore):
    """Whoever would wait for a place waits no longer."""

    def acquire(self, *_: Any, **__: Any) -> bool:
        return super().acquire(blocking=False)


def test_only_so_many_processes_ask_at_a_time(
    directory: Slapd, alice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silent directories take no more memory than that; the next question is not asked."""
    monkeypatch.setattr(proof, "_processes", Places(1))
    assert ask(directory, "alice").proves
    assert ask(directory, "alice").proves, "it was given back"
    with proof._processes:
        found = ask(directory, "alice")

    assert found.is_away
    assert found.why.endswith("too many directories are being asked")


def test_without_the_library_it_says_so(
    directory: Slapd, alice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "find_spec", lambda _: None)
    found = ask(directory, "alice")

    assert found.is_away
    assert "the extra `ldap` is not installed" in found.why


@contextmanager
def tls_server(
    directory: Slapd, version: ssl.TLSVersion, says: bytes = b"", times: int = 1
) -> Iterator[tuple[int, list[str]]]:
    """A server with the directory's certificate that speaks one version; what it agreed on.

    It answers the first request with these bytes, so many times.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory.place / "server.pem", directory.place / "server.key")
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # else it would not speak the old one
    context.minimum_version = context.maximum_version = version
    agreed: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                try:
                    with context.wrap_socket(connection, server_side=True) as secured:
                        agreed.append(str(secured.version()))
                        if says and secured.recv(4096):
                            for _ in range(times):
                                secured.sendall(says)
                            secured.recv(4096)
                except OSError:
                    continue

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1], agreed
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the old version
def test_old_versions_of_tls_are_refused(directory: Slapd, alice: str) -> None:
    for version, agrees in ((ssl.TLSVersion.TLSv1_1, []), (ssl.TLSVersion.TLSv1_2, ["TLSv1.2"])):
        with tls_server(directory, version) as (port, agreed):
            found = ask(directory, "alice", urls=[f"ldaps://127.0.0.1:{port}"])
        assert last(found) == (4, "failed")
        assert agreed == agrees


BOUND = bytes.fromhex("300c02010161070a010004000400")
ENTRY = bytes.fromhex("3011020102640c0406636e3d61626330020400")  # its attributes are cut off


@pytest.mark.parametrize(
    ("says", "times"),
    [
        (b"\xff" * 1000, 1),
        (b"HTTP/1.1 200 OK\r\n\r\n", 1),
        (bytes.fromhex("30847fffffff") + b"\x02\x01\x01" + b"a" * 65536, 4096),
        (bytes.fromhex("3088ffffffffffffffff"), 1),
        (bytes.fromhex("3080") * 10_000, 1),
        (BOUND + ENTRY * 1000, 1),
        (BOUND + bytes.fromhex("300c02010265070a010004000400"), 1),
        (bytes.fromhex("300c02010161070a010a04000400"), 1),
        (bytes.fromhex("300c02016361070a010004000400"), 1),
        (BOUND + bytes.fromhex("300c02010078070a013404000400"), 1),
    ],
    ids=[
        "noise", "http", "two gigabytes", "a length of eight bytes", "nested for ever",
        "broken entries", "nothing found", "a referral", "another message", "goodbye",
    ],
)  # fmt: skip
def test_a_hostile_server_harms_nobody_but_its_own_question(
    directory: Slapd, alice: str, says: bytes, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has the right certificate may still say anything: it proves nobody."""
    for seconds in (1.5, 10.0, 60.0):  # a busy machine needs more to come so far
        monkeypatch.setattr(proof, "SECONDS", seconds)
        with tls_server(directory, ssl.TLSVersion.TLSv1_2, says, times) as (port, agreed):
            found = ask(directory, "alice", urls=[f"ldaps://127.0.0.1:{port}"])
        if agreed:
            break

    assert agreed
    assert not found.proves
    assert last(found) in {(4, "failed"), (5, "failed"), (5, "refused")}


def test_an_answer_without_end_ends_early() -> None:
    """Many may be asked at a time: all of them together must not use up the host."""
    require()
    found = find_spec("bonsai")
    assert found is not None
    library = Path(str(found.origin)).parents[1]
    program = (
        f"import sys; sys.path.append({str(Path(asking.__file__).parent)!r}); import asking\n"
        f"with asking._careful({str(library)!r}): print(len(bytearray({{}} << 20)))"
    )

    def told(megabytes: int) -> str:
        arguments = [sys.executable, "-I", "-c", program.format(megabytes)]
        return subprocess.run(arguments, capture_output=True, text=True, check=False).stdout

    assert told(32).strip() == str(32 << 20)
    assert told(160) == ""


def test_a_very_long_name_is_refused(directory: Slapd) -> None:
    """Records show names, so they are no longer than that."""
    directory.add(
        f"dn: uid=long,{PEOPLE}\nobjectClass: inetOrgPerson\nuid: long\ncn: {'x' * 300}\nsn: x\n"
        "userPassword: wonderland\n"
    )
    found = ask(directory, "long", name_attribute="cn")

    assert last(found) == (6, "refused")
    assert not found.name
    assert ask(directory, "long").proves


def test_a_server_without_tls_hears_no_password(directory: Slapd, alice: str) -> None:
    """It refuses StartTLS, and is asked nothing else."""
    refuses = bytes.fromhex("300c02010178070a0102 0400 0400".replace(" ", ""))
    with recorder(refuses) as (port, heard):
        found = ask(directory, "alice", urls=[f"ldap://127.0.0.1:{port}"])

    assert last(found) == (4, "failed")
    said = b"".join(heard)
    assert b"1.3.6.1.4.1.1466.20037" in said, "the name of StartTLS"
    assert READER_PASSWORD.encode() not in said


def test_no_referral_is_followed(directory: Slapd, alice: str) -> None:
    """A directory that sends to another one is not believed about it."""
    with recorder() as (port, heard):
        directory.add(
            f"dn: ou=elsewhere,{PEOPLE}\nobjectClass: referral\nobjectClass: extensibleObject\n"
            f"ou: elsewhere\nref: ldap://127.0.0.1:{port}/ou=people,dc=evil,dc=test\n"
        )
        assert ask(directory, "alice").proves
        assert last(ask(directory, "mallory")) == (5, "refused")
        for elsewhere in (f"ou=elsewhere,{PEOPLE}", "dc=evil,dc=test"):
            assert not ask(directory, "alice", person_bases=[elsewhere]).proves
        assert not heard


def test_the_first_server_that_answers_is_asked(directory: Slapd, alice: str) -> None:
    dead = free_port()

    assert ask(directory, "alice", urls=[f"ldaps://127.0.0.1:{dead}", directory.url]).proves
    assert last(ask(directory, "alice", urls=[f"ldaps://127.0.0.1:{dead}"])) == (3, "failed")


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "[fd00:ec2::254]", "224.0.0.1"])
def test_what_is_never_a_directory_is_not_asked(directory: Slapd, host: str) -> None:
    found = ask(directory, "alice", urls=[f"ldaps://{host}:636"])

    assert last(found) == (2, "failed")


def test_our_own_listeners_are_not_asked(directory: Slapd, alice: str) -> None:
    own = Outside(Reachable(own=(Own.at("127.0.0.1", directory.tls_port),)), Internet())

    assert last(ask(directory, "alice", outside=own)) == (2, "failed")


def test_the_process_that_asks_has_nothing_of_ours() -> None:
    """It imports none of our modules, so it has no key."""
    tree = ast.parse(Path(asking.__file__).read_text())
    names = [
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in (
            node.names if isinstance(node, ast.Import) else [ast.alias(node.module or "")]
        )
    ]
    assert names
    assert not [name for name in names if name.startswith("keystead")]


def test_the_process_that_asks_is_hidden() -> None:
    """While it waits for its question it has forbidden core dumps already, and debuggers."""
    program = Path(asking.__file__)
    waiting = subprocess.Popen([sys.executable, "-I", program], stdin=subprocess.PIPE)
    try:
        wait_until(lambda: resource.prlimit(waiting.pid, resource.RLIMIT_CORE) == (0, 0))
    finally:
        waiting.kill()
        waiting.communicate()
    look = (
        "import ctypes, runpy, sys\n"
        "runpy.run_path(sys.argv[1])['hide']()\n"
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"  # PR_GET_DUMPABLE
    )
    command = [sys.executable, "-I", "-c", look, str(program)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "0\n"
