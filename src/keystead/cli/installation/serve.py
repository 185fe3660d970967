"""`keystead serve`"""

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from keystead.cli import options, output
from keystead.cli.installation.welcome import welcome
from keystead.cli.performing import tell_of_passphrase
from keystead.clock import system_clock
from keystead.failures import Failure
from keystead.server.app import run
from keystead.server.entrance import Entrance
from keystead.server.installation import (
    Choices,
    Config,
    Installation,
    development,
    founding,
    lock,
    process,
    profiles,
    seal,
)
from keystead.server.installation import config as configuration
from keystead.server.telemetry import logs

_OF_CONSOLE = ("httptools", "jinja2", "starlette", "uvicorn")


@click.command(short_help="Start the server.")
@options.data
@click.option("--listen", multiple=True, metavar="HOST:PORT", help="Where to listen.")
@click.option("--region", "regions", multiple=True, metavar="R", help="A Region to serve.")
@options.config_file
@options.passphrase_file
@click.option("--tls-certificate", metavar="FILE", help="The certificate chain (PEM).")
@click.option("--tls-key", metavar="FILE", help="The private key (PEM) of the certificate.")
@click.option("--metrics-listen", metavar="HOST:PORT", help="A listener for /metrics alone.")
@click.option("--console", metavar="HOST:PORT", help="Where the pages for persons listen.")
@click.option("--log-level", metavar="LEVEL", help="debug, info, warning or error.")
@click.option("--dev", is_flag=True, help="For tests only: an installation of its own kind.")
@click.option(
    "--seed", metavar="FILE", type=click.Path(path_type=Path),
    help="With --dev: users and keys with fixed ids and secrets (TOML).",
)  # fmt: skip
def serve(file: Path | None, *, dev: bool, seed: Path | None, **given: Any) -> int:
    """Start the server. An empty data directory is initialised first.

    SIGTERM stops the server. After SIGHUP it reads certificates and settings again.

    With --dev the installation is for tests, for ever: everybody may know its keys. It listens on
    this machine only, and says so in each answer. No other installation is served with --dev.
    """
    read_settings = partial(_settings, file, given, dev=dev)
    config = read_settings()
    planted = _seed(seed, dev=dev)
    process.harden()
    logs.start(config.log_level, config.log_format)
    _lock_memory()
    _require_console(config)
    held = lock(config.directory)
    entrance = Entrance.open(config)  # first: a failure here leaves no files behind
    founding.complete(config.directory)
    if not founding.is_founded(config.directory):
        _found(config, planted, dev=dev)
    tell_of_passphrase(config)
    installation = Installation(config, held, development=dev)
    try:
        if dev:
            _prepare(installation, planted, seed)
        return run(installation, entrance, read_settings, lambda url: _started(config, url))
    finally:
        installation.close()


def _settings(file: Path | None, given: Mapping[str, Any], *, dev: bool) -> Config:
    """The settings; raises Failure for those with which an installation is not served so."""
    config = configuration.load(file, os.environ, given)
    if dev:
        development.require_local(config)
    return config


def _require_console(config: Config) -> None:
    """Are the packages there that the pages for persons need?"""
    missing = [name for name in _OF_CONSOLE if config.console and find_spec(name) is None]
    if missing:
        raise Failure(
            f"`console` needs packages that are not installed: {', '.join(missing)}",
            "install the extra `console`: run `make setup` in the checkout",
        )


def _seed(file: Path | None, *, dev: bool) -> development.Seed | None:
    """The seed that was named, before anything is made; raises Failure."""
    if file is None:
        return None
    if not dev:
        raise Failure(
            "a seed is for an installation for development", "give --dev, too, or leave --seed out"
        )
    return development.read_seed(file)


def _prepare(installation: Installation, seed: development.Seed | None, file: Path | None) -> None:
    """Say which kind of installation this is, and make what is new in its seed."""
    logs.warning("an installation for development: its keys and credentials are no secrets")
    if seed is not None and file is not None:
        made = development.plant(installation, seed, file)
        output.note(f"the seed `{file}` made {len(made)} users and keys")


def _lock_memory() -> None:
    """Lock memory, or say why that fails. `keystead status` says whether memory is locked."""
    why_not = process.lock_memory()
    if why_not:
        logs.info(
            f"secrets in memory may reach swap, because memory cannot be locked: {why_not}; allow"
            " locking (`ulimit -l unlimited`, LimitMEMLOCK=infinity, CAP_IPC_LOCK), or encrypt the"
            " swap space"
        )


def _found(config: Config, seed: development.Seed | None, *, dev: bool) -> None:
    output.note(f"making a new installation in `{config.data}` …")
    url = config.endpoint_url or config.addresses[0].url(secure=bool(config.tls_certificate))
    choices = Choices(seal(config), config.regions[0], url, development=dev)
    if seed is not None:
        choices = replace(choices, account_id=seed.account.id, email=seed.account.email)
    founding.found(config.directory, choices, system_clock())


def _started(config: Config, url: str) -> None:
    endpoint = config.endpoint_url or url
    profiles.point_to(config.directory, endpoint)
    welcome(config.directory)
    output.note(f"listening on {url}")
    if config.console_address is not None:
        output.note(f"sign in at {config.console_at(config.console_address.port)}")
