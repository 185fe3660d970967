"""How are results and errors printed at the command line?  As facts, tables and JSON."""

import os
import sys
from collections.abc import Mapping, Sequence

import click
import msgspec

from keystead.server.telemetry import logs


def complain(message: str, hint: str, status: int) -> int:
    """Print an error and a hint how to solve it; returns the status.

    They may quote a file or another side, whose control characters a terminal would obey.
    """
    if logs.started():
        logs.failed(message, hint)
        return status
    try:
        click.echo(f"keystead: error: {_lines(message)}", err=True)
        if hint:
            click.echo(f"keystead: hint: {_lines(hint)}", err=True)
    except OSError:  # standard error is closed
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    return status


def note(message: str) -> None:
    """Tell a person something that is not the result."""
    if logs.started():
        logs.info(message)
        return
    click.echo(f"keystead: {message}", err=True)


def progress(done: int, whole: int) -> None:
    """Show the progress of a long work at a terminal; nothing is written elsewhere."""
    if sys.stderr.isatty():
        end = "\n" if done >= whole else ""
        click.echo(f"\rkeystead: {done * 100 // max(whole, 1):3d} % read{end}", err=True, nl=False)


def printable(text: str) -> str:
    """The text without control characters: policies may hold any, and a terminal obeys them."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )


def _lines(text: str) -> str:
    """The same of a text that may have several lines, as click's have."""
    return "\n".join(printable(line) for line in text.expandtabs().split("\n"))


def as_json(value: object) -> None:
    """Print a result for machines."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def words(name: str) -> str:
    """The name of a member for people: `memory locked` for `memoryLocked`."""
    return "".join(
        f" {character.lower()}" if character.isupper() else character for character in name
    )


def facts(values: Mapping[str, object]) -> None:
    """Print a result for people: one fact a line."""
    width = max(map(len, values), default=0)
    for name, value in values.items():
        click.echo(f"{name:<{width}}  {value}")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows for people."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        line = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())
