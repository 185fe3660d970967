"""`keystead who-can`: which principals can do this, by which policy, under which conditions?"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from keystead.cli import options, output
from keystead.cli.performing import Hold, office
from keystead.cli.questions.who_can_table import HEAD, rows

FOUND, NOBODY = 0, 1


@click.command("who-can")
@click.argument("action", metavar="ACTION")
@click.argument("resource", metavar="RESOURCE")
@options.data
@options.config_file
@options.passphrase_file
@options.context
@click.option(
    "--without",
    multiple=True,
    metavar="KEY",
    help="A condition key that the request does not have; may be given several times.",
)
@options.scope_down_policies
@options.json
def who_can(
    *,
    action: str,
    resource: str,
    file: Path | None,
    given: tuple[str, ...],
    without: tuple[str, ...],
    scope_down_policies: tuple[Path, ...],
    as_json: bool,
    **settings: Any,
) -> int:
    """List the principals that can do ACTION on RESOURCE, and how.

    ACTION is an action such as kms:Decrypt. RESOURCE is a key's ARN, another ARN, or `*`. Every
    root user and user of every account is considered, and every other principal that the key
    policy names. Facts of the request (its address, its encryption context, the time) are listed
    as conditions, unless --context or --without fixes them. With --scope-down-policy it is asked
    about sessions that were narrowed so. The exit status is 0 if the list has a
    principal, 1 if nobody can.
    """
    options.require_action(action)
    question = {
        "action": action,
        "resource": resource,
        "context": options.context_values(given),
        "without": list(without),
        "scope_down_policies": options.texts(scope_down_policies),
    }
    with office(options.load(file, **settings)) as hold:
        principals = list(found_by(hold, question))
    if as_json:
        output.as_json({"action": action, "resource": resource, "principals": principals})
    elif principals:
        output.table(HEAD, [row for principal in principals for row in rows(principal)])
    else:
        output.note("no principal can do this")
    return FOUND if any(not principal["gone"] for principal in principals) else NOBODY


def found_by(hold: Hold, question: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The principals of every page, one after the other."""
    asked, whole, epochs = 0, 0, set()
    after: object = None
    while True:
        page = hold("who-can", question if after is None else {**question, "after": after})
        yield from page["principals"]
        asked, after = asked + page["asked"], page["after"]
        whole = whole or page["whole"]  # the first page alone has it
        epochs.add(page["epoch"])
        if after is None:
            break
        output.progress(asked, whole)
    if asked > page["asked"]:
        output.progress(asked, asked)
    if len(epochs) > 1:
        output.note("the installation was changed meanwhile: ask again to be sure")
