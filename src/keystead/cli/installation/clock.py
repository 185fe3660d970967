"""`keystead clock acknowledge`"""

from pathlib import Path
from typing import Any

import click

from keystead.cli import options, output
from keystead.cli.performing import hold


@click.group()
def clock() -> None:
    """Tell Keystead about the machine's clock."""


@clock.command(short_help="Confirm that the clock is right.")
@options.data
@options.config_file
@options.passphrase_file
@options.json
def acknowledge(file: Path | None, as_json: bool, **given: Any) -> None:
    """Confirm that the clock is right again, after it was wrong. Look at it first.

    If the clock had been ahead, callers are authenticated again. Keys whose deletion date has come
    are destroyed at once; without this command that waits for a day.
    """
    result = hold(options.load(file, **given), "clock acknowledge")
    if as_json:
        output.as_json(result)
    else:
        output.facts(result)
