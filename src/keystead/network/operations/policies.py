"""Which endpoint policies are accepted, and what does a stored one mean?  (iam.md 5.7)

A policy is compiled when it is written, and refused if it is not understood. The users and roles
that it names are resolved to their unique ids at that moment, as in a key policy.
"""

from collections.abc import Mapping

from keystead.arns import partition_of
from keystead.network.call import NetworkCall
from keystead.network.errors import InvalidPolicyDocument, VpcEndpointLimitExceeded
from keystead.policy.language import (
    DocumentKind,
    MalformedPolicy,
    compile_policy,
    known_names,
    named_principals,
)

LONGEST = 20_480
"""Characters, white space included, as AWS has it."""

DEFAULT = """\
{
  "Statement": [
    {
      "Action": "*", 
      "Effect": "Allow", 
      "Principal": "*", 
      "Resource": "*"
    }
  ]
}"""  # noqa: W291  # AWS's own blanks
"""Everything, for everybody: an endpoint without a policy of its own."""


TOGETHER = 500_000
"""Characters of all policies of an account in a Region: they are read together, for a list."""


def accepted(call: NetworkCall, text: str, *, replaced: int = 0) -> dict[str, str]:
    """The unique ids of the principals that a policy names; raises InvalidPolicyDocument.

    `replaced` are the characters of the policy that it replaces.
    """
    if len(text) > LONGEST:
        raise InvalidPolicyDocument(f"The policy is longer than {LONGEST} characters.")
    own = call.endpoints.of(call.transaction, call.account, call.region)
    if sum(len(each.policy) for each in own) - replaced + len(text) > TOGETHER:
        raise VpcEndpointLimitExceeded(
            f"The policies of an account's endpoints have at most {TOGETHER} characters together."
        )
    partition, prepared = partition_of(call.region).name, call.preparations
    subject = (text, partition)
    names = prepared.make(len(text), subject, _names, *subject)
    if isinstance(names, str):
        raise InvalidPolicyDocument(names)
    meant = known_names(names, call.principals.unique_id)
    asked = (text, meant, call.accept_unsupported_condition_keys, partition)
    problem = prepared.make(len(text), asked, _problem, *asked)
    if problem:
        raise InvalidPolicyDocument(problem)
    return meant


def _names(text: str, partition: str) -> list[str] | str:
    """The principals that a policy names, or why it is refused."""
    try:
        return named_principals(text, DocumentKind.ENDPOINT, partition)
    except MalformedPolicy as refused:
        return _sentence(refused)


def _problem(text: str, meant: Mapping[str, str], any_key: bool, partition: str) -> str:
    """Why a policy is refused; "" if it is accepted."""
    try:
        compile_policy(
            text,
            DocumentKind.ENDPOINT,
            meant,
            accept_unsupported_condition_keys=any_key,
            partition=partition,
        )
    except MalformedPolicy as refused:
        return _sentence(refused)
    return ""


def _sentence(refused: MalformedPolicy) -> str:
    return f"The policy document is not valid: {refused.detail or refused.message}"
