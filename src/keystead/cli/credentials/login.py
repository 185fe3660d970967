"""`keystead login`, `keystead logout`: a person's own credentials, without a secret that lasts"""

import json
import shlex
import shutil
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from keystead.agent.login import (
    Asked,
    Ended,
    NotSignedIn,
    Store,
    Stored,
    Tokens,
    ended,
    new_key,
    on_another_device,
    on_this_device,
    redeemed,
    renewed,
)
from keystead.agent.people import Patience
from keystead.agent.server import Server, Unreachable
from keystead.cli import remote
from keystead.failures import Failure
from keystead.times import iso_seconds

_EARLY = 300  # seconds before their end in which credentials are renewed

_profile = click.option(
    "--profile", envvar="AWS_PROFILE", default="default", show_default=True, metavar="NAME",
    help="The name under which the sign-in is kept.",
)  # fmt: skip


@click.command(short_help="Sign in with a browser, for SDKs and the aws command.")
@remote.endpoint
@remote.ca_bundle
@remote.region
@_profile
@click.option("--remote", "elsewhere", is_flag=True, help="Use the browser of another device.")
@click.option(
    "--wait", type=click.IntRange(10, 3600), default=600, show_default=True, metavar="N",
    help="The seconds in which somebody must have signed in.",
)  # fmt: skip
@click.option(
    "--credential-process", "prints", is_flag=True,
    help="Print the credentials of the last sign-in, as SDKs read them; nobody is asked.",
)  # fmt: skip
def login(
    *,
    endpoint_url: str | None,
    ca_bundle: str | None,
    region: str | None,
    profile: str,
    elsewhere: bool,
    wait: int,
    prints: bool,
) -> None:
    """Sign in with a browser. What you may do at the command line is what you may do there.

    The credentials live for 15 minutes and are renewed, for up to 12 hours.
    """
    store = Store(profile)
    if prints:
        click.echo(json.dumps(_shown(_current(store))))
        return
    ca_file = str(Path(ca_bundle).resolve()) if ca_bundle else ""  # SDKs start elsewhere
    server = Server(remote.required(endpoint_url).rstrip("/"), ca_file)
    _require_pages(server)
    key, asked = new_key(), Asked(server.url, remote=elsewhere)
    patience = Patience.of(wait)
    if elsewhere:
        code = on_another_device(asked, _tell, _typed, patience)
    else:
        code = on_this_device(asked, _tell, patience)
    form = {
        "clientId": asked.client_id, "code": code, "redirectUri": asked.redirect_uri,
        "codeVerifier": asked.verifier,
    }  # fmt: skip
    given = redeemed(server, key, form)
    with store.held():
        store.write(_stored(server, ca_file, asked.client_id, key, given))
    _tell(f"you are signed in as {given.arn}")
    click.echo(_lines(profile, server.url, ca_file, region or "us-east-1"))


@click.command(short_help="End a sign-in of `keystead login`.")
@_profile
def logout(*, profile: str) -> None:
    """End the session at the server, with all its credentials, and forget it here.

    It is forgotten here whatever the server says. A server that is away ends it at its time.
    """
    store = Store(profile)
    with store.held():
        try:
            stored = store.read()
            with suppress(Ended):  # it was over before
                ended(Server(stored.endpoint_url, stored.ca_bundle), stored)
        except NotSignedIn:
            raise
        except Failure as error:
            raise Failure(
                f"you are signed out here, but the server did not confirm it: {error}",
                "the session ends there at its time, 12 hours after the sign-in at the latest; to"
                " end it now, see `My security credentials` on the pages",
                status=1,
            ) from None
        finally:
            store.forget()
    _tell("you are signed out")


def _require_pages(server: Server) -> None:
    """Does this server sign people in?  Better now than after they waited; raises Failure."""
    try:
        pages = server.has_pages("/v1/authorize")
    except Unreachable as error:
        raise Failure(str(error), "see that the server runs, and that the URL is its own") from None
    if not pages:
        raise Failure(
            f"nobody signs in at `{server.url}`", "its operator starts it with `--console`"
        )


def _current(store: Store) -> Stored:
    """The session with credentials that hold for some minutes; raises Failure.

    Runs of one profile follow each other, so one of them renews for all.
    """
    with store.held():
        stored = store.read()
        if stored.expires - time.time() > _EARLY:
            return stored
        try:
            given = renewed(Server(stored.endpoint_url, stored.ca_bundle), stored)
        except Ended as error:
            store.forget()
            hint = f"run `keystead login --profile {store.profile}`"
            raise Failure(f"the session has ended: {error}", hint, status=1) from None
        following = msgspec.structs.replace(
            stored,
            access_key_id=given.access_key_id,
            secret=given.secret,
            token=given.token,
            refresh_token=given.refresh_token,
            expires=time.time() + given.seconds,
        )
        store.write(following)
        return following


def _stored(
    server: Server, ca_bundle: str, client_id: str, key: dict[str, str], given: Tokens
) -> Stored:
    return Stored(
        endpoint_url=server.url, ca_bundle=ca_bundle, client_id=client_id, key=key,
        refresh_token=given.refresh_token, arn=given.arn, access_key_id=given.access_key_id,
        secret=given.secret, token=given.token, expires=time.time() + given.seconds,
    )  # fmt: skip


def _shown(stored: Stored) -> dict[str, object]:
    """What an SDK reads (iam.md 8.6)."""
    return {
        "Version": 1,
        "AccessKeyId": stored.access_key_id,
        "SecretAccessKey": stored.secret,
        "SessionToken": stored.token,
        "Expiration": iso_seconds(datetime.fromtimestamp(int(stored.expires), UTC)),
        "AccountId": stored.arn.split(":")[4] if stored.arn.count(":") >= 5 else "",
    }


def _lines(profile: str, url: str, ca_bundle: str, region: str) -> str:
    """The profile for `~/.aws/config`."""
    name = "[default]" if profile == "default" else f"[profile {profile}]"
    lines = [
        name,
        f"credential_process = {_ourselves()} login --credential-process --profile {profile}",
        f"endpoint_url = {url}",
        f"region = {region}",
    ]
    return "\n".join([*lines, *([f"ca_bundle = {ca_bundle}"] if ca_bundle else [])])


def _ourselves() -> str:
    """The name by which an SDK finds this command: with its path, if PATH does not have it."""
    started = Path(sys.argv[0])
    if shutil.which("keystead") or started.name != "keystead":
        return "keystead"
    return shlex.quote(str(started.absolute()))


def _typed() -> str:
    return str(click.prompt("code", err=True, hide_input=sys.stdin.isatty()))


def _tell(text: str) -> None:
    click.echo(f"keystead: {text}", err=True)
