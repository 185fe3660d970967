"""`keystead audit verify`, `keystead audit show`, `keystead audit archive`

They read the files of the log, and may do so while a server runs. `verify` examines the rows of
the database too, if the root key is there and no server runs.
"""

import sys
from dataclasses import asdict, astuple, fields
from pathlib import Path
from typing import Any

import click
import msgspec

from keystead.audit.log import PUBLIC_KEY
from keystead.audit.log import archive as archiving
from keystead.audit.report import Report
from keystead.audit.show import Filter, Row, events, row
from keystead.audit.verify import verify as examine
from keystead.cli import options, output
from keystead.cli.installation.audit_export import export
from keystead.cli.performing import hold
from keystead.custody.files import SealError
from keystead.custody.signing import NotAPublicKey, signature_verifier
from keystead.custody.state import Examined
from keystead.failures import Failure
from keystead.server.installation import Config
from keystead.store.lock import DirectoryInUse
from keystead.store.protocol import StoreCorrupt

BROKEN = 1
DIRECTORY = click.Path(path_type=Path, exists=True, file_okay=False)
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def audit() -> None:
    """Read the audit log, and prove that nobody changed it."""


@audit.command(short_help="Is the log complete and unchanged?")
@options.data
@options.config_file
@options.passphrase_file
@click.option("--public-key", type=FILE, metavar="FILE", help="The key that you kept elsewhere.")
@click.option("--witness", type=FILE, metavar="FILE", help="Checkpoints that you kept elsewhere.")
@click.option(
    "--archive", "archives", type=DIRECTORY, metavar="DIR", multiple=True,
    help="A directory of archived records; may be given several times.",
)  # fmt: skip
@click.option(
    "--from", "start", type=click.IntRange(0), default=0, metavar="RECORD",
    help="Begin at the newest checkpoint that covers at most RECORD records.",
)  # fmt: skip
@options.json
def verify(
    *,
    data: str | None,
    file: Path | None,
    passphrase_file: str | None,
    public_key: Path | None,
    witness: Path | None,
    archives: tuple[Path, ...],
    start: int,
    as_json: bool,
) -> int:
    """Is the log complete and unchanged, and are the stored rows the newest?

    If not, the record or the row is named, and the exit status is 1. The rows are examined only in
    a data directory that no server uses. A log or an archive may be examined alone, too.
    """
    config = options.load(file, data=data, passphrase_file=passphrase_file)
    directory = options.log_directory(config, archives)
    given = public_key.read_bytes() if public_key else None
    if witness is not None and b"\n" not in witness.read_bytes():
        raise Failure(f"`{witness}` holds no checkpoint", "name the file that gets checkpoints")
    try:
        verifier = signature_verifier(given or (directory / PUBLIC_KEY).read_bytes())
    except NotAPublicKey as error:
        name = public_key or directory / PUBLIC_KEY
        raise Failure(f"`{name}`: {error}", "give the key with --public-key") from None
    report = examine(
        directory, given, verifier,
        witness=witness, archives=archives, start=start, progress=output.progress,
    )  # fmt: skip
    if start > report.records and not report.problems:
        raise Failure(
            f"the log has {report.records} records: there is nothing to verify from {start} on",
            f"give at most {report.records} with --from; if the log had more, its end is missing",
        )
    state = _state(config)
    problems = [str(problem) for problem in report.problems]
    problems += state.problems if isinstance(state, Examined) else []
    if as_json:
        output.as_json({**_as_members(report), "holds": not problems, "state": _members(state)})
    elif not problems:
        output.facts({**_as_facts(report), "state": _told(state)})
    for problem in problems:
        output.complain(problem, "", BROKEN)
    return BROKEN if problems else 0


def _state(config: Config) -> Examined | str:
    """The examination of the stored rows, or why they were not examined."""
    from keystead.server import examination  # noqa: PLC0415  # imports every room

    if not examination.has_state(config):
        return "not examined: there is only a log here"
    try:
        return examination.examine_state(config, _rows_read)
    except examination.NotSummed:
        return "not examined: the rows have no sums yet; the next start of the server makes them"
    except DirectoryInUse:
        return "not examined: a server uses the data directory; stop it, or verify a copy"
    except StoreCorrupt as error:
        raise Failure(str(error), "restore the data directory from a copy", status=BROKEN) from None
    except SealError as error:
        return f"not examined: {error} ({error.hint})"


