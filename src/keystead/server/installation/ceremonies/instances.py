"""Which hosts are instances?  The owner of the data directory registers them.

An instance has no rights of its own. A caller gives it a profile, and by that a role (EC2's
AssociateIamInstanceProfile); a caller mints the token for its agent. Its identity document is
signed at its registration, because nothing in it changes.
"""

import ipaddress
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from keystead.audit.records import EventResource
from keystead.custody.randomness import urandom
from keystead.custody.signing import as_pem
from keystead.errors import AwsError
from keystead.failures import Failure
from keystead.identity import times
from keystead.identity.accounts import SEE_ACCOUNTS
from keystead.identity.instances import instance_arn
from keystead.identity.repository import Instance, InstanceTags, MetadataDefaults
from keystead.network import tagging
from keystead.server.installation.founding import ceremony_event
from keystead.server.installation.installation import Installation
from keystead.store.protocol import Transaction
from keystead.times import iso_seconds
from keystead.wire.models import ec2 as api

PART = 250  # instances, or accounts, of a list that are read at a time

_VERSION = "2017-09-30"  # of the documents
_FORMS = {
    "instance_id": (re.compile(r"i-[0-9a-f]{17}"), "`i-` and 17 hexadecimal digits"),
    "zone": (re.compile(r"[a-z0-9-]{1,64}"), "as `eu-central-1a`"),
    "instance_type": (re.compile(r"[a-z0-9.-]{1,64}"), "as `m7g.large`"),
    "image_id": (re.compile(r"ami-[0-9a-f]{8,17}"), "`ami-` and 17 hexadecimal digits"),
    "vpc_id": (re.compile(r"vpc-[0-9a-f]{8,17}"), "`vpc-` and 17 hexadecimal digits"),
}


