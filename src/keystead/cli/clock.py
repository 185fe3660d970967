"""`keystead clock acknowledge`"""

from pathlib import Path
from typing import Any

import click

from keystead.cli import options, output
from keystead.cli.performing import hold


@click.group()
def clock() -> None:
    """What the operator says of the machine's clock."""


@clock.command(short_help="Say that the clock is right now.")
@options.data
@options.config_file
@options.passphrase_file
@options.json
def acknowledge(file: Path | None, as_json: bool, **given: Any) -> None:
    """Say that the clock is right now, after it was wrong: look at it first.

    Callers are authenticated again after it had been ahead, and keys whose deletion date has come
    are destroyed without waiting for a day.
    """
    result = hold(options.load(file, **given), "clock acknowledge")
    if as_json:
        output.as_json(result)
    else:
        output.facts(result)
