"""`keystead version`"""

import click

from keystead import __version__


@click.command()
def version() -> None:
    """Print the version."""
    click.echo(f"keystead {__version__}")
