"""`keystead account create`, `keystead account root-access-key`"""

from pathlib import Path
from typing import Any

import click

from keystead.arns import is_account_id
from keystead.cli import options, output
from keystead.cli.performing import hold
from keystead.failures import Failure


@click.group(short_help="Make accounts, and access keys of their roots.")
def account() -> None:
    """Make accounts, and access keys of their root users. The server may run meanwhile."""


@account.command(short_help="Make another account.")
@options.data
@options.config_file
@options.passphrase_file
@click.option("--email", metavar="ADDRESS", help="The new root user's e-mail address.")
@click.option("--account-id", metavar="DIGITS", help="Twelve digits; random if not given.")
@options.json
def create(
    file: Path | None, email: str | None, account_id: str | None, as_json: bool, **given: Any
) -> None:
    """Make another account, and print the credentials of its root user, once."""
    config = options.load(file, **given)
    _require_account_id(account_id)
    _say(hold(config, "account create", email=email, account_id=account_id), as_json=as_json)


@account.command("root-access-key", short_help="Make an access key for a root user.")
@options.data
@options.config_file
@options.passphrase_file
@click.option("--account-id", metavar="DIGITS", help="The account; needed if there are several.")
@options.json
def root_access_key(file: Path | None, account_id: str | None, as_json: bool, **given: Any) -> None:
    """Make an access key for the root user of an account, and print it, once."""
    config = options.load(file, **given)
    _require_account_id(account_id)
    _say(hold(config, "account root-access-key", account_id=account_id), as_json=as_json)


def _require_account_id(text: str | None) -> None:
    if text is not None and not is_account_id(text):
        raise Failure(
            f"`{text}` is not an account id", "give twelve digits after --account-id", status=2
        )


def _say(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.as_json(result)
    else:
        output.facts(result)
        output.note("Keystead cannot show these secrets again: write them down now")
