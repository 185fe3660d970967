"""`keystead directory`: `create`, `update`, `list`, `show`, `try`, `assign`, `unassign`, …"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from keystead.cli import options, output
from keystead.cli.performing import hold, office
from keystead.cli.secret_files import secret_in
from keystead.failures import Failure, cause_of
from keystead.server.installation import Config

F = TypeVar("F", bound=Callable[..., Any])

_ASK_AGAIN = 0.02  # seconds, while the directory is being asked
_MOST_FILE = 64 * 1024  # bytes
_NAME = click.argument("name", metavar="NAME")
_SETTINGS = (
    ("--url", "urls", "URL", True, "ldaps://host, or ldap://host for StartTLS."),
    ("--bind-dn", "bind_dn", "DN", False, "The entry that may search."),
    ("--base-dn", "person_bases", "DN", True, "Where people are."),
    ("--user-filter", "person_filter", "FILTER", False, "Finds a person by {name}."),
    ("--group-base-dn", "group_bases", "DN", True, "Where groups are. [default: where people are]"),
    ("--group-filter", "group_filter", "FILTER", False, "Finds a group by {name}."),
    ("--member-attribute", "member_attributes", "ATTR", True, "Of groups: the DNs of members."),
    ("--id-attribute", "id_attribute", "ATTR", False, "The id that never changes."),
    ("--name-attribute", "name_attribute", "ATTR", False, "The name for sessions."),
)
_NAMES = tuple(name for _, name, _, _, _ in _SETTINGS)


def _described(command: F) -> F:
    """The options that say how a directory is asked."""
    for option, name, metavar, several, text in reversed(_SETTINGS):
        command = click.option(option, name, metavar=metavar, multiple=several, help=text)(command)
    ca = click.option("--ca-file", metavar="FILE", help="Its authorities. [default: the system's]")
    password = click.option(
        "--bind-password-file", metavar="FILE", help="The password of the bind name."
    )
    return password(ca(command))


@click.group(short_help="Let people of a directory (LDAP, Active Directory) sign in.")
def directory() -> None:
    """Let people of a directory (LDAP, Active Directory) sign in at the console.

    They act in sessions of roles that trust ds.amazonaws.com. docs/federation-directory.md.
    """


@directory.command(short_help="Make a directory known.")
@options.data
@options.config_file
@options.passphrase_file
@_NAME
@click.option("--account-id", metavar="DIGITS", help="Its account; needed if there are several.")
@click.option(
    "--kind", type=click.Choice(["openldap", "389ds", "freeipa", "active-directory"]),
    default="openldap", show_default=True, help="Whose attributes and filters it has.",
)  # fmt: skip
@_described
@options.json
def create(file: Path | None, *, as_json: bool, **given: Any) -> None:
    """Make a directory known. NAME is what people type at sign-in."""
    members = _members(given, "name", "account_id", "kind")
    if "bind_password" not in members:
        raise Failure(
            "the password of the bind name is missing", "name its file: --bind-password-file"
        )
    _say(hold(options.load(file, **given), "directory create", **members), as_json=as_json)


@directory.command(short_help="Change how a directory is asked.")
@options.data
@options.config_file
@options.passphrase_file
@_NAME
@_described
@options.json
def update(file: Path | None, *, as_json: bool, **given: Any) -> None:
    """Change how a directory is asked. What is not named stays; its people's sessions end."""
    members = _members(given, "name")
    if members == {"name": members["name"], "settings": {}}:
        raise Failure("nothing of the directory is to be changed", "name what changes; see --help")
    _say(hold(options.load(file, **given), "directory update", **members), as_json=as_json)


@directory.command("list", short_help="List the directories.")
@options.data
@options.config_file
@options.passphrase_file
@options.json
def list_directories(file: Path | None, *, as_json: bool, **given: Any) -> None:
    """List the directories."""
    listed = hold(options.load(file, **given), "directory list")
    if as_json:
        output.as_json(listed)
        return
    members = ("Name", "DirectoryId", "AccountId", "Kind", "Urls")
    rows = [[_cell(each[name]) for name in members] for each in listed["Directories"]]
    output.table(("directory", "id", "account", "kind", "URLs"), rows)


@directory.command(short_help="Show a directory, with its assignments.")
@options.data
@options.config_file
@options.passphrase_file
@_NAME
@options.json
def show(file: Path | None, name: str, *, as_json: bool, **given: Any) -> None:
    """Show how a directory is asked, and which of its people and groups have which role."""
    result = hold(options.load(file, **given), "directory show", name=name)
    if as_json:
        output.as_json(result)
        return
    assignments = result.pop("Assignments")
    _say(result, as_json=False)
    output.table(_TITLES, [_row(each) for each in assignments])


