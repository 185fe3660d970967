"""Which process performs a ceremony?  The running server, or else the command line itself."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from keystead.cli import output
from keystead.custody.seals import memory_for_passphrase
from keystead.failures import Failure
from keystead.server.installation import Config, control, founding

Hold = Callable[[str, dict[str, Any]], dict[str, Any]]
"""Performs a ceremony by its name and arguments; raises Failure."""


def hold(config: Config, command: str, **arguments: Any) -> dict[str, Any]:
    """Perform a ceremony on a data directory; raises Failure."""
    given = {name: value for name, value in arguments.items() if value is not None}
    result = control.ask(config.directory, command, given)
    if result is not None:
        return result
    with _opened(config) as perform:
        return perform(command, given)


def all_of(config: Config, command: str, member: str, **arguments: Any) -> dict[str, Any]:
    """What a ceremony lists part by part, as if it were one answer; raises Failure."""
    with office(config) as perform:
        listed = perform(command, arguments)
        rest = listed.pop("Next", None)
        while rest:
            part = perform(command, {**arguments, "next": rest})
            listed[member] += part[member]
            rest = part.get("Next")
    return listed


@contextlib.contextmanager
def office(config: Config) -> Iterator[Hold]:
    """Perform several ceremonies, all of them in the same process; raises Failure."""
    if control.ask(config.directory, "status", {}) is None:
        with _opened(config) as perform:
            yield perform
        return

    def ask(command: str, arguments: dict[str, Any]) -> dict[str, Any]:
        result = control.ask(config.directory, command, arguments)
        if result is None:
            raise Failure("the server stopped while it was asked", "run the command again")
        return result

    yield ask


def tell_of_passphrase(config: Config) -> None:
    """If a passphrase opens the root key, say that this takes some seconds."""
    memory = memory_for_passphrase(config.directory) if config.passphrase_file else None
    if memory is not None:
        output.note(
            f"opening the root key with the passphrase: this takes {memory} MiB of memory and"
            " some seconds …"
        )


@contextlib.contextmanager
def _opened(config: Config) -> Iterator[Hold]:
    """The installation, opened here because no server runs."""
    if not founding.is_founded(config.directory):
        raise Failure(
            f"`{config.data}` holds no installation",
            "make one with `keystead init`, or name another with --data",
            status=3,
        )
    # These import the whole server, which a client of a running server does not need.
    from keystead.server.installation import Installation, ceremonies, lock, process  # noqa: PLC0415  # as said

    process.harden()
    tell_of_passphrase(config)
    installation = Installation(config, lock(config.directory))
    try:
        yield lambda command, arguments: ceremonies.perform(installation, command, arguments)
    finally:
        installation.close()
