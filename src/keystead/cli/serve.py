"""`keystead serve`"""

import os
import signal
from functools import partial
from pathlib import Path
from typing import Any

import click

from keystead.cli import options, output
from keystead.cli.performing import tell_of_passphrase
from keystead.cli.welcome import welcome
from keystead.clock import system_clock
from keystead.server.app import Entrance, run
from keystead.server.installation import (
    Choices,
    Config,
    Installation,
    founding,
    lock,
    process,
    profiles,
    seal,
)
from keystead.server.installation import config as configuration
from keystead.server.telemetry import logs


@click.command(short_help="Start the server.")
@options.data
@click.option("--listen", multiple=True, metavar="HOST:PORT", help="Where to listen.")
@click.option("--region", "regions", multiple=True, metavar="R", help="A Region to serve.")
@options.config_file
@options.passphrase_file
@click.option("--tls-certificate", metavar="FILE", help="The certificate chain (PEM).")
@click.option("--tls-key", metavar="FILE", help="The private key (PEM) of the certificate.")
@click.option("--metrics-listen", metavar="HOST:PORT", help="A listener for /metrics alone.")
@click.option("--log-level", metavar="LEVEL", help="debug, info, warning or error.")
def serve(file: Path | None, **given: Any) -> int:
    """Start the server. An empty data directory is initialised first.

    SIGTERM stops the server. After SIGHUP it reads certificates and settings again.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the server can read settings again
    config = configuration.load(file, os.environ, given)
    process.harden()
    logs.start(config.log_level, config.log_format)
    _lock_memory()
    held = lock(config.directory)
    entrance = Entrance.open(config)  # first: a failure here leaves no files behind
    founding.complete(config.directory)
    if not founding.is_founded(config.directory):
        _found(config)
    tell_of_passphrase(config)
    installation = Installation(config, held)
    read_again = partial(configuration.load, file, os.environ, given)
    try:
        return run(installation, entrance, read_again, lambda url: _started(config, url))
    finally:
        installation.close()


def _lock_memory() -> None:
    """Lock memory, or say why that fails. `keystead status` says whether memory is locked."""
    why_not = process.lock_memory()
    if why_not:
        logs.info(
            f"secrets in memory may reach swap, because memory cannot be locked: {why_not}; allow"
            " locking (`ulimit -l unlimited`, LimitMEMLOCK=infinity, CAP_IPC_LOCK), or encrypt the"
            " swap space"
        )


def _found(config: Config) -> None:
    output.note(f"making a new installation in `{config.data}` …")
    url = config.endpoint_url or config.addresses[0].url(secure=bool(config.tls_certificate))
    choices = Choices(seal(config), config.regions[0], url)
    founding.found(config.directory, choices, system_clock())


def _started(config: Config, url: str) -> None:
    endpoint = config.endpoint_url or url
    profiles.point_to(config.directory, endpoint)
    welcome(config.directory)
    output.note(f"listening on {url}")
