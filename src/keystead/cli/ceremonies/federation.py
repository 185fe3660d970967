"""`keystead federation`: `list`, `saml`, `oidc`, `remove`"""

from pathlib import Path
from typing import Any

import click

from keystead.cli import options, output
from keystead.cli.performing import all_of, hold
from keystead.cli.secret_files import secret_in


@click.group(short_help="How people sign in by providers of identities.")
def federation() -> None:
    """How people sign in to the pages by providers of identities. The server may run.

    A provider itself is its account's: `aws iam create-saml-provider`, `aws iam
    create-open-id-connect-provider`.
    """


@federation.command("list", short_help="List the providers, and where their people begin.")
@options.data
@options.config_file
@options.passphrase_file
@options.json
def list_providers(file: Path | None, *, as_json: bool, **given: Any) -> None:
    """List the providers by which people sign in, and the path at which they begin.

    The callback is the path of the redirect URI that an OpenID Connect provider is given.
    """
    listed = all_of(options.load(file, **given), "federation list", "Providers")
    if as_json:
        output.as_json(listed)
        return
    rows = [
        [output.printable(each.get(name, "")) for name in ("Provider", "Start", "Callback")]
        for each in listed["Providers"]
    ]
    output.table(("provider", "start", "callback"), rows)


@federation.command(short_help="Say whether people may begin at a SAML provider.")
@options.data
@options.config_file
@options.passphrase_file
@click.argument("provider", metavar="ARN")
@click.option(
    "--provider-initiated/--no-provider-initiated", required=True, default=None,
    help="May a sign-in begin at the provider?",
)  # fmt: skip
@options.json
def saml(
    file: Path | None, *, provider: str, provider_initiated: bool, as_json: bool, **given: Any
) -> None:
    """Say whether people of a SAML provider may begin there. Without a word they may.

    If not, a response is taken only when it answers a request of the browser that posts it.
    """
    config = options.load(file, **given)
    result = hold(
        config, "federation saml", provider=provider, provider_initiated=provider_initiated
    )
    (output.as_json if as_json else output.facts)(result)


@federation.command(short_help="Let people sign in by an OpenID Connect provider.")
@options.data
@options.config_file
@options.passphrase_file
@click.argument("provider", metavar="ARN")
@click.option("--client-id", required=True, metavar="ID", help="Our client id at the provider.")
@click.option(
    "--client-secret-file", type=click.Path(path_type=Path), metavar="PATH",
    help="The client's secret, in a file of yours alone. [default: a client without one]",
)  # fmt: skip
@click.option("--role-claim", metavar="NAME", help="The claim whose values are ARNs of roles.")
@click.option("--role", metavar="ARN", help="Or the one role of everybody.")
@click.option("--name-claim", metavar="NAME", help="The claim that names sessions. [default: sub]")
@click.option("--scopes", metavar="WORDS", help="What is asked for. [default: openid]")
@options.json
def oidc(
    file: Path | None, *, client_secret_file: Path | None, as_json: bool, **given: Any
) -> None:
    """Let people sign in by an OpenID Connect provider, in the place of what was said before.

    The roles come from a claim, or are one for everybody; each role's trust policy decides.
    """
    members = {name: given.pop(name) for name in _OF_PROVIDER}
    config = options.load(file, **given)
    if client_secret_file is not None:
        members["client_secret"] = secret_in(client_secret_file)
    result = hold(config, "federation oidc", **members)
    (output.as_json if as_json else output.facts)(result)


_OF_PROVIDER = ("provider", "client_id", "role_claim", "role", "name_claim", "scopes")


@federation.command(short_help="Forget what was said of a provider.")
@options.data
@options.config_file
@options.passphrase_file
@click.argument("provider", metavar="ARN")
@options.json
def remove(file: Path | None, *, provider: str, as_json: bool, **given: Any) -> None:
    """Forget what was said of a provider. People sign in by OpenID Connect no more.

    Sessions that have begun go on: change or delete the provider to end them.
    """
    result = hold(options.load(file, **given), "federation remove", provider=provider)
    (output.as_json if as_json else output.facts)(result)
