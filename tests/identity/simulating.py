"""Simulations in a few words: one row, one entry of the context, who decided."""

from typing import Any

from keystead.wire.models import iam as api
from tests.identity.world import Person, Tenant, document

BUCKET = "arn:aws:s3:::bucket"
BOB = "arn:aws:iam::111122223333:user/bob"


def simulate(who: Person, *policies: str, actions: Any = "s3:GetObject", **members: Any) -> Any:
    """The rows of SimulateCustomPolicy."""
    names = [actions] if isinstance(actions, str) else actions
    answer = who(
        api.SimulateCustomPolicy, policy_input_list=list(policies), action_names=names, **members
    )
    return answer.evaluation_results


def simulate_one(who: Person, *policies: str, **members: Any) -> api.EvaluationResult:
    (row,) = simulate(who, *policies, **members)
    assert isinstance(row, api.EvaluationResult)
    return row


def simulate_source(who: Person, arn: str, action: str, **members: Any) -> api.EvaluationResult:
    """The row of SimulatePrincipalPolicy for one action."""
    answer = who(
        api.SimulatePrincipalPolicy, policy_source_arn=arn, action_names=[action], **members
    )
    (row,) = answer.evaluation_results or []
    return row


def entry(name: str | None, *values: str, kind: Any = "string") -> api.ContextEntry:
    return api.ContextEntry(
        context_key_name=name, context_key_values=list(values), context_key_type=kind
    )


def matched(row: Any) -> list[tuple[str, str]]:
    return [(one.source_policy_id, one.source_policy_type) for one in row.matched_statements]


def arn(tenant: Tenant, name: str) -> str:
    return f"arn:aws:iam::{tenant.id}:{name}"


def bucket_policy(effect: str = "Allow", who: str = BOB, resource: str = f"{BUCKET}/*") -> str:
    return document(
        {"Effect": effect, "Principal": {"AWS": who}, "Action": "s3:*", "Resource": resource}
    )
