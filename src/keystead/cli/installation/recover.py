"""`keystead recover`"""

from pathlib import Path
from typing import Any

import click

from keystead.cli import options, output
from keystead.custody.files import read_private
from keystead.custody.seals import recover as open_again
from keystead.failures import Failure
from keystead.server.installation import (
    Config,
    Installation,
    ceremony_event,
    founding,
    lock,
    process,
    seal,
)
from keystead.store.lock import DirectoryLock


@click.command(short_help="Open a restored copy with the recovery key.")
@options.data
@options.config_file
@click.option(
    "--recovery-key", "sheet", required=True, metavar="FILE",
    help="The recovery key, as in `recovery-key.txt`.",
)  # fmt: skip
@click.option(
    "--seal", type=click.Choice(["file", "passphrase"]), help="How the root key is protected."
)
@options.passphrase_file
def recover(file: Path | None, sheet: str, **given: Any) -> None:
    """Open a data directory without its daily key, and wrap the root key anew.

    Use this for a copy that was restored without `root.key`, or after a passphrase was lost. The
    recovery key stays valid. Tokens that were given out before are refused.
    """
    config = options.load(file, **given)
    if not config.directory.is_dir():
        raise _nothing(config)
    process.harden()
    held = lock(config.directory)
    founding.complete(config.directory)
    if not founding.is_founded(config.directory):
        raise _nothing(config)
    open_again(config.directory, _text(sheet), seal(config))
    _record(config, held)
    output.note(f"`{config.data}` is open again: start it with `keystead serve`")


def _nothing(config: Config) -> Failure:
    return Failure(
        f"`{config.data}` holds no installation",
        "restore a copy of the data directory there first",
        status=3,
    )


def _text(sheet: str) -> str:
    try:
        return read_private(Path(sheet)).decode()
    except UnicodeDecodeError:
        raise Failure(
            f"`{sheet}` is not a text file in UTF-8", "type the recovery key into a text file"
        ) from None


def _record(config: Config, held: DirectoryLock) -> None:
    installation = Installation(config, held)
    try:
        installation.trail.record(ceremony_event("Recover", installation.clock.now(), {}))
        installation.commit()
    finally:
        installation.close()
