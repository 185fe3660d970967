"""The root key: made once, wrapped twice, opened only by who should."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from keystead.custody.files import create_private
from keystead.custody.seals import root as root_module
from keystead.custody.seals.recovery import recovery_key, recovery_sheet
from keystead.custody.seals.root import (
    RECOVERY_FILE,
    ROOT_KEY_FILE,
    SEAL_FILE,
    FileSeal,
    PassphraseSeal,
    RootKey,
    SealError,
    SealProvider,
    initialise,
    is_initialised,
    open_root,
    recover,
)

PASSPHRASE = "correct horse battery staple"
LABEL = "a label"


def quick(passphrase: str = PASSPHRASE) -> PassphraseSeal:
    """A passphrase seal that costs next to nothing."""
    return PassphraseSeal(passphrase, memory_kib=64, below_floor=True)


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, RootKey]:
    """A directory with a file seal, and its root key."""
    directory = tmp_path / "data"
    return directory, initialise(directory, FileSeal())


@pytest.fixture
def sheet(made: tuple[Path, RootKey]) -> str:
    return (made[0] / RECOVERY_FILE).read_text()


def same(one: RootKey, other: RootKey) -> bool:
    """Do both derive the same?"""
    return one.derive(LABEL) == other.derive(LABEL)


def test_a_file_seal_opens_again(made: tuple[Path, RootKey]) -> None:
    """The root key that was made is the one that is opened, with the same names."""
    directory, root = made

    opened = open_root(directory)

    assert same(opened, root)
    assert opened.installation == root.installation
    assert opened.incarnation == root.incarnation
    assert is_initialised(directory)


def test_a_passphrase_seal_opens_with_its_passphrase(tmp_path: Path) -> None:
    """The right passphrase opens; the wrong one, and none, do not; no key lies on disk."""
    root = initialise(tmp_path, quick())

    assert same(open_root(tmp_path, PASSPHRASE), root)
    assert not (tmp_path / ROOT_KEY_FILE).exists()
    for wrong in ("correct horse battery stapler", "", PASSPHRASE.upper(), None):
        with pytest.raises(SealError, match="passphrase"):
            open_root(tmp_path, wrong)


def test_a_file_seal_takes_no_passphrase(made: tuple[Path, RootKey]) -> None:
    """Whoever gives a passphrase believes in one: say that there is none."""
    with pytest.raises(SealError, match="not sealed by a passphrase"):
        open_root(made[0], PASSPHRASE)


@pytest.mark.parametrize(
    ("seal", "message"),
    [
        (PassphraseSeal("too short"), "shorter than 12"),
        (PassphraseSeal(PASSPHRASE, memory_kib=255 * 1024), "at least 256 MiB"),
        (PassphraseSeal(PASSPHRASE, memory_kib=5 * 1024 * 1024), "at most 4096 MiB"),
        (quick("correct horse \ud800 staple"), "not valid text"),
    ],
)
def test_weak_seals_are_refused(tmp_path: Path, seal: SealProvider, message: str) -> None:
    """A short passphrase, a cheap one, an impossible one: refused, and nothing is in force."""
    with pytest.raises(SealError, match=message):
        initialise(tmp_path, seal)
    assert not is_initialised(tmp_path)

    initialise(tmp_path, quick())
    assert is_initialised(tmp_path)


def test_two_installations_share_nothing(tmp_path: Path) -> None:
    """Root keys, ids and recovery keys are new each time."""
    one, other = (initialise(tmp_path / name, FileSeal()) for name in "ab")

    assert not same(one, other)
    assert one.installation != other.installation
    assert one.incarnation != other.incarnation
    assert (tmp_path / "a" / RECOVERY_FILE).read_text() != (
        tmp_path / "b" / RECOVERY_FILE
    ).read_text()


def test_labels_give_different_keys(made: tuple[Path, RootKey]) -> None:
    """A label names one key: the same again, and no other label's."""
    root = made[1]

    assert root.derive("a") == root.derive("a")
    assert root.derive("a") != root.derive("b")


