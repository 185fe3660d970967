"""`keystead status`"""

from pathlib import Path

import click

from keystead.cli import options, output
from keystead.server.installation import control, founding

SERVING, RUNNING, STOPPED = 0, 1, 3


@click.command(short_help="Show the condition of a server.")
@options.data
@options.config_file
@options.json
def status(data: str | None, file: Path | None, as_json: bool) -> int:
    """Show the condition of the server of a data directory.

    The exit status is 0 if the server can serve, 1 if it runs but cannot serve, 3 if none runs.
    """
    config = options.load(file, data=data)
    answer = control.ask(config.directory, "status", {})
    if answer is None:
        word = "stopped" if founding.is_founded(config.directory) else "not initialised"
        answer = {"condition": word}
    if as_json:
        output.as_json(answer)
    else:
        output.facts({output.words(name): _shown(value) for name, value in answer.items()})
    if set(answer) == {"condition"}:
        return STOPPED
    return SERVING if answer["condition"] == "up" else RUNNING


def _shown(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list) else value
