"""`keystead jobs`"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from keystead.cli import options, output
from keystead.cli.performing import hold

_NOTHING = "-"


@click.command(short_help="Show the work that the server does on its own.")
@options.data
@options.config_file
@options.passphrase_file
@options.json
def jobs(file: Path | None, as_json: bool, **given: Any) -> None:
    """Show what is due, what was done, and what failed and why.

    The first table has the work that waits for a date, such as the rotation of keys, and the second
    the keys at which it fails. The last has the periodic jobs of the running server.
    """
    result = hold(options.load(file, **given), "jobs")
    if as_json:
        output.as_json(result)
        return
    output.table(
        ("work", "due", "next date", "done", "last done", "failed", "last failure"),
        [_dated(each) for each in result["dated"]],
    )
    if any(each["held"] for each in result["dated"]):
        output.note(
            "the clock jumped ahead: what cannot be undone waits for a day; if the clock is right,"
            " run `keystead clock acknowledge`"
        )
    if result["failing"]:
        click.echo()
        output.table(
            ("failing", "account", "region", "key", "since", "tries", "next try", "why"),
            [_failing(each) for each in result["failing"]],
        )
        more = result["failingInAll"] - len(result["failing"])
        if more:
            output.note(f"{more} more keys fail")
    if result["periodic"]:
        click.echo()
        output.table(
            ("job", "every", "runs", "last run", "failures", "last failure"),
            [_periodic(each) for each in result["periodic"]],
        )


def _dated(work: Mapping[str, Any]) -> list[str]:
    due = f"{work['due']}{' or more' if work['dueAtLeast'] else ''}"
    return [
        work["name"],
        f"{due}, held" if work["held"] else due,
        work["next"] or _NOTHING,
        str(work["done"]),
        work["lastDone"] or _NOTHING,
        str(work["failed"]),
        _failure(work),
    ]


def _failing(failing: Mapping[str, Any]) -> list[str]:
    names = ("job", "account", "region", "key", "since", "tries", "nextTry", "why")
    return [output.printable(str(failing[name])) for name in names]


def _periodic(job: Mapping[str, Any]) -> list[str]:
    return [
        job["name"],
        f"{job['everySeconds']:g} s",
        str(job["runs"]),
        job["lastRun"] or _NOTHING,
        str(job["failures"]),
        _failure(job),
    ]


def _failure(job: Mapping[str, Any]) -> str:
    if job["lastFailed"] is None:
        return _NOTHING
    return output.printable(f"{job['lastFailed']}: {job['lastFailure']}")
