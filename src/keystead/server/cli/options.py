"""The options that commands share."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from keystead.server import config as configuration
from keystead.server.config import Config

F = TypeVar("F", bound=Callable[..., Any])

data = click.option("--data", metavar="DIR", help="The data directory.")
config_file = click.option(
    "--config", "file", metavar="FILE", type=click.Path(path_type=Path), help="A TOML file."
)
json = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
passphrase_file = click.option(
    "--passphrase-file", metavar="FILE", help="The file with the passphrase of the root key."
)


def load(file: Path | None, **options: Any) -> Config:
    """The configuration of this command line; raises Failure."""
    return configuration.load(file, os.environ, options)