@directory.command("try", short_help="Show what a sign-in would do, step by step.")
@options.data
@options.config_file
@options.passphrase_file
@_NAME
@click.option("--user", required=True, metavar="NAME", help="Whose sign-in.")
@click.option("--password-file", metavar="FILE", help="The user's password. [default: not tried]")
@options.json
def attempt(
    file: Path | None,
    name: str,
    user: str,
    password_file: str | None,
    *,
    as_json: bool,
    **given: Any,
) -> int:
    """Show what a sign-in would do, step by step; exit with 1 if a step fails.

    Without a password everything is tried but the password.
    """
    password = secret_in(password_file) if password_file else None
    config = options.load(file, **given)
    result = _asked(config, "directory try", name=name, user=user, password=password)
    passed = result["Steps"][-1]["Ended"] == "passed"
    if as_json:
        output.as_json(result)
        return 0 if passed else 1
    rows = [
        [str(each["Step"]), each["Ended"], each["Title"], output.printable(each["Why"])]
        for each in result["Steps"]
    ]
    output.table(("step", "ended", "what it proves", "detail"), rows)
    if passed:
        found = result["Assignments"]
        rows = [[*_row(each), "yes" if each["LetsIn"] else "no"] for each in found]
        output.table((*_TITLES, "lets in"), rows)
        if not all(each["LetsIn"] for each in found):
            output.note(
                "see `keystead explain --principal ds.amazonaws.com --action sts:AssumeRole`, and"
                " with sts:SetSourceIdentity, for a role that lets nobody in"
            )
    return 0 if passed else 1


@directory.command(short_help="Let a user or a group of a directory have a role.")
@options.data
@options.config_file
@options.passphrase_file
@_NAME
@click.option("--user", metavar="NAME", help="A person, by its name at sign-in.")
@click.option("--group", metavar="NAME", help="A group, by its name or DN.")
@click.option("--role", required=True, metavar="ROLE", help="The role's name or ARN.")
@options.json
def assign(
    file: Path | None,
    name: str,
    user: str | None,
    group: str | None,
    role: str,
    *,
    as_json: bool,
    **given: Any,
) -> None:
    """Let a person, or the members of a group, have sessions of a role.

    The role's trust policy must name ds.amazonaws.com. What is assigned is the entry's id in the
    directory: it stays when the entry is renamed, and no later entry of the name has it.
    """
    if bool(user) == bool(group):
        raise Failure("a person or a group is assigned", "give --user or --group", status=2)
    config = options.load(file, **given)
    asked = {"user": user} if user else {"group": group}
    _say(_asked(config, "directory assign", name=name, role=role, **asked), as_json=as_json)


@directory.command(short_help="Take an assignment away.")
@options.data
@options.config_file
@options.passphrase_file
@_NAME
@click.argument("assignment", metavar="ASSIGNMENT")
@options.json
def unassign(file: Path | None, name: str, assignment: str, *, as_json: bool, **given: Any) -> None:
    """Take an assignment away. The sessions that it began end at once."""
    config = options.load(file, **given)
    _say(hold(config, "directory unassign", name=name, assignment=assignment), as_json=as_json)


@directory.command(short_help="Forget a directory, with its assignments.")
@options.data
@options.config_file
@options.passphrase_file
@_NAME
@options.json
def delete(file: Path | None, name: str, *, as_json: bool, **given: Any) -> None:
    """Forget a directory, with its assignments. The sessions of its people end at once."""
    _say(hold(options.load(file, **given), "directory delete", name=name), as_json=as_json)


_TITLES = ("assignment", "kind", "name", "id in the directory", "role")


def _row(each: dict[str, Any]) -> list[str]:
    role = each["RoleArn"] or f"{each['RoleId']} (deleted)"
    shown = (each["AssignmentId"], each["Kind"], each["Name"], each["ImmutableId"], role)
    return [output.printable(text) for text in shown]


def _members(given: dict[str, Any], *names: str) -> dict[str, Any]:
    """What the server is told of a directory, taken out of the options."""
    members = {name: given.pop(name) for name in names}
    settings = {name: value for name in _NAMES if (value := given.pop(name))}
    ca_file, password_file = given.pop("ca_file"), given.pop("bind_password_file")
    if ca_file:
        settings["certificates"] = _text(ca_file)
    if password_file:
        members["bind_password"] = secret_in(password_file)
    return {**members, "settings": settings}


def _text(file: str) -> str:
    try:
        data = Path(file).read_bytes()[:_MOST_FILE]
        return data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(
            f"`{file}` cannot be read: {cause_of(error)}", "name a file of text"
        ) from None


def _asked(config: Config, command: str, **arguments: Any) -> dict[str, Any]:
    """The result of a command that asks the directory first."""
    given = {name: value for name, value in arguments.items() if value is not None}
    with office(config) as perform:
        result = perform(command, given)
        while result.get("pending"):
            time.sleep(_ASK_AGAIN)
            result = perform(command, given)
    return result


def _cell(value: object) -> str:
    return output.printable(", ".join(value) if isinstance(value, list) else str(value))


def _say(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.as_json(result)
        return
    output.facts({name: _cell(value) for name, value in result.items()})
