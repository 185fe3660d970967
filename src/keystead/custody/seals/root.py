"""Where does the root key come from?  Made once, wrapped twice, opened at every start.

    seal.json          both wraps and the installation's id; no secret
    root.key           opens the daily wrap of a file seal
    recovery-key.txt   opens the recovery wrap; written once, to be moved away

INVARIANT: no directory is initialised twice. No directory is initialised before both wraps were
opened once. `seal.json` gets its name last. Before that nothing was ever sealed under the root key,
and an interrupted initialisation starts anew. After that both wraps are there (threat-model RK-1,
OP-2).

An installation for development (decision 0043) is marked in `seal.json` when it is made. The mark
is a part of every derived key, too. So nobody can set it or remove it later, not even with the root
key in hand: what was written with it opens with nothing else.
"""

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from keystead.custody.files import (
    SealError,
    create_private,
    exists,
    locked,
    make_directory,
    read_private,
    remove,
    rename,
    replace_private,
)
from keystead.custody.kdf import KEY_BYTES, hkdf
from keystead.custody.randomness import token_id, urandom
from keystead.custody.seals.providers import (
    RECOVER,
    ROOT_KEY_FILE,
    FileSeal,
    PassphraseSeal,
    RecoverySeal,
    SealProvider,
)
from keystead.custody.seals.recovery import recovery_key, recovery_sheet
from keystead.custody.seals.sealfile import SealFile, damaged, decode, encode, root_place
from keystead.custody.secrecy import Guarded

__all__ = [
    "RECOVERY_FILE", "ROOT_KEY_FILE", "SEAL_FILE", "FileSeal", "PassphraseSeal", "RootKey",
    "SealError", "SealProvider", "initialise", "is_initialised", "open_root", "recover",
]  # fmt: skip

SEAL_FILE = "seal.json"
RECOVERY_FILE = "recovery-key.txt"
_DRAFT = "seal.json.new"  # only while a directory is being initialised
_GENERATION = 1
_DEVELOPMENT = "development/"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class RootKey(Guarded):
    """The root key, opened. It is used only to derive other keys."""

    installation: str
    incarnation: str
    generation: int
    _key: bytes = field(repr=False)
    development: bool = False

    def derive(self, label: str) -> bytes:
        """The key of 32 bytes that this label names."""
        return hkdf(self._key, f"{_DEVELOPMENT}{label}" if self.development else label)


def is_initialised(directory: Path) -> bool:
    """Is there a root key already?"""
    return exists(directory / SEAL_FILE)


def initialise(directory: Path, provider: SealProvider, *, development: bool = False) -> RootKey:
    """Make the root key of a new installation, in six steps; the sixth puts it in force.

    (1) Refuse a directory that has a root key. (2) Mark the directory as being initialised.
    (3) Make the root key and its daily wrap. (4) Make the recovery key, its wrap and its sheet.
    (5) Open both wraps from the files on disk. (6) Give `seal.json` its name.
    """
    make_directory(directory)
    with locked(directory):
        # (1)
        if is_initialised(directory):
            raise SealError(
                f"`{directory}` is initialised already",
                "start the server on it, or choose an empty directory",
            )
        _start_anew(directory)
        # (2)
        draft = directory / _DRAFT
        create_private(draft, b"")
        # (3)
        root, installation = urandom(KEY_BYTES), token_id()
        bound_to = root_place(installation, _GENERATION)
        daily = provider.wrap(directory, root, bound_to)
        # (4)
        recovery = RecoverySeal(urandom(KEY_BYTES))
        sheet = directory / RECOVERY_FILE
        create_private(sheet, recovery_sheet(recovery.key, installation))
        seal = SealFile(
            installation=installation,
            development=True if development else msgspec.UNSET,
            incarnation=token_id(),
            generation=_GENERATION,
            daily=daily,
            recovery=recovery.wrap(directory, root, bound_to),
        )
        replace_private(draft, encode(seal.authenticated(_seal_key(root))))
        # (5)
        written = RecoverySeal(recovery_key(read_private(sheet).decode()))
        opened = _opened(directory, draft, provider)
        _verify(root, written.unwrap(directory, _read(draft).recovery, bound_to))
        # (6)
        rename(draft, directory / SEAL_FILE)
        return opened


