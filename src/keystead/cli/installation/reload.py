"""`keystead reload`"""

from pathlib import Path

import click

from keystead.cli import options, output
from keystead.failures import Failure
from keystead.server.installation import control


@click.command(short_help="Let a running server read its settings again.")
@options.data
@options.config_file
@options.json
def reload(data: str | None, file: Path | None, as_json: bool) -> int:
    """Let the server of a data directory read its settings again, as SIGHUP does.

    It reads them where it read them at its start. If one is wrong all stay as they were, and the
    exit status is 2; it is 3 if no server runs.
    """
    config = options.load(file, data=data)
    told = control.ask(config.directory, "reload", {})
    if told is None:
        raise Failure(
            f"no server runs on `{config.data}`",
            "start one with `keystead serve`; it reads all settings then",
            status=3,
        )
    if as_json:
        output.as_json(told)
        return 0
    output.facts({"listening": ", ".join(dict.fromkeys(map(_in_words, told["listening"])))})
    if told["afterRestart"]:
        output.note(f"only a restart changes: {', '.join(told['afterRestart'])}")
    return 0


def _in_words(listening: dict[str, str]) -> str:
    endpoint = listening["endpoint"]
    return f"`{listening['address']}`" + (f" for `{endpoint}`" if endpoint else "")
