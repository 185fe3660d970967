"""`keystead key`: `rescue`, `schedule-deletion`, `tombstone`"""

import base64
from pathlib import Path
from typing import Any

import click

from keystead.cli import options, output
from keystead.cli.performing import Hold, hold, office
from keystead.failures import Failure


@click.group(short_help="Rescue an orphaned key, delete one, or prove that it was destroyed.")
def key() -> None:
    """Rescue an orphaned key, schedule a deletion, or prove that a key was destroyed."""


@key.command(short_help="Give an orphaned key the default policy.")
@options.data
@options.config_file
@options.passphrase_file
@click.argument("arn", metavar="ARN")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@options.json
def rescue(file: Path | None, arn: str, *, yes: bool, as_json: bool, **given: Any) -> None:
    """Give an orphaned key the default policy, as the owner of the data directory.

    A key is orphaned if no principal may change its policy any more. While one may, it is named
    and nothing is changed; the exit status is 1 then. The old policy is shown first. From then on
    the account's root user, and the policies of the account, decide about the key.
    """
    with office(options.load(file, **given)) as perform:
        shown = _orphaned(perform, arn)
        if not as_json or not yes:
            _show_policies(shown)
        if not yes:
            _confirm()
        result = perform("key rescue", {"arn": arn, "shownPolicy": shown["shownPolicy"]})
    if as_json:
        output.as_json(result)
    else:
        output.note(f"`{result['keyId']}` has the default policy")


def _orphaned(perform: Hold, arn: str) -> dict[str, Any]:
    """The policy of a key that nobody may change, every principal asked; raises Failure."""
    asked, question = 0, {"arn": arn}
    while True:
        page = perform("key orphaned", question)
        asked += page["asked"]
        if page["after"] is None:
            return page
        output.progress(asked, page["whole"])
        question = {"arn": arn, "after": page["after"]}


def _show_policies(shown: dict[str, Any]) -> None:
    """Both policies, on standard error: the result is printed elsewhere."""
    for title, name in (("policy now", "oldPolicy"), ("policy then", "newPolicy")):
        click.echo(f"{title}:", err=True)
        for line in shown[name].splitlines():
            click.echo(f"  {output.printable(line)}", err=True)


def _confirm() -> None:
    """Go on only if a person says so; raises Failure."""
    try:
        agreed = click.confirm("keystead: replace the policy?", err=True)
    except click.Abort:
        click.echo(err=True)
        raise Failure(
            "nobody confirmed, and nothing was changed", "answer `y`, or give --yes"
        ) from None
    if not agreed:
        raise Failure("nothing was changed", "answer `y` to replace the policy", status=1)


@key.command("schedule-deletion", short_help="Schedule the deletion of a key.")
@options.data
@options.config_file
@options.passphrase_file
@click.argument("arn", metavar="ARN")
@click.option(
    "--days", type=click.IntRange(7, 30), default=30, show_default=True,
    help="The waiting period.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Also if the key was used in the last 24 hours.")
@options.json
def schedule_deletion(
    file: Path | None, arn: str, days: int, *, force: bool, as_json: bool, **given: Any
) -> None:
    """Schedule the deletion of a key, as the owner of the data directory.

    From now on nobody can use the key. Until the date everybody who may call CancelKeyDeletion can
    save it. A key that was used in the last 24 hours is refused, unless --force is given; the exit
    status is 1 then.
    """
    config = options.load(file, **given)
    result = hold(config, "key schedule-deletion", arn=arn, days=days, force=force)
    if as_json:
        output.as_json(result)
    else:
        output.facts(result)


@key.command(short_help="Show what was signed about a key that was destroyed.")
@options.data
@options.config_file
@options.passphrase_file
@click.argument("arn", metavar="ARN")
@click.option(
    "--to", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Write `statement` and `signature` there, to be verified elsewhere.",
)  # fmt: skip
@options.json
def tombstone(file: Path | None, arn: str, to: Path | None, *, as_json: bool, **given: Any) -> None:
    """Show the signed statement about a key that was destroyed.

    It names the key, its materials, and the time. It is signed with the key of the audit log. With
    the files of --to, anybody who has the public key of the log can verify it:

    openssl pkeyutl -verify -pubin -inkey public-key.pem -rawin -in statement -sigfile signature
    """
    result = hold(options.load(file, **given), "key tombstone", arn=arn)
    if to is not None:
        to.mkdir(parents=True, exist_ok=True)
        (to / "statement").write_text(result["statement"], encoding="utf-8")
        (to / "signature").write_bytes(base64.b64decode(result["signature"]))
    if as_json:
        output.as_json(result)
        return
    shown = {name: value for name, value in result.items() if name != "statement"}
    output.facts(
        {output.words(n): v if n != "materials" else ", ".join(v) for n, v in shown.items()}
    )
