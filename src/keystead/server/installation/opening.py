"""What is needed before a data directory can be opened: its lock, and the seal of its root key."""

from pathlib import Path

from keystead.custody.files import make_directory, read_private
from keystead.custody.seals import FileSeal, PassphraseSeal, SealProvider
from keystead.failures import Failure
from keystead.server.installation.config import Config
from keystead.store.lock import DirectoryLock


def lock(directory: Path) -> DirectoryLock:
    """Make the directory if it is missing, and lock it; raises DirectoryInUse."""
    make_directory(directory)
    return DirectoryLock(directory)


def passphrase(config: Config) -> str | None:
    """The passphrase of the root key, if one is configured."""
    if not config.passphrase_file:
        return None
    try:
        return read_private(Path(config.passphrase_file)).decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise Failure(
            f"`passphrase_file`: `{config.passphrase_file}` is not a text file in UTF-8",
            "write the passphrase into a text file",
        ) from None


def seal(config: Config) -> SealProvider:
    """The seal of an installation that is about to be made."""
    secret = passphrase(config) if config.seal == "passphrase" else None
    return FileSeal() if secret is None else PassphraseSeal(secret)
