"""`keystead service`: `register`, `list`, `rotate`, `deregister`"""

from pathlib import Path
from typing import Any

import click

from keystead.cli import options, output
from keystead.cli.performing import hold


@click.group(short_help="Register services that act with a name of their own.")
def service() -> None:
    """Register services of the site, which act with a name of their own. The server may run.

    Policies trust a service by its name: {"Service": "warehouse.example.internal"}.
    """


@service.command(short_help="Register a service, and print its credentials, once.")
@options.data
@options.config_file
@options.passphrase_file
@click.argument("name", metavar="NAME")
@click.option("--account-id", metavar="DIGITS", help="Its account; needed if there are several.")
@click.option(
    "--source-account", "source_accounts", multiple=True, metavar="DIGITS",
    help="An account in which its sources may be, or `*`. [default: its own]",
)  # fmt: skip
@click.option(
    "--source-arn", "source_arns", multiple=True, metavar="PATTERN",
    help="A pattern of the sources that it may name. [default: ARNs of its own kind]",
)  # fmt: skip
@click.option(
    "--forward", "actions", multiple=True, metavar="ACTION",
    help="An action that it may do for a caller whose request it forwards. [default: none]",
)  # fmt: skip
@click.option("--signing-name", "scope", metavar="NAME", help="The service its callers sign for.")
@click.option("--host", "hosts", multiple=True, metavar="HOST", help="The Host its callers sign.")
@click.option("--managed-key/--no-managed-key", default=True, help="Give accounts alias/aws/….")
@options.json
def register(file: Path | None, *, as_json: bool, **given: Any) -> None:
    """Register a service. What it may name and do stands in docs/services.md."""
    members = {name: given.pop(name) for name in _OF_REGISTRATION}
    config = options.load(file, **given)
    result = hold(config, "service register", **members)
    _say(result, as_json=as_json)


_OF_REGISTRATION = (
    "name", "account_id", "source_accounts", "source_arns", "actions", "scope", "hosts",
    "managed_key",
)  # fmt: skip


@service.command("list", short_help="List the services.")
@options.data
@options.config_file
@options.passphrase_file
@options.json
def list_services(file: Path | None, *, as_json: bool, **given: Any) -> None:
    """List the services, with what their registrations say."""
    listed = hold(options.load(file, **given), "service list")
    if as_json:
        output.as_json(listed)
        return
    rows = [[_cell(each[name]) for name in _LISTED] for each in listed["Services"]]
    output.table(_TITLES, rows)


_LISTED = ("ServicePrincipal", "AccountId", "SourceAccounts", "ForwardedActions", "AccessKeyIds")
_TITLES = ("service", "account", "source accounts", "forwards", "access keys")


def _cell(value: str | list[str]) -> str:
    return output.printable(value if isinstance(value, str) else ",".join(value))


@service.command(short_help="Give a service a new access key, and end the others.")
@options.data
@options.config_file
@options.passphrase_file
@click.argument("name", metavar="NAME")
@click.option("--keep-newest", is_flag=True, help="Let the newest of the other keys stay.")
@options.json
def rotate(file: Path | None, name: str, *, keep_newest: bool, as_json: bool, **given: Any) -> None:
    """Give a service a new access key, and print it, once.

    The other keys end at once, and with them the sessions that were begun with them. With
    --keep-newest the newest stays, until the next rotation.
    """
    config = options.load(file, **given)
    _say(hold(config, "service rotate", name=name, keep_newest=keep_newest), as_json=as_json)


@service.command(short_help="Remove a service, with its keys and sessions.")
@options.data
@options.config_file
@options.passphrase_file
@click.argument("name", metavar="NAME")
@options.json
def deregister(file: Path | None, name: str, *, as_json: bool, **given: Any) -> None:
    """Remove a service. Its access keys, and the sessions that it began, end at once.

    Policies and grants that name it stay: they mean the next service that has its name.
    """
    result = hold(options.load(file, **given), "service deregister", name=name)
    (output.as_json if as_json else output.facts)(result)


def _say(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.as_json(result)
        return
    output.facts(
        {name: value if isinstance(value, bool) else _cell(value) for name, value in result.items()}
    )
    output.note("Keystead cannot show this secret again: write it down now")
