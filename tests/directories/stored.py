"""A directory and an assignment, as the rows of an installation in this process."""

from keystead.identity import directories
from keystead.identity.federation import DirectoryProof
from keystead.identity.repository import Assignment, Directory, Role
from keystead.server.installation.installation import Installation

ALICE = "59f2042c-81c5-1041-8589-f574284287fb"


def stored_directory(
    installation: Installation, account: str, region: str, role: Role
) -> tuple[Directory, Assignment]:
    """A directory that nobody can ask, and a person of it who has this role."""
    asked = {
        "account": account, "name": "stored", "region": region, "kind": "openldap",
        "bind_password": "secret",
        "settings": {
            "urls": ["ldaps://192.0.2.1"], "bind_dn": "cn=a", "person_bases": ["dc=a"],
        },
    }  # fmt: skip
    identities, now = installation.identities, installation.clock.now()
    with installation.store.write() as transaction:
        directory = directories.created(transaction, identities, asked, now)
        found = DirectoryProof(id=ALICE, name="alice")
        assignment = directories.assigned(
            transaction, identities, directory, role, found, now=now, is_group=False
        )
    return directory, assignment
