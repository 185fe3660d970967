"""Through which endpoint does a supposed request come?"""

from collections.abc import Mapping
from typing import NamedTuple

from keystead.failures import Failure
from keystead.inquiry.view import InstallationView
from keystead.policy.evaluation import NO_KEYS, ContextValue, PolicySource


class Through(NamedTuple):
    """What an endpoint adds to a question."""

    policy: PolicySource | None = None
    keys: Mapping[str, ContextValue] = NO_KEYS


NO_ENDPOINT = Through()


def named_endpoint(installation: InstallationView, name: str) -> Through:
    """What the endpoint with this id adds, and nothing without an id; raises Failure."""
    if not name:
        return NO_ENDPOINT
    entrance = installation.entrances.at(installation.store.read(), name)
    if entrance is None:
        hint = "give an id that `aws ec2 describe-vpc-endpoints` shows"
        raise Failure(f"there is no VPC endpoint `{name}`", hint, status=2)
    over = installation.guardrails.over(entrance.account)
    return Through(entrance.policy, entrance.keys_within(over))
