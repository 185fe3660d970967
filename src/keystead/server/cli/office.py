"""Who holds a ceremony: the running server if there is one, else the command line itself."""

from typing import Any

from keystead.server import control, founding
from keystead.server.config import Config
from keystead.server.failures import Failure


def hold(config: Config, command: str, **arguments: Any) -> dict[str, Any]:
    """Hold a ceremony on a data directory; raises Failure."""
    given = {name: value for name, value in arguments.items() if value is not None}
    result = control.ask(config.directory, command, given)
    return _hold_here(config, command, given) if result is None else result


def _hold_here(config: Config, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
    if not founding.is_founded(config.directory):
        raise Failure(
            f"`{config.data}` holds no installation", "make one with `keystead init`", status=3
        )
    # Everything that a server is made of, which a client of a running server does not need.
    from keystead.server import ceremonies, process  # noqa: PLC0415
    from keystead.server.compose import Installation, lock  # noqa: PLC0415

    process.harden()
    installation = Installation(config, lock(config.directory))
    try:
        return ceremonies.perform(installation, command, arguments)
    finally:
        installation.close()
