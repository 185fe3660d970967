"""Which key does a CreateKey request describe, and do we make such keys?  (kms.md 5.1, 9, 11)"""

from typing import NamedTuple, cast

from keystead import quotas
from keystead.custody.backends import GIVEN_SPECS
from keystead.errors import ValidationException
from keystead.kms import usage
from keystead.kms.call import KmsCall
from keystead.kms.key_policies import bypass_key
from keystead.kms.keys import KeyCount, described, tags
from keystead.kms.requests import refuse_store
from keystead.policy.evaluation import ContextValue
from keystead.tags import request_keys
from keystead.wire.models import kms as api


class Wanted(NamedTuple):
    """The key that a request describes, defaults filled in."""

    spec: api.KeySpec
    usage: api.KeyUsageType
    origin: api.OriginType
    multi_region: str  # "PRIMARY", "REPLICA", or "" for a single-Region key
    tags: dict[str, str]
    bypass: bool | None  # None: the request does not say

    @property
    def state(self) -> api.KeyState:
        """The state of the new key. Who brings own material brings it to each key by itself."""
        return "PendingImport" if self.origin == "EXTERNAL" else "Enabled"

    @property
    def condition_keys(self) -> dict[str, ContextValue]:
        """The request's condition keys in the question about kms:CreateKey."""
        return {**self.tagging_keys, **bypass_key(self.bypass)}

    @property
    def tagging_keys(self) -> dict[str, ContextValue]:
        """The condition keys in the question about kms:TagResource on the new key.

        `aws:ResourceTag` and `kms:ResourceAliases` describe an existing key. The new key has
        neither, with any tags in the request (kms.md 11).
        """
        return {
            **described(self.spec, self.usage, self.origin, self.multi_region),
            **request_keys(self.tags),
        }

    @property
    def recorded(self) -> dict[str, object]:
        """The parameters that the event shows, defaults included."""
        return {
            "description": "",
            "origin": self.origin,
            "keySpec": self.spec,
            "customerMasterKeySpec": self.spec,
            "keyUsage": self.usage,
            "multiRegion": self.multi_region != "",
            "bypassPolicyLockoutSafetyCheck": bool(self.bypass),
        }


def read(request: api.CreateKeyRequest, region: str) -> Wanted:
    """The key that a request describes; refuses a description that no key can have."""
    spec = _spec(request, region)
    given = tags.read(request.tags)
    tags.require_together(given)
    return Wanted(
        spec=spec,
        usage=_usage(request, spec),
        origin=request.origin or "AWS_KMS",
        multi_region="PRIMARY" if request.multi_region else "",
        tags=given,
        bypass=request.bypass_policy_lockout_safety_check,
    )


def _spec(request: api.CreateKeyRequest, region: str) -> api.KeySpec:
    old = cast("api.KeySpec | None", request.customer_master_key_spec)
    if old and request.key_spec and old != request.key_spec:
        raise ValidationException("KeySpec and CustomerMasterKeySpec must not differ.")
    spec = request.key_spec or old or "SYMMETRIC_DEFAULT"
    member = "key_spec" if request.key_spec else "customer_master_key_spec"
    usage.require_offered(api.CreateKey, member, spec, region)
    return spec


def _usage(request: api.CreateKeyRequest, spec: api.KeySpec) -> api.KeyUsageType:
    if request.key_usage is None:
        if spec != usage.SYMMETRIC_DEFAULT:
            raise ValidationException(
                "You must specify a KeyUsage value for all KMS keys except for symmetric"
                " encryption keys."
            )
        return "ENCRYPT_DECRYPT"
    if not usage.algorithms(spec, request.key_usage):
        raise ValidationException(
            f"KeyUsage {request.key_usage} is not compatible with KeySpec {spec}"
        )
    return request.key_usage


def require_served(call: KmsCall, wanted: Wanted, request: api.CreateKeyRequest) -> None:
    """Refuse, in plain words, the kinds of key that are not created here."""
    refuse_store(request.custom_key_store_id)
    if request.xks_key_id is not None:
        raise api.UnsupportedOperationException("Custom key stores are not supported.")
    if wanted.origin not in ("AWS_KMS", "EXTERNAL"):
        raise api.UnsupportedOperationException(
            f"Keys with the origin {wanted.origin} are not supported."
        )
    call.require_had(wanted.spec)
    if wanted.origin == "EXTERNAL" and wanted.spec not in GIVEN_SPECS:
        raise api.UnsupportedOperationException(
            f"Key material of the KeySpec {wanted.spec} cannot be imported."
        )


def require_room(call: KmsCall) -> KeyCount | None:
    """Refuse a key over the account's quota; returns the account's keys so far."""
    counted = call.repository.counted(call.transaction, call.account, call.region)
    most = call.quotas.most(quotas.KEYS, call.account)
    if (0 if counted is None else counted.keys) >= most:
        raise api.LimitExceededException(
            f"The account has {most} KMS keys in this Region, which is the most it can have."
        )
    return counted
