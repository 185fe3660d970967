"""`keystead key`: `schedule-deletion`, `tombstone`"""

import base64
from pathlib import Path
from typing import Any

import click

from keystead.cli import options, output
from keystead.cli.performing import hold


@click.group(short_help="Schedule the deletion of a key, or prove that it was destroyed.")
def key() -> None:
    """Schedule the deletion of a key, or prove that it was destroyed."""


@key.command("schedule-deletion", short_help="Schedule the deletion of a key.")
@options.data
@options.config_file
@options.passphrase_file
@click.argument("arn", metavar="ARN")
@click.option(
    "--days", type=click.IntRange(7, 30), default=30, show_default=True,
    help="The waiting period.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Also if the key was used in the last 24 hours.")
@options.json
def schedule_deletion(
    file: Path | None, arn: str, days: int, *, force: bool, as_json: bool, **given: Any
) -> None:
    """Schedule the deletion of a key, as the owner of the data directory.

    From now on nobody can use the key. Until the date everybody who may call CancelKeyDeletion can
    save it. A key that was used in the last 24 hours is refused, unless --force is given; the exit
    status is 1 then.
    """
    config = options.load(file, **given)
    result = hold(config, "key schedule-deletion", arn=arn, days=days, force=force)
    if as_json:
        output.as_json(result)
    else:
        output.facts(result)


@key.command(short_help="Show what was signed about a key that was destroyed.")
@options.data
@options.config_file
@options.passphrase_file
@click.argument("arn", metavar="ARN")
@click.option(
    "--to", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Write `statement` and `signature` there, to be verified elsewhere.",
)  # fmt: skip
@options.json
def tombstone(file: Path | None, arn: str, to: Path | None, *, as_json: bool, **given: Any) -> None:
    """Show the signed statement about a key that was destroyed.

    It names the key, its materials, and the time. It is signed with the key of the audit log. With
    the files of --to, anybody who has the public key of the log can verify it:

    openssl pkeyutl -verify -pubin -inkey public-key.pem -rawin -in statement -sigfile signature
    """
    result = hold(options.load(file, **given), "key tombstone", arn=arn)
    if to is not None:
        to.mkdir(parents=True, exist_ok=True)
        (to / "statement").write_text(result["statement"], encoding="utf-8")
        (to / "signature").write_bytes(base64.b64decode(result["signature"]))
    if as_json:
        output.as_json(result)
        return
    shown = {name: value for name, value in result.items() if name != "statement"}
    output.facts(
        {output.words(n): v if n != "materials" else ", ".join(v) for n, v in shown.items()}
    )
