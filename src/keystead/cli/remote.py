"""The options of commands that speak to a server from another host."""

from pathlib import Path

import click

from keystead.failures import Failure

endpoint = click.option(
    "--endpoint-url", envvar="AWS_ENDPOINT_URL", metavar="URL", help="The server's URL."
)
ca_bundle = click.option(
    "--ca-bundle", envvar="AWS_CA_BUNDLE", metavar="FILE",
    help="The authority (PEM) of the server's certificate.",
)  # fmt: skip
region = click.option(
    "--region", envvar=["AWS_REGION", "AWS_DEFAULT_REGION"], metavar="R", help="The Region."
)
key_file = click.option(
    "--key-file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="A file (JSON, mode 0600) with AccessKeyId and SecretAccessKey.",
)  # fmt: skip


def required(url: str | None) -> str:
    """The URL of the server; raises Failure."""
    if not url:
        raise Failure("no server is named", "give --endpoint-url, or set AWS_ENDPOINT_URL")
    return url


def required_region(name: str | None) -> str:
    """The Region; raises Failure."""
    if not name:
        raise Failure("no Region is named", "give --region, or set AWS_REGION")
    return name
