"""`keystead config show`, `keystead config reference`"""

from dataclasses import fields
from pathlib import Path

import click
import msgspec

from keystead.cli import options, output
from keystead.server.installation import Config, as_toml, descriptions
from keystead.server.installation import config as configuration


@click.group()
def config() -> None:
    """Show the settings and their meaning."""


@config.command(short_help="Print the settings of a start.")
@options.data
@options.config_file
@options.json
def show(data: str | None, file: Path | None, as_json: bool) -> None:
    """Print the settings that a start with these options would use."""
    settings = options.load(file, data=data)
    if as_json:
        output.as_json(msgspec.to_builtins(settings))
        return
    texts = descriptions()
    for field in fields(Config):
        click.echo(f"# {texts[field.name]}")
        click.echo(f"{field.name} = {as_toml(getattr(settings, field.name))}\n")


@config.command()
def reference() -> None:
    """Print every setting as a Markdown table."""
    click.echo(configuration.reference(), nl=False)