def register(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Register a host as an instance; `pending` while the key for its document is being made."""
    given = {name: str(arguments.get(name) or "") for name in (*_FORMS, "region", "private_ip")}
    account = account_of(installation, arguments)
    region = given["region"] or installation.config.regions[0]
    _require_forms(given)
    if region not in installation.config.regions:
        served = ", ".join(installation.config.regions)
        raise Failure(f"`{region}` is no Region of this installation", f"name one of: {served}")
    if not installation.identities.document_keys.every(installation.store.read()):
        made = installation.document_key_maker.made()
        if made is None:
            return {"pending": True}
    else:
        made = None
    now = installation.clock.now()
    with installation.store.write() as transaction:
        keys = installation.identities.document_keys
        key = keys.every(transaction)[-1] if made is None else keys.add(transaction, made, now)
        defaults = installation.identities.instances.defaults(transaction, account, region)
        instance = _instance(defaults, given, now)
        document = instance.document.encode()
        signer = keys.signer(key)
        signed = msgspec.structs.replace(
            instance, signature=signer.signature(document), pkcs7=signer.message(document)
        )
        tags = _tags(signed, defaults, arguments)
        _add(installation, transaction, signed, tags)
        details = {"accountId": account, "instanceId": instance.instance_id}
        if tags.values:
            details["tags"] = tags.tags
        _record(installation, "RegisterInstance", signed, details, now)
    return {"InstanceId": signed.instance_id, "AccountId": account, "Region": region}


def _tags(
    instance: Instance, defaults: MetadataDefaults, arguments: Mapping[str, Any]
) -> InstanceTags:
    """The tags of a new instance, and whether its metadata have them; raises Failure."""
    given = [api.Tag(key=key, value=value) for key, value in arguments.get("tags") or ()]
    in_metadata = "enabled" if defaults.metadata_tags == "enabled" else "disabled"
    try:
        tags = tagging.read(given)
        if in_metadata == "enabled":
            tagging.require_paths(tags)
    except AwsError as error:
        raise Failure(f"the tags: {error.message}", "write each as `--tag KEY=VALUE`") from None
    return InstanceTags(
        account=instance.account, instance_id=instance.instance_id, region=instance.region,
        tags=msgspec.json.encode(tags).decode(), in_metadata=in_metadata,
    )  # fmt: skip


def _add(
    installation: Installation, transaction: Transaction, instance: Instance, tags: InstanceTags
) -> None:
    account, instances = instance.account, installation.identities.instances
    owner = installation.identities.accounts.get(transaction, account)
    if owner is None or not owner.is_open:
        raise Failure(f"there is no open account `{account}`", SEE_ACCOUNTS)
    if instances.get(transaction, account, instance.instance_id) is not None:
        raise Failure(
            f"`{instance.instance_id}` is registered already",
            "deregister it first, or give no id: one is made",
            status=1,
        )
    instances.add(transaction, instance)
    instances.keep_tags(transaction, tags)


def _require_forms(given: Mapping[str, str]) -> None:
    """Refuse what has not the form of AWS's ids; raises Failure."""
    for name, (form, hint) in _FORMS.items():
        if given[name] and not form.fullmatch(given[name]):
            option = "id" if name == "instance_id" else name.replace("_", "-")
            raise Failure(f"`{given[name]}` is no value for `{option}`", f"write it {hint}")
    if given["private_ip"]:
        try:
            ipaddress.IPv4Address(given["private_ip"])
        except ValueError:
            raise Failure(
                f"`{given['private_ip']}` is no IPv4 address", "write it as `10.0.0.7`"
            ) from None


def _instance(defaults: MetadataDefaults, given: Mapping[str, str], now: datetime) -> Instance:
    """The new instance; its document is not signed yet. Its metadata are as chosen by default."""
    account, region = defaults.account, defaults.region
    instance_id = given["instance_id"] or f"i-{urandom(9).hex()[:17]}"
    zone = given["zone"] or f"{region}a"
    facts = {
        "accountId": account,
        "architecture": None,
        "availabilityZone": zone,
        "billingProducts": None,
        "devpayProductCodes": None,
        "marketplaceProductCodes": None,
        "imageId": given["image_id"] or None,
        "instanceId": instance_id,
        "instanceType": given["instance_type"] or None,
        "kernelId": None,
        "pendingTime": iso_seconds(now),
        "privateIp": given["private_ip"] or None,
        "ramdiskId": None,
        "region": region,
        "version": _VERSION,
    }
    return Instance(
        account=account, instance_id=instance_id, region=region, zone=zone,
        instance_type=given["instance_type"], image_id=given["image_id"],
        private_ip=given["private_ip"], vpc_id=given["vpc_id"],
        endpoint="disabled" if defaults.endpoint == "disabled" else "enabled",
        hop_limit=max(defaults.hop_limit, 1),
        options_version=0, signature="", pkcs7="", registered=times.stored(now),
        document=msgspec.json.format(msgspec.json.encode(facts), indent=2).decode(),
    )  # fmt: skip


def deregister(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Forget an instance: its sessions end, and its agent is none any more."""
    instance_id = str(arguments["instance_id"])
    account = account_of(installation, arguments)
    now, instances = installation.clock.now(), installation.identities.instances
    with installation.store.write() as transaction:
        instance = instances.get(transaction, account, instance_id)
        if instance is None:
            raise Failure(
                f"account `{account}` has no instance `{instance_id}`",
                "see `keystead instance list`",
            )
        instances.delete(transaction, account, instance_id)
        details = {"accountId": account, "instanceId": instance_id}
        _record(installation, "DeregisterInstance", instance, details, now)
    return {"InstanceId": instance_id, "AccountId": account}


def every(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The instances of an account in all Regions, with their profiles, agents and tags.

    At most `PART` at a time, because others wait meanwhile; `Next` says where to go on.
    """
    account = account_of(installation, arguments)
    reader, instances = installation.store.read(), installation.identities.instances
    after = str(arguments.get("next") or "")
    found = instances.everywhere_after(reader, account, after, PART)
    ids = [each.instance_id for each in found]
    associations = instances.associations_of(reader, account, ids) if ids else {}
    agents = instances.agents_of(reader, account, ids) if ids else {}
    tags = instances.tags_of(reader, account, found) if ids else {}
    listed: list[dict[str, Any]] = []
    for instance in found:
        name = instance.instance_id
        held, agent = associations.get(name), agents.get(name)
        listed.append(
            {
                "InstanceId": name,
                "Region": instance.region,
                "InstanceProfileArn": held.profile_arn if held else "",
                "AgentEnrolled": iso_seconds(times.shown(agent.enrolled)) if agent else "",
                "Tags": tags[name].values,
            }
        )
    more = {"Next": ids[-1]} if len(found) == PART else {}
    return {"AccountId": account, "Instances": listed, **more}


def certificate(installation: Installation, arguments: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG001  # there are none
    """The certificate of the key that signs identity documents; whoever verifies them needs it."""
    keys = installation.identities.document_keys.every(installation.store.read())
    if not keys:
        raise Failure("there is no certificate yet", "it is made with the first instance")
    return {"certificate": as_pem(keys[-1].certificate), "sha256": keys[-1].fingerprint}


def account_of(installation: Installation, arguments: Mapping[str, Any]) -> str:
    """The account that is named, or the only account there is; raises Failure."""
    number = arguments.get("account_id")
    known, reader = installation.identities.accounts, installation.store.read()
    if number:
        if known.get(reader, str(number)) is None:
            raise Failure(f"there is no account `{number}`", SEE_ACCOUNTS)
        return str(number)
    only = known.only(reader)
    if only is None:
        raise Failure("there are several accounts", "name one with --account-id")
    return only.account


def _record(
    installation: Installation,
    name: str,
    instance: Instance,
    details: dict[str, str],
    now: datetime,
) -> None:
    event = ceremony_event(name, now, details)
    arn = instance_arn(instance.region, instance.account, instance.instance_id)
    event.resources = [EventResource(instance.account, "AWS::EC2::Instance", arn)]
    installation.trail.record(event)
