"""`keystead explain`: would this be allowed here, and why, to the statement and condition?"""

from pathlib import Path
from typing import Any

import click

from keystead.server.cli import options, words
from keystead.server.cli.office import hold
from keystead.server.failures import Failure

REFUSED = 1


@click.command()
@options.data
@options.config_file
@options.passphrase_file
@click.option("--principal", required=True, metavar="ARN", help="Who asks: a user, or a root.")
@click.option("--action", required=True, metavar="ACTION", help="Such as kms:Encrypt.")
@click.option("--resource", required=True, metavar="ARN", help="A key's ARN, another ARN, or *.")
@click.option(
    "--context",
    "given",
    multiple=True,
    metavar="KEY=VALUE",
    help="A condition key of the request; given again, one more of its values.",
)
@options.json
def explain(
    *,
    file: Path | None,
    principal: str,
    action: str,
    resource: str,
    given: tuple[str, ...],
    as_json: bool,
    **settings: Any,
) -> int:
    """Explain one decision of this installation, without making a request.

    Shows every policy that was considered, the statement that decided, each condition with the
    expected and the actual value, and the smallest change that would allow it. The exit status is
    0 for allowed, 1 for refused.
    """
    if ":" not in action:
        raise Failure(
            f"`{action}` is no action", "write SERVICE:NAME, such as kms:Encrypt", status=2
        )
    answer = hold(
        options.load(file, **settings),
        "explain",
        principal=principal,
        action=action,
        resource=resource,
        context=_context(given),
    )
    if as_json:
        words.as_json({name: value for name, value in answer.items() if name != "text"})
    else:
        click.echo(answer["text"])
    return 0 if answer["decision"] == "Allowed" else REFUSED


def _context(given: tuple[str, ...]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for each in given:
        name, separator, value = each.partition("=")
        if not separator or not name:
            raise Failure(f"`{each}` is no condition key", "write --context KEY=VALUE", status=2)
        values.setdefault(name, []).append(value)
    return values
