"""Are the stored rows the newest?  A person asks this of a directory that no server uses.

Nothing is written or repaired. The rows are added up and compared with the stored sums. These are
compared with the state that the audit log names.
"""

from collections.abc import Callable
from contextlib import closing

from keystead.audit.recovery import AuditCorrupt, named_state
from keystead.custody.hierarchy import Hierarchy
from keystead.custody.material import Custody
from keystead.custody.seals import SEAL_FILE, open_root
from keystead.custody.state import Examined, examine, is_summed
from keystead.identity.repository import IdentityRepository
from keystead.kms.keys import KeyRepository
from keystead.server.installation import (
    AUDIT_DIRECTORY,
    STORE_FILE,
    ClockRepository,
    Config,
    lock,
    passphrase,
)
from keystead.store.sqlite import open_store


class NotSummed(Exception):
    """The installation is of a version that kept no sums. The next start makes them."""


def has_state(config: Config) -> bool:
    """Is there a database beside the log, and the root key that opens it?"""
    return all((config.directory / name).exists() for name in (STORE_FILE, SEAL_FILE))


def examine_state(config: Config, progress: Callable[[int], None]) -> Examined:
    """Examine every row. Raises DirectoryInUse while a server runs, and NotSummed."""
    directory = config.directory
    held = lock(directory)
    hierarchy = Hierarchy(open_root(directory, passphrase(config)))
    with closing(
        open_store(directory / STORE_FILE, hierarchy.store_key, lock=held, must_exist=True)
    ) as store:
        seal_tables(hierarchy)
        if not is_summed(store):
            raise NotSummed
        hierarchy.sums.open(store)
        examined = examine(hierarchy.rows, store.read(), progress)
        try:
            named = named_state(directory / AUDIT_DIRECTORY, store.read(), hierarchy.audit_tags)
        except AuditCorrupt as error:
            examined.problems.append(str(error))
        else:
            if named is not None and named != hierarchy.sums.newest():
                examined.problems.append(
                    "the rows are not those after the newest recorded change:"
                    " an older state was put in their place"
                )
    return examined


def seal_tables(hierarchy: Hierarchy) -> None:
    """Make every room's tables, so that the examination knows all rows."""
    Custody(hierarchy)
    IdentityRepository(hierarchy.rows)
    KeyRepository(hierarchy.rows)
    ClockRepository(hierarchy.rows)
