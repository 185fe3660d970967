"""A real directory for tests: Debian's slapd on the loopback, with TLS and people of its own.

Where there is no slapd, or no client library, the tests are skipped, and the report says that no
directory was tried and what to install. (`.ci/run` installs both.)
"""

import contextlib
import importlib.util
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
import trustme

from tests.components import not_tried
from tests.conftest import free_port
from tests.patience import wait_until

BASE = "dc=example,dc=test"
READER = f"cn=reader,{BASE}"
READER_PASSWORD = "the reader's password"
_BINARY = shutil.which("slapd") or "/usr/sbin/slapd"
_SCHEMAS = Path("/etc/ldap/schema")

SETTINGS = """
{schemas}
attributetype ( 1.3.6.1.4.1.99999.1.1 NAME 'objectGUID'
  EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.1.2 NAME 'sAMAccountName'
  EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.1.3 NAME 'userPrincipalName'
  EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.1.4 NAME 'userAccountControl'
  EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
objectclass ( 1.3.6.1.4.1.99999.2.1 NAME 'user' SUP inetOrgPerson STRUCTURAL
  MAY ( objectGUID $ sAMAccountName $ userPrincipalName $ userAccountControl ) )
objectclass ( 1.3.6.1.4.1.99999.2.2 NAME 'group' SUP top STRUCTURAL
  MUST ( cn ) MAY ( member $ objectGUID $ sAMAccountName ) )
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
pidfile {place}/slapd.pid
TLSCACertificateFile {place}/ca.pem
TLSCertificateFile {place}/server.pem
TLSCertificateKeyFile {place}/server.key
sizelimit unlimited
database mdb
suffix "{base}"
rootdn "cn=admin,{base}"
rootpw admin
directory {place}/db
maxsize 67108864
dbnosync
index entryUUID,uid,member,sAMAccountName eq
access to attrs=userPassword by anonymous auth by * none
access to * by dn="{reader}" read by * none
overlay ppolicy
ppolicy_default "cn=default,{base}"
ppolicy_use_lockout
"""

ENTRIES = f"""
dn: {BASE}
objectClass: domain
dc: example

dn: ou=people,{BASE}
objectClass: organizationalUnit
ou: people

dn: ou=groups,{BASE}
objectClass: organizationalUnit
ou: groups

dn: ou=ad,{BASE}
objectClass: organizationalUnit
ou: ad

dn: {READER}
objectClass: inetOrgPerson
cn: reader
sn: reader
userPassword: {READER_PASSWORD}

dn: cn=default,{BASE}
objectClass: device
objectClass: pwdPolicy
cn: default
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: 5
pwdMustChange: TRUE
"""


@dataclass
class Slapd:
    """A directory that runs."""

    place: Path
    port: int  # plain, or StartTLS
    tls_port: int
    authority: trustme.CA

    @property
    def url(self) -> str:
        return f"ldaps://127.0.0.1:{self.tls_port}"

    @property
    def start_tls_url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def ca(self) -> str:
        return self.authority.cert_pem.bytes().decode()

    def add(self, ldif: str) -> None:
        self._tool("ldapadd", ldif)

    def modify(self, ldif: str) -> None:
        self._tool("ldapmodify", ldif)

    def person(self, name: str, password: str, *, under: str = f"ou=people,{BASE}") -> str:
        """Add a person, and return its DN."""
        dn = f"uid={name},{under}"
        self.add(
            f"dn: {dn}\nobjectClass: inetOrgPerson\nuid: {name}\ncn: {name}\nsn: {name}\n"
            f"userPassword: {password}\n"
        )
        return dn

    def group(self, name: str, *members: str) -> str:
        """Add a group, and return its DN."""
        dn = f"cn={name},ou=groups,{BASE}"
        listed = "".join(f"member: {member}\n" for member in members)
        self.add(f"dn: {dn}\nobjectClass: groupOfNames\ncn: {name}\n{listed}")
        return dn

    def _tool(self, tool: str, ldif: str) -> None:
        done = subprocess.run(
            [tool, "-M", "-x", "-H", f"ldap://127.0.0.1:{self.port}", "-D", f"cn=admin,{BASE}",
             "-w", "admin"],
            input=ldif, text=True, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def require() -> None:
    """Skip the test, and say what is missing."""
    missing = []
    if not Path(_BINARY).exists() or shutil.which("ldapadd") is None:
        missing.append("slapd and ldap-utils")
    if importlib.util.find_spec("bonsai") is None:
        missing.append("gcc libldap-dev libsasl2-dev python3-dev, and then `make ldap`")
    if missing:
        pytest.skip(not_tried("directories were", f"`apt-get install {'; '.join(missing)}` first"))


@contextlib.contextmanager
def slapd(
    place: Path,
    authority: trustme.CA | None = None,
    host: str = "127.0.0.1",
    ends: datetime | None = None,
) -> Iterator[Slapd]:
    """A directory of its own. `host` is the name in its certificate, which `ends` then."""
    require()
    authority = authority or trustme.CA()
    place.mkdir(parents=True)
    (place / "db").mkdir()
    authority.cert_pem.write_to_path(place / "ca.pem")
    issued = authority.issue_cert(host, not_after=ends)
    issued.private_key_pem.write_to_path(place / "server.key")
    for number, part in enumerate(issued.cert_chain_pems):
        part.write_to_path(place / "server.pem", append=number > 0)
    schemas = "\n".join(
        f"include {_SCHEMAS}/{name}.schema" for name in ("core", "cosine", "inetorgperson")
    )
    settings = SETTINGS.format(schemas=schemas, place=place, base=BASE, reader=READER)
    (place / "slapd.conf").write_text(settings)
    (place / "base.ldif").write_text(ENTRIES)
    subprocess.run(
        [_BINARY, "-T", "add", "-f", str(place / "slapd.conf"), "-l", str(place / "base.ldif")],
        check=True, capture_output=True,
    )  # fmt: skip
    ports = free_port(), free_port()
    urls = f"ldap://127.0.0.1:{ports[0]} ldaps://127.0.0.1:{ports[1]}"
    process = subprocess.Popen(
        [_BINARY, "-d", "0", "-f", str(place / "slapd.conf"), "-h", urls],
        stdout=subprocess.DEVNULL, stderr=(place / "log").open("wb"),
    )  # fmt: skip
    try:
        wait_until(lambda: _answers(ports[0]) and _answers(ports[1]))
        yield Slapd(place, *ports, authority)
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
