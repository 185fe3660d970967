"""The options that commands share."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from keystead.failures import Failure, cause_of
from keystead.server.installation import AUDIT_DIRECTORY, Config, founding
from keystead.server.installation import config as configuration

F = TypeVar("F", bound=Callable[..., Any])

data = click.option("--data", metavar="DIR", help="The data directory.")
config_file = click.option(
    "--config", "file", metavar="FILE", type=click.Path(path_type=Path), help="A TOML file."
)
json = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
passphrase_file = click.option(
    "--passphrase-file", metavar="FILE", help="The file with the passphrase of the root key."
)
context = click.option(
    "--context",
    "given",
    multiple=True,
    metavar="KEY=VALUE",
    help="A condition key of the request. Give it again for another key or another value.",
)
_policy_file = click.Path(path_type=Path, exists=True, dir_okay=False)
session_policies = click.option(
    "--session-policy", "session_policies", multiple=True, metavar="FILE", type=_policy_file,
    help="A policy that the role's session was passed. Give it again for another.",
)  # fmt: skip
scope_down_policies = click.option(
    "--scope-down-policy", "scope_down_policies", multiple=True, metavar="FILE", type=_policy_file,
    help="A policy by which the session was narrowed. Give it again for the next one.",
)  # fmt: skip


def texts(files: tuple[Path, ...]) -> list[str]:
    """The policies in these files; raises Failure."""
    try:
        return [file.read_text(encoding="utf-8") for file in files]
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(
            f"a policy cannot be read: {cause_of(error)}", "name a file of JSON"
        ) from None


def load(file: Path | None, **options: Any) -> Config:
    """The configuration of this command line; raises Failure."""
    return configuration.load(file, os.environ, options)


def context_values(given: tuple[str, ...]) -> dict[str, list[str]]:
    """The values of each condition key that was given; raises Failure."""
    values: dict[str, list[str]] = {}
    for text in given:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise Failure(
                f"`{text}` is not KEY=VALUE",
                "write a condition key and its value, such as aws:SourceIp=192.0.2.1",
                status=2,
            )
        values.setdefault(name, []).append(value)
    return values


def require_action(action: str) -> None:
    """Refuse a text that does not have the form of an action; raises Failure."""
    service, colon, name = action.partition(":")
    if not (colon and service and name) or "*" in action or "?" in action:
        raise Failure(
            f"`{action}` is not an action", "write SERVICE:NAME, such as kms:Encrypt", status=2
        )


def log_directory(config: Config, archives: tuple[Path, ...] = ()) -> Path:
    """The audit log of a data directory, or else the first archive; raises Failure."""
    directory = config.directory / AUDIT_DIRECTORY
    if archives and not directory.is_dir():
        return archives[0]
    if not directory.is_dir():
        raise Failure(
            f"`{config.data}` holds no audit log",
            "name a data directory with --data",
            status=2 if founding.is_founded(config.directory) else 3,
        )
    return directory


def moment(option: str, text: str | None) -> datetime | None:
    """The time in an option, in UTC unless it names another zone; raises Failure."""
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise Failure(
            f"{option}: `{text}` is not a time", "write it as 2026-11-24T12:00:00Z", status=2
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