def _rows_read(number: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\rkeystead: {number} rows read", err=True, nl=False)


def _told(state: Examined | str) -> str:
    if isinstance(state, str):
        return state
    stones = f", {state.tombstones} tombstones are signed" if state.tombstones else ""
    accounts = "account" if state.accounts == 1 else "accounts"
    return f"{state.rows} rows of {state.accounts} {accounts} are the newest{stones}"


def _members(state: Examined | str) -> dict[str, object]:
    return {"reason": state} if isinstance(state, str) else asdict(state)


def _as_facts(report: Report) -> dict[str, object]:
    result = "the log is complete and unchanged"
    if report.first and report.first == report.records:
        result = "there is nothing to verify: no record is after the checkpoint where this began"
    return {
        "result": result,
        "records": f"{report.first} to {report.records}" if report.first else report.records,
        "signed": f"{report.signed} records under {report.checkpoints} checkpoints",
        "unsigned": report.unsigned,
        "root": report.root or "-",
    }


def _as_members(report: Report) -> dict[str, object]:
    """The report for machines; `record` is the number of the first wrong record."""
    wrong = [problem.index for problem in report.problems if problem.index is not None]
    return {
        "holds": report.holds,
        "record": min(wrong) if wrong else None,
        **asdict(report),
    }


@audit.command(short_help="Print the newest events.")
@options.data
@options.config_file
@click.option(
    "--last", type=click.IntRange(1), default=20, show_default=True, help="How many events."
)
@click.option("--event", "event_name", default="", metavar="NAME", help="Encrypt, CreateUser, …")
@click.option("--user", default="", metavar="WHO", help="A name, an ARN, an access key id.")
@click.option(
    "--errors", "errors_only", is_flag=True, help="Only calls that were refused or failed."
)
@click.option("--request-id", default="", metavar="ID", help="Only the request with this id.")
@click.option("--since", metavar="TIME", help="Such as 2026-11-24 or 2026-11-24T12:00:00Z.")
@click.option("--json", "as_json", is_flag=True, help="Print whole events, one a line.")
def show(
    *,
    data: str | None,
    file: Path | None,
    last: int,
    event_name: str,
    user: str,
    errors_only: bool,
    request_id: str,
    since: str | None,
    as_json: bool,
) -> None:
    """Print the newest events that fit the options, the oldest of them first."""
    directory = options.log_directory(options.load(file, data=data))
    wanted = Filter(
        last, event_name, user, errors_only, request_id, options.moment("--since", since)
    )
    matching = events(directory, wanted)
    if as_json:
        for event in matching:
            click.echo(msgspec.json.encode(event).decode())
        return
    head = [field.name.replace("_", " ") for field in fields(Row)]
    output.table(head, [astuple(row(event)) for event in matching])


@audit.command(short_help="Move finished files of records elsewhere.")
@options.data
@options.config_file
@options.passphrase_file
@click.option(
    "--to", required=True, type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="The directory for them and their checkpoints; they are compressed.",
)  # fmt: skip
@click.option(
    "--keep",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="FILES",
    help="How many finished files stay in the log.",
)
@options.json
def archive(file: Path | None, to: Path, keep: int, as_json: bool, **given: Any) -> None:
    """Move the finished files of the audit log to DIR, also while the server runs.

    The files are compressed into DIR and compared first. Then the log records that they were
    archived, and they are removed from it. `keystead audit verify --archive DIR` proves log and
    archive together.
    """
    config = options.load(file, **given)
    directory = options.log_directory(config)
    before = archiving.boundary(directory, keep)
    if not before:
        output.note("no file of the log is finished: there is nothing to archive")
        return
    try:
        copied = archiving.copy(directory, before, to, output.progress)
    except archiving.NotArchived as error:
        raise Failure(str(error), "name another directory with --to") from None
    hold(config, "audit archive", before=before)
    if as_json:
        members = asdict(copied)
        archived = members.pop("archived_bytes")
        output.as_json({**members, "archivedBytes": archived})
        return
    output.facts(
        {
            "files": copied.files,
            "bytes": f"{copied.bytes}, {copied.archived_bytes} in `{to}`",
            "the log begins": f"with record {before}",
        }
    )


audit.add_command(export)
