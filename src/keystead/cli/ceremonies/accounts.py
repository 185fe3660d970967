"""`keystead account`: `create`, `list`, `suspend`, `reopen`, `reset-root`, `root-access-key`"""

from pathlib import Path
from typing import Any

import click

from keystead.arns import is_account_id
from keystead.cli import options, output
from keystead.cli.performing import all_of, hold
from keystead.failures import Failure
from keystead.server.installation import Config


@click.group(short_help="Make, list, suspend and reopen accounts.")
def account() -> None:
    """Make, list, suspend and reopen accounts. The server may run meanwhile."""


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


@account.command("reset-root", short_help="Give a root user a new one-time password.")
@options.data
@options.config_file
@options.passphrase_file
@click.option("--account-id", metavar="DIGITS", help="The account; needed if there are several.")
@options.json
def reset_root(file: Path | None, account_id: str | None, as_json: bool, **given: Any) -> None:
    """Give the root user of an account a new one-time password, and remove its MFA devices.

    Every session of that root user ends. The password is changed at its first use.
    """
    config = options.load(file, **given)
    _require_account_id(account_id)
    _say(hold(config, "account reset-root", account_id=account_id), as_json=as_json)


@account.command("list", short_help="List the accounts.")
@options.data
@options.config_file
@options.passphrase_file
@options.json
def list_accounts(file: Path | None, as_json: bool, **given: Any) -> None:
    """List the accounts with their state and their organization, the oldest first."""
    listed = all_of(options.load(file, **given), "account list", "Accounts")
    listed["Accounts"].sort(key=lambda each: each["Created"])
    if as_json:
        output.as_json(listed)
        return
    rows = [[output.printable(each[name]) for name in _LISTED] for each in listed["Accounts"]]
    output.table([name.lower() for name in ("Account", *_LISTED[1:])], rows)


_LISTED = ("AccountId", "State", "Organization", "Email")


@account.command(short_help="Suspend an account.")
@options.data
@options.config_file
@options.passphrase_file
@click.argument("account_id", metavar="ACCOUNT")
@options.json
def suspend(file: Path | None, account_id: str, as_json: bool, **given: Any) -> None:
    """Suspend an account: from the next request on it has no callers, and its keys serve nobody."""
    _change("account suspend", options.load(file, **given), account_id, as_json=as_json)


@account.command(short_help="Open a suspended or closed account again.")
@options.data
@options.config_file
@options.passphrase_file
@click.argument("account_id", metavar="ACCOUNT")
@options.json
def reopen(file: Path | None, account_id: str, as_json: bool, **given: Any) -> None:
    """Open a suspended or closed account again. Its access keys and its keys work as before.

    Sessions that began before it was suspended are over: people sign in again.
    """
    _change("account reopen", options.load(file, **given), account_id, as_json=as_json)


def _change(command: str, config: Config, account_id: str, *, as_json: bool) -> None:
    _require_account_id(account_id)
    result = hold(config, command, account_id=account_id)
    (output.as_json if as_json else output.facts)(result)


def _require_account_id(text: str | None) -> None:
    if text is not None and not is_account_id(text):
        raise Failure(f"`{text}` is not an account id", "an account id has twelve digits", status=2)


def _say(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.as_json(result)
    else:
        output.facts(result)
        output.note("Keystead cannot show these secrets again: write them down now")
