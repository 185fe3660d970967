"""`keystead credential-process`: what an SDK runs for `credential_process` in a profile"""

import json
from pathlib import Path

import click

from keystead.agent import signing
from keystead.agent.processes import Wanted, credentials
from keystead.agent.server import Server
from keystead.cli import remote


@click.command("credential-process", short_help="Credentials of a role for an SDK's profile.")
@remote.endpoint
@remote.ca_bundle
@remote.region
@click.option(
    "--key-file", required=True, type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="A file (JSON, mode 0600) with AccessKeyId and SecretAccessKey.",
)  # fmt: skip
@click.option("--role", required=True, metavar="ARN", help="The role to assume.")
@click.option(
    "--session-name", default="credential-process", show_default=True, metavar="NAME",
    help="The name of the session, which records show.",
)  # fmt: skip
@click.option(
    "--duration-seconds", type=click.IntRange(900, 43_200), metavar="N", help="Their life."
)
@click.option("--external-id", default="", metavar="ID", help="If the role's trust policy asks.")
def credential_process(
    *,
    endpoint_url: str | None,
    ca_bundle: str | None,
    region: str | None,
    key_file: Path,
    role: str,
    session_name: str,
    duration_seconds: int | None,
    external_id: str,
) -> None:
    """Assume a role with an access key in a file, and print credentials as SDKs read them.

    A profile names it: `credential_process = keystead credential-process --role … --key-file …`
    """
    wanted = Wanted(role, session_name, duration_seconds, external_id)
    server = Server(remote.required(endpoint_url), ca_bundle or "")
    key = signing.of_file(key_file)
    signer = signing.Signer(key, server, remote.required_region(region))
    given = credentials(signer, wanted)
    click.echo(json.dumps(given))
