"""`keystead instance`: `register`, `deregister`, `list`, `certificate`, `enrolment-token`"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from keystead.agent import profiles, signing
from keystead.agent.server import Refused, Server, Unreachable, json_headers
from keystead.cli import options, output, remote
from keystead.cli.performing import all_of, hold, office
from keystead.failures import Failure
from keystead.times import iso_seconds
from keystead.wire.models import keystead_instances as api

_LONGEST_NAME = 40  # characters that a list shows
_ASK_AGAIN = 0.05  # seconds, while the key is being made

_account = click.option("--account-id", metavar="ID", help="The account, if there are several.")


@click.group(short_help="Register the hosts of applications, and enrol their agents.")
def instance() -> None:
    """Register the hosts of applications as instances, and enrol their agents."""


@instance.command(short_help="Register a host as an instance.")
@options.data
@options.config_file
@options.passphrase_file
@_account
@click.argument("instance_id", metavar="[ID]", required=False)
@click.option("--instance-region", "region", metavar="R", help="The Region that it is in.")
@click.option("--availability-zone", "zone", metavar="Z", help="Its zone; `a` of its Region.")
@click.option("--instance-type", metavar="TYPE", help="Its type, as programs are told.")
@click.option("--image-id", metavar="ID", help="The image that it runs.")
@click.option("--private-ip", metavar="IP", help="Its address: aws:Ec2InstanceSourcePrivateIPv4.")
@click.option("--vpc-id", metavar="ID", help="Its network: aws:Ec2InstanceSourceVpc.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag; there can be more.")
@options.json
def register(
    file: Path | None,
    *,
    as_json: bool,
    data: str | None,
    passphrase_file: str | None,
    tags: tuple[str, ...],
    **given: Any,
) -> None:
    """Register a host as an instance, as the owner of the data directory.

    Without an ID one is made. The instance has no rights until somebody associates an instance
    profile with it: `aws ec2 associate-iam-instance-profile`.
    """
    config = options.load(file, data=data, passphrase_file=passphrase_file)
    arguments = {name: value for name, value in given.items() if value is not None}
    arguments["tags"] = [_tag(text) for text in tags]
    with office(config) as perform:
        result = perform("instance register", arguments)
        while result.get("pending"):  # the key that signs identity documents is being made
            time.sleep(_ASK_AGAIN)
            result = perform("instance register", arguments)
    output.as_json(result) if as_json else output.facts(result)


def _tag(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign:
        raise Failure(f"`{text}` is no tag", "write it as `Name=web-1`")
    return key, value


@instance.command(short_help="Forget an instance: its sessions end.")
@options.data
@options.config_file
@options.passphrase_file
@_account
@click.argument("instance_id", metavar="ID")
@options.json
def deregister(
    file: Path | None, instance_id: str, account_id: str | None, *, as_json: bool, **given: Any
) -> None:
    """Forget an instance. Its sessions end at once, and its agent gets no others."""
    config = options.load(file, **given)
    result = hold(config, "instance deregister", instance_id=instance_id, account_id=account_id)
    output.as_json(result) if as_json else output.facts(result)


@instance.command("list", short_help="List the instances of an account.")
@options.data
@options.config_file
@options.passphrase_file
@_account
@options.json
def list_instances(
    file: Path | None, account_id: str | None, *, as_json: bool, **given: Any
) -> None:
    """List the instances of an account in all Regions, with their profiles and agents."""
    config = options.load(file, **given)
    result = all_of(config, "instance list", "Instances", account_id=account_id)
    if as_json:
        output.as_json(result)
        return
    rows = [
        (
            each["InstanceId"], _shown(each["Tags"].get("Name")), each["Region"],
            each["InstanceProfileArn"] or "-", each["AgentEnrolled"] or "-",
        )
        for each in result["Instances"]
    ]  # fmt: skip
    output.table(("INSTANCE", "NAME", "REGION", "PROFILE", "AGENT SINCE"), rows)


def _shown(name: str | None) -> str:
    """The tag `Name`, which anybody who may tag the instance can set, for a terminal."""
    return output.printable(name[:_LONGEST_NAME]) if name else "-"


@instance.command(short_help="Show the certificate for identity documents.")
@options.data
@options.config_file
@options.passphrase_file
@options.json
def certificate(file: Path | None, *, as_json: bool, **given: Any) -> None:
    """Print the certificate (PEM) that verifies the identity documents of instances."""
    result = hold(options.load(file, **given), "instance certificate")
    if as_json:
        output.as_json(result)
    else:
        click.echo(result["certificate"], nl=False)


@instance.command("enrolment-token", short_help="Mint the token with which an agent enrols.")
@click.argument("instance_id", metavar="ID")
@remote.endpoint
@remote.ca_bundle
@remote.region
@remote.key_file
@options.json
def enrolment_token(
    instance_id: str,
    *,
    endpoint_url: str | None,
    ca_bundle: str | None,
    region: str | None,
    key_file: Path | None,
    as_json: bool,
) -> None:
    """Mint a token with which the agent of one instance enrols, once, within 15 minutes.

    The caller must be allowed keystead-instances:CreateEnrolmentToken on the instance, and
    iam:PassRole on the role of its profile. It is a request to the server, signed with the key in
    --key-file, with that of the usual variables (AWS_ACCESS_KEY_ID, …), or with that of a profile
    of the AWS CLI (AWS_PROFILE), which also names the server and the Region.
    """
    key = signing.of_file(key_file) if key_file else signing.of_environment()
    known = {} if endpoint_url and region else profiles.settings()
    server = Server(remote.required(endpoint_url or known.get("endpoint_url")), ca_bundle or "")
    signer = signing.Signer(key, server, remote.required_region(region or known.get("region")))
    operation = api.CreateEnrolmentToken

    def signed(body: bytes) -> Mapping[str, str]:
        return signer.signed(operation.service.name, json_headers(operation), body)

    try:
        request = api.CreateEnrolmentTokenRequest(instance_id=instance_id)
        answer = server.call(operation, request, signed)
    except Unreachable as error:
        raise Failure(str(error), "see that the server runs") from None
    except Refused as error:
        raise Failure(
            f"no token: {error.message or error.code}", "see the message", status=1
        ) from None
    if as_json:
        ends = iso_seconds(answer.expiration)
        shown = {"InstanceId": answer.instance_id, "EnrolmentToken": answer.enrolment_token}
        output.as_json({**shown, "Expiration": ends})
    else:
        click.echo(answer.enrolment_token)
