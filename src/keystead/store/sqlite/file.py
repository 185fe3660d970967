"""How is the database file opened?  Encrypted, authenticated page by page, durable, ours alone.

Every page of the file and of its write-ahead log is encrypted with ChaCha20. Poly1305 authenticates
it together with its page number. A page that was edited or moved is refused when it is read. The
cipher is `chacha20` of SQLite3 Multiple Ciphers. We did not take the library's AEGIS cipher: in our
test it left bytes of the first page unauthenticated. The key comes from custody's purpose key, and
is used unchanged.

The settings are read back, because SQLite silently ignores a setting that it cannot honour.
"""

import contextlib
import os
from pathlib import Path
from typing import Any

import apsw

from keystead.store.disk import settle
from keystead.store.protocol import StoreCorrupt, StoreUnavailable
from keystead.store.sqlite.failures import judge

_STATEMENTS = 1024  # prepared statements to keep: more than all rooms together have

# Each setting: its name, the value that we set, and the value that SQLite must report (DB-1).
_SETTINGS: tuple[tuple[str, str | int, str | int], ...] = (
    # Nobody else opens the file: no shared memory, no lock to take for each read.
    ("locking_mode", "exclusive", "exclusive"),
    ("journal_mode", "wal", "wal"),
    ("synchronous", "full", 2),
    ("fullfsync", 1, 1),  # macOS, where fsync alone does not reach the disk
    ("checkpoint_fullfsync", 1, 1),
    ("foreign_keys", 1, 1),
    ("secure_delete", 1, 1),
    ("trusted_schema", 0, 0),
    ("cell_size_check", 1, 1),
    ("temp_store", "memory", 2),  # nothing unencrypted outside the data directory (DB-6)
    ("journal_size_limit", 16 << 20, 16 << 20),
)


def open_file(
    path: Path, key: bytes, vfs: str, *, must_exist: bool, cache_mb: int
) -> apsw.Connection:
    """The connection to the database at `path`. A missing file is made, unless it `must_exist`.

    It keeps pages of up to `cache_mb` MB, as they are used.
    """
    if len(key) != 32:
        raise ValueError("the store's key must have 32 bytes")
    _prepare_file(path, must_exist=must_exist)
    _settle_log(path.with_name(f"{path.name}-wal"))
    try:
        # This name puts the encrypting layer on top of the VFS.
        connection = apsw.Connection(
            str(path),
            flags=apsw.SQLITE_OPEN_READWRITE,
            vfs=f"multipleciphers-{vfs}",
            statementcachesize=_STATEMENTS,
        )
    except apsw.Error as error:
        raise StoreUnavailable(f"the database `{path}` cannot be opened: {error}") from None
    try:
        _unlock(connection, key)
        _configure(connection, cache_mb)
    except apsw.NotADBError:
        _let_go(connection)
        raise StoreCorrupt(
            f"the key does not open the database `{path}`:"
            " it belongs to another root key, or its first page was changed"
        ) from None
    except apsw.Error as error:
        _let_go(connection)
        raise judge(error).error from error
    except BaseException:
        _let_go(connection)
        raise
    return connection


def _let_go(connection: apsw.Connection) -> None:
    """Close after a failure, without copying the log into the file."""
    with contextlib.suppress(apsw.Error):  # the caller reports the first error
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        connection.close()


def _prepare_file(path: Path, *, must_exist: bool) -> None:
    """Make the file readable by its owner only. SQLite gives its log the same mode (DB-6)."""
    try:
        create = 0 if must_exist else os.O_CREAT
        descriptor = os.open(path, os.O_RDWR | create | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreUnavailable(
            f"the database `{path}` cannot be opened: {error.strerror}"
        ) from None
    try:
        if must_exist and os.fstat(descriptor).st_size == 0:
            raise StoreCorrupt(f"the database `{path}` is empty")
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def _settle_log(path: Path) -> None:
    """Make the write-ahead log durable before SQLite reads it.

    Otherwise the audit log could record a change that the database loses in the next power cut.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:  # after a clean stop
        return
    except OSError as error:
        raise StoreUnavailable(f"`{path}` cannot be opened: {error.strerror}") from None
    try:
        settle(descriptor)
    except OSError as error:
        raise StoreUnavailable(f"`{path}` cannot be made durable: {error.strerror}") from None
    finally:
        os.close(descriptor)


def _unlock(connection: apsw.Connection, key: bytes) -> None:
    """Give the connection its key. The key must not stay in the cache of statements."""
    connection.execute("PRAGMA cipher = 'chacha20'", can_cache=False)
    connection.execute(f"PRAGMA key = 'raw:{key.hex()}'", can_cache=False)


def _configure(connection: apsw.Connection, cache_mb: int) -> None:
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)
    # A plan does not depend on the values that are bound. Otherwise SQLite makes the plan of a
    # statement with `place >= ?` anew for each value: 12 µs of 20.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    connection.wal_autocheckpoint(0)  # the engine copies the log, and sees errors (DB-4)
    cache = -1024 * cache_mb  # in KiB, as SQLite takes a negative number
    for name, wanted, expected in (*_SETTINGS, ("cache_size", cache, cache)):
        connection.pragma(name, wanted)
        actual: Any = connection.pragma(name)
        if actual != expected:
            raise StoreUnavailable(
                f"SQLite does not accept the setting `{name}`: it reports {actual}, not {expected}"
            )
