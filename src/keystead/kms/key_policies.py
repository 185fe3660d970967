"""Which key policies are accepted, and which principals do they mean?

A policy is compiled when it is written, and refused if it is not understood. At that moment the
users and roles that it names are resolved to their unique ids. It means those ids for ever, so a
user who is deleted and made again inherits nothing. The text is kept as it was written. It is shown
with the id of a user who was deleted, and with the new name of a user who was renamed.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from keystead.arns import iam_arn, partition_of
from keystead.call import NoOrganization
from keystead.kms.call import KmsCall
from keystead.kms.heard import AcceptedPolicy
from keystead.kms.keys import DEFAULT_POLICY, Key
from keystead.policy.evaluation import ContextValue, PolicySource
from keystead.policy.language import (
    KEY_POLICY_BYTES,
    DocumentKind,
    MalformedPolicy,
    Policy,
    compile_policy,
    known_names,
    named_principals,
    stored_policy,
    weighed,
)
from keystead.wire.models import kms as api
from keystead.work import MadeWith, Preparations, Work, digest, read

PUT_KEY_POLICY = "kms:PutKeyPolicy"

_DEFAULT = """\
{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "%s"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}"""


class WrittenPolicy(NamedTuple):
    """A policy that may be stored."""

    text: str
    principals: Mapping[str, str]
    compiled: Policy  # with its weight
    remembered: bool  # was the same text accepted before?


class _Refused(NamedTuple):
    """The message of a MalformedPolicyDocument: a worker raises nothing."""

    message: str


def default_policy(account: str) -> str:
    """The policy of a key that is created without one: the account decides."""
    return _DEFAULT % iam_arn(account, "root")


def policy_of_account(account: str, region: str) -> WrittenPolicy:
    """The default policy, as it is stored; for an account that exists."""
    partition = partition_of(region).name
    principals = {iam_arn(account, "root"): account}
    text = default_policy(account)
    compiled = compile_policy(text, DocumentKind.KEY, principals, partition=partition)
    return WrittenPolicy(text, principals, weighed(compiled), remembered=False)


def read_policy(call: KmsCall, text: str) -> WrittenPolicy | Work[WrittenPolicy | _Refused]:
    """The policy in a request, checked and its principals resolved; a long one is read as work."""
    if len(text.encode()) > KEY_POLICY_BYTES:
        raise api.LimitExceededException(
            f"The key policy is longer than the maximum of {KEY_POLICY_BYTES} bytes."
        )
    if (again := _accepted_before(call, text)) is not None:
        return again
    partition = partition_of(call.region).name
    subject = (text, partition)
    names = call.repository.preparations.make(len(text), subject, _names, *subject)
    if isinstance(names, _Refused):
        raise api.MalformedPolicyDocumentException(names.message)
    known = known_names(names, call.principals.unique_id)
    asked = (text, known, call.accept_unsupported_condition_keys, partition)
    made_with = MadeWith(input=digest(msgspec.json.encode(asked)))
    policy = read(call, len(text), made_with, _written, *asked)
    if isinstance(policy, _Refused):
        raise api.MalformedPolicyDocumentException(policy.message)
    return policy


def _names(text: str, partition: str) -> list[str] | _Refused:
    """The principals that a policy names."""
    try:
        return named_principals(text, DocumentKind.KEY, partition)
    except MalformedPolicy as error:
        return _Refused(error.message)


def _written(
    text: str, known: Mapping[str, str], any_key: bool, partition: str
) -> WrittenPolicy | _Refused:
    try:
        compiled = compile_policy(
            text,
            DocumentKind.KEY,
            known,
            accept_unsupported_condition_keys=any_key,
            partition=partition,
        )
    except MalformedPolicy as error:
        return _Refused(error.message)
    return WrittenPolicy(text, known, weighed(compiled), remembered=False)


def _accepted_before(call: KmsCall, text: str) -> WrittenPolicy | None:
    """The policy of a text that was accepted before, if it would be accepted again as the same.

    The text was accepted under the same rules, with certain principals. What it means depends on
    nothing else. So it is the same policy if each of these principals still has the same id. The
    caller's own account has it: authentication has found this account.
    """
    heard = call.heard.policy(call.account, _said(call, text))
    if heard is None:
        return None
    unique_id = call.principals.unique_id
    others = [pair for pair in heard.principals.items() if pair[1] != call.account]
    if any(unique_id(name) != meant for name, meant in others):
        return None
    compiled = call.repository.policies.compiled(call.account, heard.policy_id)
    if compiled is None:
        return None
    return WrittenPolicy(text, heard.principals, compiled, remembered=True)


def remember(call: KmsCall, policy: WrittenPolicy) -> None:
    """Keep a policy that was accepted, for its first use and for the next that has its text."""
    if policy.remembered:
        return
    call.repository.policies.keep_compiled(call.account, policy.compiled)
    said = _said(call, policy.text)
    call.heard.accept(call.account, said, AcceptedPolicy(policy.compiled.id, policy.principals))


def _said(call: KmsCall, text: str) -> bytes:
    """A hash of a text, and of the rules under which it is read."""
    any_key = b"any" if call.accept_unsupported_condition_keys else b""
    return digest(text.encode(), call.region.encode(), any_key)


def policy_keys(name: str, bypass: bool | None) -> dict[str, ContextValue]:
    """The condition keys of a request to write a key policy."""
    return {"kms:policyname": name, **bypass_key(bypass)}


def bypass_key(bypass: bool | None) -> dict[str, ContextValue]:
    """`kms:BypassPolicyLockoutSafetyCheck`, if the request has the parameter."""
    if bypass is None:
        return {}
    return {"kms:bypasspolicylockoutsafetycheck": "true" if bypass else "false"}


def require_no_lockout(call: KmsCall, key: Key, policy: WrittenPolicy) -> None:
    """Refuse a policy under which the caller could not write the next one.

    The new policy must allow this caller; or it must leave that to the caller's own policies, and
    they must allow it. Policies of the organization and of an endpoint are not asked: they can
    change.
    """
    source = PolicySource(policy.compiled, DEFAULT_POLICY, key.arn_text)
    later = msgspec.structs.replace(
        call,
        policies=msgspec.structs.replace(call.policies, service_control=()),
        guardrails=NoOrganization(),
        endpoint_policy=None,
    )
    decision = later.decide(
        PUT_KEY_POLICY,
        msgspec.structs.replace(key, resource_policies=(source,)),
        policy_keys(DEFAULT_POLICY, None),
    )
    if not decision.allowed:
        raise api.MalformedPolicyDocumentException(
            "The new key policy will not allow you to update the key policy in the future."
        )


def only_denying(preparations: Preparations, key: Key, grants: tuple[PolicySource, ...]) -> Key:
    """The key with these grants, of whose policy only the Denies count (kms.md 10.6).

    Who may retire a grant is in the grant: the key policy can only forbid it.
    """
    denying = [_denies(preparations, source) for source in key.resource_policies]
    return msgspec.structs.replace(
        key,
        is_granted=False,
        grants=grants,
        resource_policies=tuple(source for source in denying if source is not None),
    )


def _denies(preparations: Preparations, source: PolicySource) -> PolicySource | None:
    """A key policy without its Allows; None if nothing is left."""
    policy = source.policy
    denies = [statement.source for statement in policy.statements if not statement.allow]
    if not denies:
        return None
    document = {"Version": policy.version, "Statement": denies}
    text = msgspec.json.encode(document).decode()
    meant = dict(policy.meant or ())
    reduced = preparations.make(
        len(text), (text, meant), stored_policy, text, DocumentKind.KEY, meant
    )
    return PolicySource(reduced, source.id, source.attached_to)
