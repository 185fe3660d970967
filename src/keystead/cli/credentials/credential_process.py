"""`keystead credential-process`: what an SDK runs for `credential_process` in a profile"""

import json
import sys
from pathlib import Path
from typing import Any

import click

from keystead.agent.processes import (
    Wanted,
    credentials,
    credentials_of_person,
    require_valid,
)
from keystead.agent.server import Server
from keystead.cli import remote
from keystead.failures import Failure

_FILE = click.Path(path_type=Path, dir_okay=False)
_session_name = click.option(
    "--session-name", metavar="NAME", help="The name of the session, which records show."
)
_seconds = click.option(
    "--duration-seconds", type=click.IntRange(900, 43_200), metavar="N", help="Their life."
)


@click.group(
    "credential-process", invoke_without_command=True,
    short_help="Credentials of a role for an SDK's profile.",
)  # fmt: skip
@remote.endpoint
@remote.ca_bundle
@remote.region
@remote.key_file
@click.option("--role", metavar="ARN", help="The role to assume.")
@_session_name
@_seconds
@click.option("--external-id", default="", metavar="ID", help="If the role's trust policy asks.")
@click.pass_context
def credential_process(
    context: click.Context,
    *,
    endpoint_url: str | None,
    ca_bundle: str | None,
    region: str | None,
    key_file: Path | None,
    role: str | None,
    session_name: str | None,
    duration_seconds: int | None,
    external_id: str,
) -> None:
    """Assume a role with an access key in a file, and print credentials as SDKs read them.

    A profile names it: `credential_process = keystead credential-process --role … --key-file …`
    """
    if context.invoked_subcommand is not None:
        if role is not None or key_file is not None:
            where = f"`credential-process {context.invoked_subcommand}`"
            raise Failure("the options stand in the wrong place", f"write them after {where}")
        return
    if role is None or key_file is None:
        raise click.UsageError(f"missing option '{'--key-file' if role else '--role'}'")
    from keystead.agent import signing  # noqa: PLC0415  # people have no key to sign with

    wanted = Wanted(role, session_name or "credential-process", duration_seconds, external_id)
    server = Server(remote.required(endpoint_url), ca_bundle or "")
    key = signing.of_file(key_file)
    signer = signing.Signer(key, server, remote.required_region(region))
    _print(credentials(signer, wanted))


@credential_process.command(short_help="Sign in at an OpenID Connect provider instead.")
@remote.endpoint
@remote.ca_bundle
@click.option("--role", required=True, metavar="ARN", help="The role to assume.")
@_session_name
@_seconds
@click.option("--issuer", required=True, metavar="URL", help="The provider's issuer.")
@click.option("--client-id", required=True, metavar="ID", help="This program, at the provider.")
@click.option(
    "--issuer-ca", metavar="FILE", help="The authority (PEM) of the provider's certificate."
)
@click.option(
    "--flow", type=click.Choice(["browser", "device"]), default="browser", show_default=True,
    help="Sign in with this host's browser, or by a code on another device.",
)  # fmt: skip
@click.option(
    "--port", type=click.IntRange(1, 65_535), metavar="N",
    help="The port of http://127.0.0.1:N/callback, if the provider takes no other.",
)  # fmt: skip
@click.option("--scope", "scopes", multiple=True, metavar="S", help="A scope beside `openid`.")
@click.option(
    "--keep", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Keep the refresh token in this file (mode 0600).",
)  # fmt: skip
@click.option(
    "--wait", type=click.IntRange(10, 3600), default=300, show_default=True, metavar="N",
    help="The seconds in which somebody must have signed in.",
)  # fmt: skip
def oidc(
    *,
    endpoint_url: str | None,
    ca_bundle: str | None,
    role: str,
    session_name: str | None,
    duration_seconds: int | None,
    **of_provider: Any,
) -> None:
    """Sign in at an OpenID Connect provider, and print credentials as SDKs read them.

    No secret is stored. With --keep, the provider's refresh token is, and the next run asks nobody.
    """
    server = Server(remote.required(endpoint_url), ca_bundle or "")
    require_valid(Wanted(role, session_name or "oidc"))
    from keystead.agent.people import name_of  # noqa: PLC0415  # programs need none of this

    token = _token(**of_provider)
    name = session_name or name_of(token)
    _print(credentials_of_person(server, Wanted(role, name, duration_seconds), token))


@credential_process.command(short_help="With a certificate in the place of the key.")
@remote.endpoint
@remote.ca_bundle
@remote.region
@click.option(
    "--certificate", required=True, type=_FILE, metavar="FILE",
    help="The certificate (PEM); those above it may follow.",
)  # fmt: skip
@click.option(
    "--private-key", required=True, type=_FILE, metavar="FILE", help="Its key (PEM, mode 0600)."
)
@click.option(
    "--intermediates", type=_FILE, metavar="FILE",
    help="The certificates (PEM) between it and the trust anchor.",
)  # fmt: skip
@click.option("--trust-anchor-arn", required=True, metavar="ARN", help="The trust anchor.")
@click.option("--profile-arn", required=True, metavar="ARN", help="The profile.")
@click.option("--role-arn", required=True, metavar="ARN", help="The role to assume.")
@click.option(
    "--role-session-name", metavar="NAME", help="The session's name, if the profile accepts one."
)
@click.option(
    "--session-duration", type=click.IntRange(900, 43_200), metavar="N", help="Their life."
)
def certificate(
    *,
    endpoint_url: str | None,
    ca_bundle: str | None,
    region: str | None,
    intermediates: Path | None,
    role_session_name: str | None,
    session_duration: int | None,
    **named: Any,
) -> None:
    """Sign with the key of a certificate (IAM Roles Anywhere), and print credentials.

    The options are those of aws_signing_helper. docs/roles-anywhere.md.
    """
    from keystead.agent import certificates  # noqa: PLC0415  # others have no certificate

    server = Server(remote.required(endpoint_url), ca_bundle or "")
    holder = certificates.of_files(named["certificate"], named["private_key"], intermediates)
    wanted = certificates.Wanted(
        named["trust_anchor_arn"], named["profile_arn"], named["role_arn"],
        session_duration, role_session_name,
    )  # fmt: skip
    _print(certificates.credentials(server, holder, wanted, region))


def _token(  # the options of the command that are for the provider
    *,
    issuer: str,
    client_id: str,
    issuer_ca: str | None,
    flow: str,
    port: int | None,
    scopes: tuple[str, ...],
    keep: Path | None,
    wait: int,
) -> str:
    from keystead.agent.people import (  # noqa: PLC0415  # as above
        Client,
        Flow,
        Patience,
        Provider,
        SignIn,
        id_token,
    )

    client = Client(client_id, ("openid", *scopes))
    provider = Provider(issuer, issuer_ca or "")
    sign_in = SignIn(provider, client, Flow(flow), _tell, port or 0, keep)
    return id_token(sign_in, Patience.of(wait))


def _tell(text: str) -> None:
    """Tell the person. SDKs swallow what their commands say, so a terminal is told as well."""
    line = f"keystead: {text}"
    click.echo(line, err=True)
    if sys.stderr.isatty():
        return
    try:
        with Path("/dev/tty").open("w") as terminal:
            click.echo(line, file=terminal)
    except OSError:
        return  # nobody sits there


def _print(given: dict[str, object]) -> None:
    click.echo(json.dumps(given))
