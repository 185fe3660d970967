"""`keystead audit export`: the audit log in the files of CloudTrail, for tools that read those."""

import re
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from keystead.audit import cloudtrail
from keystead.audit.checkpoint import key_id
from keystead.audit.files import PUBLIC_KEY
from keystead.audit.verify import verify
from keystead.cli import options, output
from keystead.cli.performing import Hold, office
from keystead.custody.verification import NotAPublicKey, signature_verifier
from keystead.failures import Failure
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
    for account in accounts:
        if not _ACCOUNT.fullmatch(account):
            raise Failure(
                f"--account: `{account}` is not an account id", "it has 12 digits", status=2
            )
    if not _BUCKET.fullmatch(bucket):
        raise Failure(
            f"--bucket: `{bucket}` is not the name of a bucket", "write it as keystead", status=2
        )
    config = options.load(file, **given)
    directory = options.log_directory(config, archives)
    pem = (directory / PUBLIC_KEY).read_bytes()
    try:
        verifier = signature_verifier(pem)
    except NotAPublicKey as error:
        raise Failure(
            f"`{directory / PUBLIC_KEY}`: {error}", "see `keystead audit verify`"
        ) from None
    begins = options.moment("--since", since)
    hour = begins.astimezone(UTC).replace(minute=0, second=0, microsecond=0) if begins else None
    try:
        with office(config) as hold:
            wanted = cloudtrail.Progress(
                version=cloudtrail.VERSION, log=key_id(pem), bucket=bucket,
                home=hold("status", {})["regions"][0],
                since=iso_seconds(hour) if hour else "", accounts=tuple(sorted(set(accounts))),
            )  # fmt: skip
            known = cloudtrail.opened(to, wanted)
            run = cloudtrail.Export(to, known, _signer(hold), datetime.now(UTC))
            report = verify(
                directory, None, verifier, archives=archives, start=max(known.next - 1, 0),
                progress=output.progress, observer=run,
            )  # fmt: skip
            exported = run.finish(report.records) if report.holds else run.exported
    except cloudtrail.ExportRefused as refused:
        raise Failure(str(refused), refused.hint) from None
    except OSError as error:
        raise Failure(f"`{to}` cannot be written: {error}", "see to it, and export again") from None
    _tell(exported, to, as_json, holds=report.holds)
    for problem in report.problems:
        output.complain(str(problem), "what follows it was not exported", BROKEN)
    return 0 if report.holds else BROKEN


def _signer(hold: Hold) -> cloudtrail.Signed:
    """What signs digests: the key of the installation, which is made for the first export."""
    while not (fingerprint := hold("audit digest-key", {})["fingerprint"]):
        time.sleep(_ASK_AGAIN)

    def sign(wanted: cloudtrail.ToSign) -> str:
        return str(hold("audit sign-digest", wanted._asdict())["signature"])

    return cloudtrail.Signed(fingerprint, sign)


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
