"""`keystead decide`: the engine without an installation, one line of JSON in, one line out"""

import sys
from pathlib import Path

import click

from keystead.policy.scenario import decide_line

FILE = click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True)


@click.command()
@click.argument("file", type=FILE, default="-")
@click.option("--explain", is_flag=True, help="Add the trace of every step.")
def decide(*, file: Path, explain: bool) -> None:
    """Decide each line of FILE (standard input without one), as AWS would.

    A line asks about one `principal`, `action` and `resource`, with the `context` and the policies
    that have a say: `identityPolicies`, `resourcePolicy`, `boundary`, `sessionPolicy`,
    `vpcEndpointPolicy`, `scps`, `rcps`. The answer has the `decision`, and the statements that
    decided; or an `error`, for a document that could not be stored.
    """
    with click.open_file(str(file), "rb") as lines:
        out = sys.stdout.buffer
        for line in lines:
            if line.strip():
                out.write(decide_line(line, explain=explain) + b"\n")
                out.flush()