def open_root(directory: Path, passphrase: str | None = None) -> RootKey:
    """Open the daily wrap; raises SealError."""
    path = directory / SEAL_FILE
    return _opened(directory, path, _provider(path, passphrase))


def memory_for_passphrase(directory: Path) -> int | None:
    """The memory in MiB that opening the daily wrap takes; None for a seal without passphrase."""
    daily = _read(directory / SEAL_FILE).daily
    memory = daily.parameters.get("memory_kib")
    return memory // 1024 if isinstance(memory, int) else None


def recover(directory: Path, recovery: str, provider: SealProvider) -> RootKey:
    """Open the root key with the recovery key's text, and wrap it anew for daily use.

    The recovery key stays valid. The incarnation is new: tokens given out before are refused.
    """
    with locked(directory):
        path = directory / SEAL_FILE
        former = _read(path)
        sealed = RecoverySeal(recovery_key(recovery))
        root = sealed.unwrap(directory, former.recovery, former.bound_to)
        if not former.is_authentic(_seal_key(root)):
            raise damaged(str(path))
        seal = msgspec.structs.replace(
            former,
            incarnation=token_id(),
            daily=provider.wrap(directory, root, former.bound_to),
        )
        replace_private(path, encode(seal.authenticated(_seal_key(root))))
        if provider.kind != FileSeal().kind:
            remove(directory / ROOT_KEY_FILE)
        return _opened(directory, path, provider)


def _start_anew(directory: Path) -> None:
    """Remove the files of an interrupted initialisation; refuse files that it did not leave."""
    leftovers = [directory / ROOT_KEY_FILE, directory / RECOVERY_FILE]
    if exists(directory / _DRAFT):
        for path in leftovers:
            remove(path)
        remove(directory / _DRAFT)
    for path in leftovers:
        if exists(path):
            raise SealError(
                f"`{path}` exists, but `{directory / SEAL_FILE}` does not",
                "restore seal.json from a copy, or choose an empty directory",
            )


def _read(path: Path) -> SealFile:
    return decode(read_private(path), str(path))


def _provider(path: Path, passphrase: str | None) -> SealProvider:
    """The provider that opens the daily wrap that `seal.json` describes."""
    kind = _read(path).daily.provider
    if kind == "file" and passphrase is None:
        return FileSeal()
    if kind == "passphrase" and passphrase is not None:
        return PassphraseSeal(passphrase)
    if kind == "passphrase":
        raise SealError(
            f"`{path}` is sealed by a passphrase",
            f"name its file with --passphrase-file; if it is lost, use {RECOVER}",
        )
    if kind == "file":
        raise SealError(f"`{path}` is not sealed by a passphrase", "start without a passphrase")
    raise SealError(f"`{path}` has a seal of the unknown kind `{kind}`", "start a newer Keystead")


def _opened(directory: Path, path: Path, provider: SealProvider) -> RootKey:
    """The root key behind the seal at `path`, every member of it authenticated."""
    seal = _read(path)
    root = provider.unwrap(directory, seal.daily, seal.bound_to)
    if not seal.is_authentic(_seal_key(root)):
        raise damaged(str(path))
    development = seal.development is True
    return RootKey(seal.installation, seal.incarnation, seal.generation, root, development)


def _verify(made: bytes, opened: bytes) -> None:
    if made != opened:
        raise SealError(
            "the recovery key that was just made does not open the root key",
            "check the disk, then initialise again",
        )


def _seal_key(root: bytes) -> bytes:
    return hkdf(root, "keystead/1/seal file")
