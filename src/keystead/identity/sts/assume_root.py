"""AssumeRoot: a session of a member account's root user, for one task (iam.md 1.10, 2.8).

(1) A task of AWS's list, in a Region of ours. (2) The root user of the account, as far as the
caller's account may act for it (`permissions/root_access`). (3) May the caller?  (4) Credentials,
whose task policy bounds everything that root could do.

An account that the caller's account may not act for is refused as one that trusts nobody: no caller
learns which accounts exist.
"""

from keystead.arns import Arn, NotAnArn, is_account_id, spoken
from keystead.call import Resource, Target
from keystead.errors import ValidationException
from keystead.identity import managed_policies, times
from keystead.identity.call import StsCall
from keystead.identity.names import root_arn
from keystead.identity.permissions import root_access
from keystead.identity.sessions import (
    PassedPolicy,
    RowKind,
    Session,
    SessionKind,
    SessionRow,
    issue,
    passed_on,
)
from keystead.identity.sts import answers, durations
from keystead.registry import implements
from keystead.wire.models import sts as api


@implements(api.AssumeRoot)
def assume_root(call: StsCall, request: api.AssumeRootRequest) -> api.AssumeRootResponse:
    task = _task(request.task_policy_arn.arn or "")  # (1)
    if call.region not in call.regions:
        raise api.RegionDisabledException(
            "AssumeRoot is not supported by the global endpoint. Send the request to a Regional"
            " endpoint."
        )
    target = _target(call, _account(request.target_principal), task)  # (2)
    arn = root_access.task_arn(task)
    permit = call.authorize("sts:AssumeRoot", target, {"sts:taskpolicyarn": arn})  # (3)
    if not isinstance(target, root_access.AssumableRoot):
        raise TypeError(f"a root user that trusts nobody may be assumed: {target.arn_text}")
    issued, account = times.stored(call.now), target.account
    session = Session(
        kind=SessionKind.ROOT_TASK,
        account=account,
        rows=(
            SessionRow(RowKind.ROOT, account, account),
            SessionRow(RowKind.ROOT_FEATURE, account, target.enabling),
            SessionRow(RowKind.ROOT_ADMINISTRATOR, call.account, target.organization),
            *passed_on(call.session),
        ),
        issued=issued,
        expires=issued + durations.of_root_task(request.duration_seconds),
        layers=((_bounding(arn),),),
        source_identity=call.session.source_identity if call.session is not None else "",
    )
    least = request.minimum_session_token_size
    credentials = issue(call.session_tokens, permit, session, call.now, least)  # (4)
    return api.AssumeRootResponse(
        credentials=answers.credentials(credentials),
        source_identity=session.source_identity or None,
        **answers.of_size(credentials),
    )


def _task(arn: str) -> str:
    """The name of the task policy with this ARN; the list is AWS's, and fixed."""
    for task in root_access.TASKS:
        if arn == root_access.task_arn(task):
            return task
    raise ValidationException(f"{arn} is not a task policy of AssumeRoot")


def _account(text: str) -> str:
    """The account that is meant, by its number or by the ARN of its root user."""
    if is_account_id(text):
        return text
    try:
        arn = Arn.parse(text)
    except NotAnArn:
        raise ValidationException(f"{text} is invalid") from None
    if (
        not is_account_id(arn.account)
        or arn.partition != spoken().name
        or text != root_arn(arn.account)
    ):
        raise ValidationException(f"{text} is invalid")
    return arn.account


def _target(call: StsCall, account: str, task: str) -> Resource:
    """The root user of this account; or its ARN alone, with nobody's trust."""
    root = root_access.assumable(call.repository, call.transaction, account, task, by=call.account)
    return root or Target(root_arn(account), account, resource_policy_required=True)


def _bounding(arn: str) -> PassedPolicy:
    """The task policy as the policy of the session."""
    policy = managed_policies.with_arn(arn)
    if policy is None:
        raise RuntimeError(f"there is no task policy {arn}")
    return PassedPolicy(arn=arn, policy_id=policy.policy_id)
