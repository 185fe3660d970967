"""`keystead audit export`: the audit log in the files of CloudTrail, for tools that read those."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from keystead.audit import cloudtrail
from keystead.audit.log import key_id
from keystead.audit.report import Report
from keystead.audit.verify import verify
from keystead.cli import options, output
from keystead.cli.performing import Hold, office
from keystead.custody.signing import signature_verifier
from keystead.failures import Failure, cause_of
from keystead.store.lock import DirectoryInUse, DirectoryLock
from keystead.times import iso_seconds

BROKEN = 1
DIRECTORY = click.Path(path_type=Path, exists=True, file_okay=False)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{2,62}")
_ACCOUNT = re.compile(r"[0-9]{12}")
_ASK_AGAIN = 0.05  # seconds, while the key is being made


@click.command(short_help="Write the log as files of CloudTrail.")
@options.data
@options.config_file
@options.passphrase_file
@click.option(
    "--cloudtrail", "to", required=True, type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR", help="The directory for the files.",
)  # fmt: skip
@click.option("--since", metavar="TIME", help="Leave out the hours before this time.")
@click.option(
    "--account", "accounts", multiple=True, metavar="ID",
    help="Only records of this account; may be given several times.",
)  # fmt: skip
@click.option(
    "--bucket", default="keystead", show_default=True, metavar="NAME",
    help="The bucket that the digests name.",
)  # fmt: skip
@click.option(
    "--archive", "archives", type=DIRECTORY, metavar="DIR", multiple=True,
    help="A directory of archived records; may be given several times.",
)  # fmt: skip
@options.json
def export(
    *,
    file: Path | None,
    to: Path,
    since: str | None,
    accounts: tuple[str, ...],
    bucket: str,
    archives: tuple[Path, ...],
    as_json: bool,
    **given: Any,
) -> int:
    """Write the records of all hours that are over into DIR, in the layout of CloudTrail.

    The log is verified on the way, and nothing is exported that it does not prove. Digest files
    chain the files of an account and Region, and are signed. A later run goes on where the last one
    ended; with a server and without one.
    """
    _require_names(accounts, bucket)
    config = options.load(file, **given)
    log = options.log_directory(config)
    begins = options.moment("--since", since)
    hour = begins.astimezone(UTC).replace(minute=0, second=0, microsecond=0) if begins else None
    wanted = cloudtrail.Progress(
        version=cloudtrail.VERSION, bucket=bucket, since=iso_seconds(hour) if hour else "",
        accounts=tuple(sorted(set(accounts))),
    )  # fmt: skip
    try:
        with _alone(to), office(config) as hold:
            exported, report = _run(hold, log, to, wanted, archives)
    except cloudtrail.ExportRefused as refused:
        raise Failure(str(refused), refused.hint) from None
    except OSError as error:
        raise Failure(
            f"`{to}` cannot be written: {cause_of(error)}", "see to it, and export again"
        ) from None
    _tell(exported, to, as_json, holds=report.holds)
    for problem in report.problems:
        output.complain(str(problem), "what follows it was not exported", BROKEN)
    return 0 if report.holds else BROKEN


def _require_names(accounts: tuple[str, ...], bucket: str) -> None:
    for account in accounts:
        if not _ACCOUNT.fullmatch(account):
            raise Failure(
                f"--account: `{account}` is not an account id", "it has 12 digits", status=2
            )
    if not _BUCKET.fullmatch(bucket):
        raise Failure(
            f"--bucket: `{bucket}` is not the name of a bucket", "write it as keystead", status=2
        )


@contextmanager
def _alone(to: Path) -> Iterator[None]:
    """Make the directory, and let no other export write to it."""
    to.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        held = DirectoryLock(to)
    except DirectoryInUse:
        raise Failure(f"another export writes to `{to}`", "wait for its end") from None
    try:
        yield
    finally:
        held.release()


def _run(
    hold: Hold, log: Path, to: Path, wanted: cloudtrail.Progress, archives: tuple[Path, ...]
) -> tuple[cloudtrail.Exported, Report]:
    """Verify the log by the key that the installation has itself, and export what is proved."""
    told = hold("audit digest-key", {})
    while not told["fingerprint"]:
        time.sleep(_ASK_AGAIN)
        told = hold("audit digest-key", {})
    pem = str(told["logKey"]).encode()
    wanted = msgspec.structs.replace(wanted, log=key_id(pem), home=told["home"])
    known = cloudtrail.opened(to, wanted)

    def sign(digest: cloudtrail.ToSign) -> str:
        return str(hold("audit sign-digest", digest._asdict())["signature"])

    signer = cloudtrail.Signed(told["fingerprint"], sign)
    run = cloudtrail.Export(to, known, signer, datetime.now(UTC))
    report = verify(
        log, pem, signature_verifier(pem), archives=archives, start=max(known.next - 1, 0),
        progress=output.progress, observer=run,
    )  # fmt: skip
    return (run.finish(report.records) if report.holds else run.exported), report


def _tell(exported: cloudtrail.Exported, to: Path, as_json: bool, *, holds: bool) -> None:
    if as_json:
        output.as_json({**asdict(exported), "holds": holds})
        return
    output.facts(
        {
            "records": exported.records,
            "files": f"{exported.files}, and {exported.digests} digests, in `{to}`",
            "exported until": exported.until or "nothing: no hour of the log is over yet",
        }
    )