def test_second_initialisation_is_impossible(made: tuple[Path, RootKey]) -> None:
    """A directory is initialised once, also when only its seal is left."""
    directory, root = made
    before = (directory / SEAL_FILE).read_bytes()

    with pytest.raises(SealError, match="initialised already"):
        initialise(directory, FileSeal())
    assert same(open_root(directory), root)

    (directory / ROOT_KEY_FILE).unlink()
    (directory / RECOVERY_FILE).unlink()
    with pytest.raises(SealError, match="initialised already"):
        initialise(directory, FileSeal())
    assert (directory / SEAL_FILE).read_bytes() == before


@pytest.mark.parametrize("lost", [{SEAL_FILE}, {SEAL_FILE, ROOT_KEY_FILE}])
def test_an_installation_that_lost_its_seal_is_not_overwritten(
    made: tuple[Path, RootKey], lost: set[str]
) -> None:
    """Keys without a seal may be somebody's only keys: they are left alone."""
    directory, _ = made
    for name in lost:
        (directory / name).unlink()
    left = {path.name: path.read_bytes() for path in directory.iterdir()}

    with pytest.raises(SealError, match="does not"):
        initialise(directory, FileSeal())

    assert {path.name: path.read_bytes() for path in directory.iterdir()} == left


STEPS = ["create_private", "replace_private", "read_private", "rename"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("seal", [FileSeal(), quick()], ids=["file", "passphrase"])
def test_an_interrupted_initialisation_starts_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, seal: SealProvider
) -> None:
    """Stopped before any of its steps, it has made nothing that is in force; the next one works."""
    calls = 0
    real: Any = getattr(root_module, step)

    def stopping(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == stop_at:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(root_module, step, stopping)
    stopped = 0
    for stop_at in range(1, 9):
        calls = 0
        directory = tmp_path / str(stop_at)
        try:
            initialise(directory, seal)
        except KeyboardInterrupt:
            stopped += 1
            assert not is_initialised(directory)
            calls = 99
            initialise(directory, seal)
        assert is_initialised(directory)
        assert not list(directory.glob("*.new"))
        assert not list(directory.glob("*.draft"))
    assert stopped


def test_one_initialises_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second process meets the lock and changes nothing."""
    real = create_private

    def meanwhile(path: Path, content: bytes) -> None:
        with pytest.raises(SealError, match="another process"):
            initialise(tmp_path, FileSeal())
        real(path, content)

    monkeypatch.setattr(root_module, "create_private", meanwhile)
    root = initialise(tmp_path, FileSeal())

    assert same(open_root(tmp_path), root)


class Forgetful(FileSeal):
    """A provider whose wrap does not open."""

    def wrap(self, directory: Path, root: bytes, bound_to: bytes) -> Any:
        wrap = super().wrap(directory, root, bound_to)
        (directory / ROOT_KEY_FILE).write_bytes(bytes(32))
        return wrap


def test_init_fails_unless_the_daily_wrap_opens(tmp_path: Path) -> None:
    """A provider that cannot open what it wrapped is found out before anything depends on it."""
    with pytest.raises(SealError, match="does not open"):
        initialise(tmp_path, Forgetful())
    assert not is_initialised(tmp_path)


@pytest.mark.parametrize("broken", [bytes(32), bytes(range(32))])
def test_init_fails_unless_the_recovery_wrap_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: bytes
) -> None:
    """A sheet that does not hold the recovery key is found out before anything depends on it."""
    real = recovery_sheet
    monkeypatch.setattr(root_module, "recovery_sheet", lambda _, name: real(broken, name))

    with pytest.raises(SealError, match="recovery key"):
        initialise(tmp_path, FileSeal())
    assert not is_initialised(tmp_path)


def test_files_are_private(tmp_path: Path) -> None:
    """Directory 0700 and files 0600, whatever the umask."""
    directory = tmp_path / "made" / "here"
    initialise(directory, FileSeal())

    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
    assert modes == {SEAL_FILE: 0o600, ROOT_KEY_FILE: 0o600, RECOVERY_FILE: 0o600}


@pytest.mark.parametrize("name", [SEAL_FILE, ROOT_KEY_FILE])
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o602])
def test_files_that_others_may_touch_are_refused(
    made: tuple[Path, RootKey], name: str, mode: int
) -> None:
    """A file that others can read or write is refused, with what to do; private, it passes."""
    directory, root = made
    (directory / name).chmod(mode)
    with pytest.raises(SealError, match=f"mode {mode:04o}") as refused:
        open_root(directory)
    assert refused.value.hint.startswith("chmod 600")

    (directory / name).chmod(0o600)
    assert same(open_root(directory), root)


def test_a_directory_of_others_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever owns the directory, or can write to it, could put another seal there (DB-6)."""
    for mode in (0o777, 0o755):
        tmp_path.chmod(mode)
        with pytest.raises(SealError, match=f"accessible to others \\(mode {mode:04o}\\)"):
            initialise(tmp_path, FileSeal())
    tmp_path.chmod(0o700)
    stranger = 65_534
    with monkeypatch.context() as patch:
        if os.geteuid() == 0:  # who may give the directory to somebody else
            os.chown(tmp_path, stranger, -1)
        else:
            stranger = os.geteuid()
            patch.setattr(os, "geteuid", lambda: stranger + 1)
        with pytest.raises(SealError, match=f"belongs to another user \\(uid {stranger}\\)"):
            initialise(tmp_path, FileSeal())
    os.chown(tmp_path, os.geteuid(), -1)
    initialise(tmp_path, FileSeal())


@pytest.mark.parametrize("name", [SEAL_FILE, ROOT_KEY_FILE])
def test_links_are_refused(made: tuple[Path, RootKey], name: str) -> None:
    """A link in place of a file leads nobody knows where."""
    directory, _ = made
    (directory / name).rename(directory / "elsewhere")
    (directory / name).symlink_to(directory / "elsewhere")

    with pytest.raises(SealError):
        open_root(directory)


def test_what_is_not_a_file_is_refused(made: tuple[Path, RootKey]) -> None:
    """A directory in place of the key is refused in our words."""
    directory, _ = made
    (directory / ROOT_KEY_FILE).unlink()
    (directory / ROOT_KEY_FILE).mkdir(mode=0o600)

    with pytest.raises(SealError, match=r"root\.key"):
        open_root(directory)


@pytest.mark.parametrize("content", [b"", bytes(31), bytes(32), bytes(33), b"\0" * 100_000])
def test_another_root_key_file_is_refused(made: tuple[Path, RootKey], content: bytes) -> None:
    """Only the file that was written opens the seal."""
    (made[0] / ROOT_KEY_FILE).write_bytes(content)

    with pytest.raises(SealError, match=r"root\.key"):
        open_root(made[0])


def test_missing_files_are_named(made: tuple[Path, RootKey], tmp_path: Path) -> None:
    """What is missing is said by name, as is a directory without a seal."""
    (made[0] / ROOT_KEY_FILE).unlink()
    with pytest.raises(SealError, match=r"root\.key` is missing"):
        open_root(made[0])
    with pytest.raises(SealError, match=r"seal\.json`: no such file"):
        open_root(tmp_path / "nothing")


def flips(content: bytes) -> list[bytes]:
    """Every copy with one byte changed, in three ways."""
    return [
        content[:i] + bytes([content[i] ^ mask]) + content[i + 1 :]
        for i in range(len(content))
        for mask in (0x01, 0x20, 0x80)
    ]


def test_every_changed_byte_of_the_key_file_is_refused(made: tuple[Path, RootKey]) -> None:
    """No byte of `root.key` can change."""
    path = made[0] / ROOT_KEY_FILE
    content = path.read_bytes()
    for changed in flips(content):
        path.write_bytes(changed)
        with pytest.raises(SealError):
            open_root(made[0])

    path.write_bytes(content)
    assert same(open_root(made[0]), made[1])


@pytest.mark.parametrize("seal", [FileSeal(), quick()], ids=["file", "passphrase"])
def test_every_changed_byte_of_the_seal_is_refused(tmp_path: Path, seal: SealProvider) -> None:
    """No byte of `seal.json` can change, spaces and the wrap that is not used among them."""
    root = initialise(tmp_path, seal)
    passphrase = None if seal.kind == "file" else PASSPHRASE
    path = tmp_path / SEAL_FILE
    content = path.read_bytes()
    for changed in flips(content):
        path.write_bytes(changed)
        with pytest.raises(SealError):
            open_root(tmp_path, passphrase)

    path.write_bytes(content)
    assert same(open_root(tmp_path, passphrase), root)


def test_recovery_refuses_every_changed_byte_of_the_seal(
    made: tuple[Path, RootKey], sheet: str
) -> None:
    """A changed seal is not sealed anew; the files stay as they are."""
    path = made[0] / SEAL_FILE
    content = path.read_bytes()
    for changed in flips(content):
        path.write_bytes(changed)
        with pytest.raises(SealError):
            recover(made[0], sheet, FileSeal())
        assert path.read_bytes() == changed


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"null", b"\xff", b'{"version": 1}', b"{" * 10_000]
)
def test_other_contents_are_refused(made: tuple[Path, RootKey], content: bytes) -> None:
    """A file that is no seal is called damaged."""
    (made[0] / SEAL_FILE).write_bytes(content)

    with pytest.raises(SealError, match="damaged"):
        open_root(made[0])


