"""`keystead init`"""

from pathlib import Path
from typing import Any

import click

from keystead.arns import is_account_id
from keystead.cli import options, output
from keystead.cli.installation.welcome import welcome
from keystead.clock import system_clock
from keystead.custody.seals import PassphraseSeal, SealProvider
from keystead.failures import Failure
from keystead.server.installation import (
    Choices,
    Config,
    Founded,
    founding,
    lock,
    passphrase,
    process,
    seal,
)

LEAST_MEMORY = 256


@click.command()
@options.data
@options.config_file
@click.option(
    "--email", default="root@localhost", show_default=True, help="The root user's e-mail address."
)
@click.option("--account-id", metavar="DIGITS", help="Twelve digits; random if not given.")
@click.option("--region", "regions", multiple=True, metavar="R", help="A Region to serve.")
@click.option(
    "--seal", type=click.Choice(["file", "passphrase"]), help="How the root key is protected."
)
@options.passphrase_file
@click.option(
    "--passphrase-memory", type=click.IntRange(LEAST_MEMORY, 4096), metavar="MIB", default=1024,
    show_default=True, help="The memory that each guess at the passphrase takes, and each start.",
)  # fmt: skip
@options.json
def init(
    file: Path | None,
    email: str,
    account_id: str | None,
    passphrase_memory: int,
    as_json: bool,
    **given: Any,
) -> None:
    """Make a new installation without starting it."""
    config = options.load(file, **given)
    if account_id is not None and not is_account_id(account_id):
        raise Failure(
            f"`{account_id}` is not an account id",
            "give twelve digits after --account-id",
            status=2,
        )
    process.harden()
    held = lock(config.directory)
    founding.complete(config.directory)
    if founding.is_founded(config.directory):
        raise Failure(f"`{config.data}` is initialised already", "start it with `keystead serve`")
    url = config.endpoint_url or config.addresses[0].url(secure=bool(config.tls_certificate))
    choices = Choices(_seal(config, passphrase_memory), config.regions[0], url, account_id, email)
    founded = founding.found(config.directory, choices, system_clock())
    held.release()
    _say(config, founded, as_json=as_json)


def _seal(config: Config, memory: int) -> SealProvider:
    secret = passphrase(config) if config.seal == "passphrase" else None
    return seal(config) if secret is None else PassphraseSeal(secret, memory * 1024)


def _say(config: Config, founded: Founded, *, as_json: bool) -> None:
    if as_json:
        where = config.directory.resolve()
        output.as_json(
            {
                "AccountId": founded.account_id,
                "Email": founded.email,
                "UserName": founding.ADMINISTRATOR,
                "DataDirectory": str(where),
            }
        )
        founding.told(config.directory)
    else:
        welcome(config.directory)
