"""AWS managed keys: the key that an account has for one service, `alias/aws/<label>` (kms.md 20).

It is made when the service first acts for a caller of the account in a Region. Its policy is AWS's.
Through the service, everybody in the account may use it whom their own policies allow; without it
nobody may, and nobody may change it. It is rotated every year.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from keystead.arns import iam_arn, kms_arn, partition_of, service_in
from keystead.audit.records import HIGH, Event, EventResource
from keystead.call import Call, Target
from keystead.custody.material import Custody
from keystead.kms.keys import RESOURCE_TYPE, AliasRecord, KeyRecord, KeyRepository
from keystead.policy.evaluation import Permit
from keystead.policy.language import DocumentKind, compile_policy
from keystead.times import microseconds
from keystead.work import Work, result

ALIAS = "alias/aws/"
_SPEC: Final = "SYMMETRIC_DEFAULT"
_DAYS = 365
_USE = (
    "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant",
    "kms:DescribeKey",
)  # fmt: skip
_VIEW = ("kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant")


class ServiceKeys:
    """The keys of services, in every account. (identity.call.ManagedKeys)"""

    __slots__ = ("_custody", "_keys")

    def __init__(self, keys: KeyRepository, custody: Custody) -> None:
        self._keys = keys
        self._custody = custody

    def ensure(self, call: Call, account: str, label: str, service: str) -> None:
        """Make the key of a service in an account and the call's Region, unless it is there.

        `label` ends its alias, and `service` is the service's name. The event has a record more.
        """
        transaction, region, alias = call.transaction, call.region, f"{ALIAS}{label}"
        if self._keys.alias(transaction, account, region, alias) is not None:
            return
        permit = Permit.for_system(
            Target("*", account), "kms:CreateKey", f"the first use by {service}"
        )
        secret = result(call, self._custody.generate(permit, _SPEC))
        if isinstance(secret, Work):
            raise TypeError("a symmetric key is made at once")
        key_id = self._new_id(call, permit, account)
        material_id = self._custody.create_material(
            transaction, permit, account, key_id, call.now, key_spec=_SPEC, secret=secret
        )
        text, root = policy(account, label, service_in(service, region)), iam_arn(account, "root")
        compiled = compile_policy(
            text, DocumentKind.KEY, {root: account}, partition=partition_of(region).name
        )
        now_us = microseconds(call.now)
        record = KeyRecord(
            account=account,
            region=region,
            key_id=key_id,
            state="Enabled",
            key_spec=_SPEC,
            key_usage="ENCRYPT_DECRYPT",
            origin="AWS_KMS",
            manager="AWS",
            description=f"Default key that protects the data of {service} when no other is given",
            material_id=material_id,
            policy_id=compiled.id,
            created_us=now_us,
            rotation_days=_DAYS,
            next_rotation_us=microseconds(call.now + timedelta(days=_DAYS)),
        )
        counted = self._keys.counted(transaction, account, region)
        self._keys.add_key(transaction, record, text, {root: account}, counted)
        named = AliasRecord(
            account=account, region=region, name=alias, key_id=key_id, created_us=now_us,
            updated_us=now_us,
        )  # fmt: skip
        self._keys.add_alias(transaction, named)
        call.event.add(_made(call, record, alias, service))

    def _new_id(self, call: Call, permit: Permit[Target], account: str) -> str:
        while True:
            key_id = str(UUID(bytes=self._custody.random(permit, 16), version=4))
            if self._keys.is_free(call.transaction, account, call.region, key_id):
                return key_id


def policy(account: str, label: str, via: str) -> str:
    """AWS's policy of such a key; `via` is the service in the key's Region."""
    through = {"kms:CallerAccount": account, "kms:ViaService": via}
    statements = [
        {
            "Sid": f"Allow access through {label} for all principals in the account that are"
            f" authorized to use {label}",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": _USE,
            "Resource": "*",
            "Condition": {"StringEquals": through},
        },
        {
            "Sid": "Allow direct access to key metadata to the account",
            "Effect": "Allow",
            "Principal": {"AWS": iam_arn(account, "root")},
            "Action": _VIEW,
            "Resource": "*",
        },
    ]
    document = {"Version": "2012-10-17", "Id": f"auto-{label}-1", "Statement": statements}
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def _made(call: Call, record: KeyRecord, alias: str, service: str) -> Event:
    """The record of a key that nobody asked for by name."""
    arn = kms_arn(record.region, record.account, f"key/{record.key_id}")
    return Event(
        request_id=call.event.request_id,
        time=call.now,
        source="kms.amazonaws.com",
        name="CreateKey",
        region=record.region,
        event_type="AwsServiceEvent",
        service_details={"keyId": arn, "aliasName": alias, "invokedBy": service},
        resources=[EventResource(record.account, RESOURCE_TYPE, arn)],
        severity=HIGH,
    )
