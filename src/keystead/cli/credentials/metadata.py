"""`keystead metadata`: the agent on the host of an application: `enrol`, `serve`, `workload`

It is imported alone: nothing of the server comes with it.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from keystead.agent import server as servers
from keystead.agent.enrolling import enrol as enrol_agent
from keystead.agent.holding import LONGEST, Holding, wall_clock
from keystead.agent.running import Address, Where, main
from keystead.agent.state import State
from keystead.cli import output, remote
from keystead.cli.secret_files import secret_in
from keystead.failures import Failure

_LEAST = 900  # seconds of credentials, as STS has it

_state = click.option(
    "--state", "directory", required=True, metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False), help="The agent's directory.",
)  # fmt: skip


@click.group(short_help="The agent on the host of an application.")
def metadata() -> None:
    """The agent on the host of an application: instance metadata and credentials of its role."""


@metadata.command(short_help="Enrol this host for its instance.")
@_state
@remote.endpoint
@remote.ca_bundle
@click.option(
    "--token-file", required=True, metavar="FILE",
    help="The file with the token of enrolment, its owner's alone; `-` is standard input.",
)  # fmt: skip
def enrol(
    directory: Path, endpoint_url: str | None, ca_bundle: str | None, token_file: str
) -> None:
    """Enrol this host for the instance that a token names. The former agent of the instance ends.

    The agent's key is made here, and never leaves this host.
    """
    token = _token(token_file)
    ca_file = str(Path(ca_bundle).resolve()) if ca_bundle else ""
    server = servers.Server(remote.required(endpoint_url), ca_file)
    enrolled = enrol_agent(State(directory), server, ca_file, token, wall_clock)
    output.note(f"enrolled for `{enrolled.instance_id}` of account {enrolled.account}")


def _token(file: str) -> str:
    """The token of enrolment. It is no argument: everybody on a host sees those."""
    token = sys.stdin.readline(1024).strip() if file == "-" else secret_in(file).strip()
    if not token.startswith("ka1_") or not token.isascii():
        raise Failure(
            "this is no token of enrolment", "mint one: `keystead instance enrolment-token`"
        )
    return token


@metadata.command(short_help="Serve the metadata of this instance.")
@_state
@click.option(
    "--listen", multiple=True, metavar="HOST:PORT",
    help="Where to serve instance metadata: 169.254.169.254:80, or an address of this host.",
)  # fmt: skip
@click.option(
    "--listen-containers", multiple=True, metavar="HOST:PORT",
    help="Where to serve credentials to workloads in containers.",
)  # fmt: skip
@click.option(
    "--credential-seconds", type=click.IntRange(_LEAST, LONGEST), default=LONGEST,
    show_default=True, help="The life of credentials.",
)  # fmt: skip
def serve(
    directory: Path,
    listen: tuple[str, ...],
    listen_containers: tuple[str, ...],
    credential_seconds: int,
) -> None:
    """Serve the instance metadata (version 2) of this host, and credentials to containers.

    It listens only where it is told to. The credentials of the instance's role are renewed in time;
    while the server is away, those that are still valid are handed out.
    """
    if not listen and not listen_containers:
        raise Failure("no address is named", "give --listen or --listen-containers")
    addresses = _addresses(listen), _addresses(listen_containers)
    state = State(directory)
    holding = Holding(state, output.note, seconds=credential_seconds)
    main(state, holding, Where(*addresses, _started))


def _started(metadata_urls: Sequence[str], container_urls: Sequence[str]) -> None:
    for url in metadata_urls:
        output.note(f"serving instance metadata: AWS_EC2_METADATA_SERVICE_ENDPOINT={url}")
    for url in container_urls:
        output.note(f"serving containers: AWS_CONTAINER_CREDENTIALS_FULL_URI={url}")


def _addresses(given: Sequence[str]) -> list[Address]:
    """The addresses to listen at; raises Failure. None means every interface (IM-3)."""
    addresses = []
    for text in given:
        host, _, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise Failure(f"`{text}` is not an address", "write it as `127.0.0.1:8181`")
        if not _is_of_host(host):
            raise Failure(
                f"`{text}` may be reached from other hosts",
                "name a loopback address, 169.254.169.254 or another link-local one",
            )
        addresses.append((host, int(port)))
    return addresses


def _is_of_host(host: str) -> bool:
    """Is it an address that other networks cannot reach: of loopback, or link-local?"""
    import ipaddress  # noqa: PLC0415  # only while the agent starts

    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_link_local or host == "fd00:ec2::254"


@metadata.group(short_help="The workloads in containers.")
def workload() -> None:
    """The workloads in containers: each has a token of its own."""


@workload.command(short_help="Make the token of a workload.")
@_state
@click.argument("name")
def add(directory: Path, name: str) -> None:
    """Make the token of a workload, and print it once.

    Give it to the container in AWS_CONTAINER_AUTHORIZATION_TOKEN, or in a file that
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names.
    """
    click.echo(State(directory).add_workload(name))


@workload.command(short_help="End the token of a workload.")
@_state
@click.argument("name")
def remove(directory: Path, name: str) -> None:
    """End the token of a workload; a running agent knows it with the next request."""
    State(directory).remove_workload(name)


@workload.command("list", short_help="List the workloads.")
@_state
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def list_workloads(directory: Path, *, as_json: bool) -> None:
    """List the workloads that have a token."""
    names = sorted(State(directory).workloads().values())
    click.echo(json.dumps(names) if as_json else "\n".join(names))
