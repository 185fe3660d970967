"""Sessions of the caller's own: GetSessionToken and GetFederationToken.

The rows of the operations decide first which credentials may ask for them: those of a user and of
root, and not those of a session.
"""

from keystead import tags as tag_rule
from keystead.arns import sts_arn
from keystead.call import Target
from keystead.identity import times
from keystead.identity.call import StsCall
from keystead.identity.sessions import (
    RowKind,
    Session,
    SessionKind,
    SessionRow,
    issue,
)
from keystead.identity.sts import answers, durations, mfa, session_policies, session_tags
from keystead.policy.evaluation import PrincipalType
from keystead.registry import implements, implements_with_work
from keystead.wire.models import sts as api
from keystead.work import Work


@implements_with_work(api.GetSessionToken)
def get_session_token(
    call: StsCall, request: api.GetSessionTokenRequest
) -> api.GetSessionTokenResponse | Work[bool]:
    # Policies do not apply (iam.md 2.7): a caller with the long-term key may have this too.
    permit = call.authorize_any("sts:GetSessionToken")
    factor = mfa.shown(call, request.serial_number, request.token_code)
    if isinstance(factor, Work):
        return factor
    issued = times.stored(call.now)
    seconds = durations.of_own_session(request.duration_seconds, call.principal.type)
    session = Session(
        kind=SessionKind.USER,
        account=call.account,
        rows=(_own_row(call), *factor.rows),
        issued=issued,
        expires=issued + seconds,
        mfa=issued if factor.device else None,
    )
    credentials = issue(
        call.session_tokens, permit, session, call.now, request.minimum_session_token_size
    )
    return api.GetSessionTokenResponse(
        credentials=answers.credentials(credentials), **answers.of_size(credentials)
    )


@implements(api.GetFederationToken)
def get_federation_token(
    call: StsCall, request: api.GetFederationTokenRequest
) -> api.GetFederationTokenResponse:
    tags = session_tags.requested(request.tags)
    arn = sts_arn(call.account, f"federated-user/{request.name}")
    federated = Target(arn, call.account)
    keys = tag_rule.request_keys({tag.key: tag.value for tag in tags})
    permit = call.authorize("sts:GetFederationToken", federated, keys)
    if tags:
        call.authorize("sts:TagSession", federated, keys)
    policies = session_policies.passed_policies(
        call, call.account, request.policy, request.policy_arns
    )
    packed = session_policies.packed_size(policies, tags)
    issued = times.stored(call.now)
    seconds = durations.of_own_session(request.duration_seconds, call.principal.type)
    session = Session(
        kind=SessionKind.FEDERATION,
        account=call.account,
        rows=(_own_row(call),),
        issued=issued,
        expires=issued + seconds,
        name=request.name,
        layers=(policies,) if policies else (),
        tags=tags,
    )
    credentials = issue(
        call.session_tokens, permit, session, call.now, request.minimum_session_token_size
    )
    return api.GetFederationTokenResponse(
        credentials=answers.credentials(credentials),
        federated_user=api.FederatedUser(
            federated_user_id=f"{call.account}:{request.name}", arn=arn
        ),
        packed_policy_size=packed,
        **answers.of_size(credentials),
    )


def _own_row(call: StsCall) -> SessionRow:
    """The row that the caller's permissions come from: a user, or the account of root."""
    principal = call.principal
    if principal.type is PrincipalType.ACCOUNT:
        return SessionRow(RowKind.ROOT, principal.account, principal.account)
    if principal.type is not PrincipalType.USER:
        raise RuntimeError(f"{principal.arn} asks for a session of its own")
    return SessionRow(RowKind.USER, principal.account, principal.unique_id)