def test_a_newer_seal_is_refused_as_such(made: tuple[Path, RootKey]) -> None:
    """A seal of a later version asks for the later version."""
    path = made[0] / SEAL_FILE
    path.write_bytes(path.read_bytes().replace(b'"version": 1', b'"version": 2'))

    with pytest.raises(SealError, match="newer Keystead"):
        open_root(made[0])


def test_the_seal_of_another_installation_is_refused(made: tuple[Path, RootKey]) -> None:
    """Files of two installations do not mix."""
    other = made[0].parent / "other"
    initialise(other, FileSeal())
    (made[0] / SEAL_FILE).write_bytes((other / SEAL_FILE).read_bytes())

    with pytest.raises(SealError, match="does not open"):
        open_root(made[0])


def test_the_recovery_key_opens_when_the_daily_key_is_lost(
    made: tuple[Path, RootKey], sheet: str
) -> None:
    """With the sheet, a lost key file is replaced, and the root key is the same."""
    directory, root = made
    (directory / ROOT_KEY_FILE).unlink()

    recovered = recover(directory, sheet, FileSeal())

    assert same(recovered, root)
    assert same(open_root(directory), root)
    assert recovered.installation == root.installation


def test_a_recovery_starts_a_new_incarnation(made: tuple[Path, RootKey], sheet: str) -> None:
    """Tokens of the time before do not outlive a recovery; the sheet does."""
    directory, root = made

    first, second = (recover(directory, sheet, FileSeal()) for _ in range(2))

    assert len({root.incarnation, first.incarnation, second.incarnation}) == 3
    assert open_root(directory).incarnation == second.incarnation


