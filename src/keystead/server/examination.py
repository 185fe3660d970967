"""Are the stored rows the newest?  A person asks this of a directory that no server uses.

Nothing is written or repaired. The rows are added up and compared with the stored sums. These are
compared with the state that the audit log names.
"""

from collections.abc import Callable
from contextlib import closing

from keystead.audit.log import AuditCorrupt, named_state
from keystead.custody.hierarchy import Hierarchy
from keystead.custody.integrity import RowIntegrityError
from keystead.custody.material import BadTombstone, Custody
from keystead.custody.seals import SEAL_FILE, open_root
from keystead.custody.signing import signature_verifier
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
from keystead.store.protocol import Reader
from keystead.store.sqlite import open_store
from keystead.times import microseconds


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
        keys = seal_tables(hierarchy)
        if not is_summed(store):
            raise NotSummed
        hierarchy.sums.open(store)
        examined = examine(hierarchy.rows, store.read(), progress)
        _examine_tombstones(keys, hierarchy, store.read(), examined)
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


def _examine_tombstones(
    keys: KeyRepository, hierarchy: Hierarchy, reader: Reader, examined: Examined
) -> None:
    """Is each tombstone signed, and is the key that it is about gone?  (threat-model KM-7)"""
    is_signature = signature_verifier(hierarchy.audit_signer.public_key_pem)
    try:
        for stone in keys.tombstones.every(reader):
            examined.tombstones += 1
            named = f"the tombstone of key `{stone.key_id}` of account `{stone.account}`"
            try:
                told = stone.told(is_signature)
            except BadTombstone as error:
                examined.problems.append(f"{named}: {error}")
                continue
            record = keys.row(reader, *stone.place)
            # Only a replica can be made again, and then it is a younger key.
            if record is not None and record.created_us < microseconds(told.destroyed):
                examined.problems.append(f"{named}: the key is there")
    except RowIntegrityError as error:
        if str(error) not in examined.problems:
            examined.problems.append(str(error))


def seal_tables(hierarchy: Hierarchy) -> KeyRepository:
    """Make every room's tables, so that the examination knows all rows; returns those of keys."""
    Custody(hierarchy)
    IdentityRepository(hierarchy.rows)
    ClockRepository(hierarchy.rows)
    return KeyRepository(hierarchy.rows)
