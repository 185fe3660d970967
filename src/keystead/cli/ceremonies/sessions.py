"""`keystead session`: `list`, `end`"""

from pathlib import Path
from typing import Any

import click

from keystead.cli import options, output
from keystead.cli.performing import hold
from keystead.failures import Failure

_account = click.option(
    "--account-id", metavar="DIGITS", help="The account; needed if there are several."
)
_user = click.option("--user", metavar="NAME", help="Those of this user.")
_root = click.option("--root", is_flag=True, help="Those of the root user.")
_MEMBERS = ("Id", "Where", "Arn", "Began", "LastUsed", "Expires")
_TITLES = ("session", "where", "who", "began", "last used", "ends at the latest")


@click.group(short_help="List and end the sessions of people.")
def session() -> None:
    """List and end sessions of people: on pages, and for the command line. The server may run.

    Temporary credentials that a program got from STS are none of these.
    """


@session.command("list", short_help="List the sessions of an account, or of one person.")
@options.data
@options.config_file
@options.passphrase_file
@_account
@_user
@_root
@options.json
def list_sessions(file: Path | None, *, as_json: bool, **given: Any) -> None:
    """List the sessions that are good now, the last used first: at most a hundred of each kind.

    The id of a session on pages is the access key id in its records.
    """
    members = _members(given)
    listed = hold(options.load(file, **given), "session list", **members)
    if as_json:
        output.as_json(listed)
        return
    _table(listed)
    if listed["More"]:
        output.note("there are more: name a person with --user or --root")


@session.command(short_help="End a session, or all of one person.")
@options.data
@options.config_file
@options.passphrase_file
@click.argument("session_id", metavar="SESSION", required=False)
@_account
@_user
@_root
@options.json
def end(file: Path | None, *, session_id: str | None, as_json: bool, **given: Any) -> None:
    """End a session, or all of one person. It is over when the command returns.

    Nothing else changes: who has the password and the devices can sign in again.
    """
    members = _members(given)
    named = [each for each in (session_id, members.get("user"), members.get("root")) if each]
    if len(named) != 1:
        raise Failure(
            "it is not said which sessions end", "name a session, or give --user or --root"
        )
    ended = hold(options.load(file, **given), "session end", session=session_id, **members)
    if as_json:
        output.as_json(ended)
        return
    _table(ended)
    output.note(f"ended: {len(ended['Sessions'])}")


def _members(given: dict[str, Any]) -> dict[str, Any]:
    members = {name: given.pop(name) for name in ("account_id", "user", "root")}
    if members["user"] and members["root"]:
        raise Failure("a user and root are two persons", "give --user or --root")
    return {name: value for name, value in members.items() if value}


def _table(result: dict[str, Any]) -> None:
    rows = [[output.printable(each[name]) for name in _MEMBERS] for each in result["Sessions"]]
    output.table(_TITLES, rows)