def test_a_recovery_can_change_the_provider(made: tuple[Path, RootKey], sheet: str) -> None:
    """A file seal becomes a passphrase seal, and the former key file goes."""
    directory, root = made

    recover(directory, sheet, quick())

    assert same(open_root(directory, PASSPHRASE), root)
    assert not (directory / ROOT_KEY_FILE).exists()
    recover(directory, sheet, FileSeal())
    assert same(open_root(directory), root)


def test_a_forgotten_passphrase_is_replaced(tmp_path: Path) -> None:
    """With the sheet, a new passphrase replaces the forgotten one."""
    root = initialise(tmp_path, quick())
    sheet = (tmp_path / RECOVERY_FILE).read_text()

    recover(tmp_path, sheet, quick("another passphrase"))

    assert same(open_root(tmp_path, "another passphrase"), root)
    with pytest.raises(SealError):
        open_root(tmp_path, PASSPHRASE)


def test_another_installations_recovery_key_is_refused(
    made: tuple[Path, RootKey], tmp_path: Path
) -> None:
    """A sheet opens its own installation only, and a refusal changes nothing."""
    other = tmp_path / "other"
    initialise(other, FileSeal())
    before = (made[0] / SEAL_FILE).read_bytes()

    with pytest.raises(SealError, match="not the recovery key"):
        recover(made[0], (other / RECOVERY_FILE).read_text(), FileSeal())
    assert (made[0] / SEAL_FILE).read_bytes() == before
    assert same(open_root(made[0]), made[1])


def test_no_secret_lies_in_the_seal(made: tuple[Path, RootKey], sheet: str) -> None:
    """Neither key is in `seal.json`, in any spelling."""
    seal = (made[0] / SEAL_FILE).read_bytes()

    for secret in ((made[0] / ROOT_KEY_FILE).read_bytes(), recovery_key(sheet)):
        assert secret not in seal
        assert secret.hex().encode() not in seal
