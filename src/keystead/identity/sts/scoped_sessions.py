"""GetScopedCredentials: the calling session, with fewer permissions or a nearer end (iam.md 1.10).

Everything else stays as it is: the principal, the rows that must exist, the time of issue, the
second factor, the tags and the source identity (ST-4). So a policy against older sessions, or
against sessions without a second factor, binds the new credentials as it binds the old ones.
"""

import msgspec

from keystead.errors import ValidationException
from keystead.identity import times
from keystead.identity.call import StsCall
from keystead.identity.sessions import PassedPolicy, Session, issue
from keystead.identity.sts import answers, durations, session_policies
from keystead.policy.evaluation import AccessDenied
from keystead.registry import implements
from keystead.wire.models import sts as api

MOST_LAYERS = 3


@implements(api.GetScopedCredentials)
def get_scoped_credentials(
    call: StsCall, request: api.GetScopedCredentialsRequest
) -> api.GetScopedCredentialsResponse:
    permit = call.authorize_any("sts:GetScopedCredentials")
    session = call.session
    if session is None:
        raise RuntimeError("the row of GetScopedCredentials takes sessions only")
    if request.policy is None and request.duration_seconds is None:
        raise ValidationException("At least one of Policy and DurationSeconds must be specified.")
    now = times.stored(call.now)
    seconds = durations.of_scoped_session(request.duration_seconds, session.expires - now)
    scoped = msgspec.structs.replace(
        session,
        expires=now + seconds,
        scope_down=_layers(call, session, request.policy),
        extendable=False,
    )
    least = request.minimum_session_token_size
    credentials = issue(call.session_tokens, permit, scoped, call.now, least)
    return api.GetScopedCredentialsResponse(
        credentials=answers.credentials(credentials),
        session_info=api.ScopedSession(
            scoped_session_id=call.principal.user_id, arn=call.principal.arn
        ),
        scoped_policies_count=len(scoped.scope_down),
        source_identity=session.source_identity or None,
        **answers.of_size(credentials),
    )


def _layers(call: StsCall, session: Session, policy: str | None) -> tuple[PassedPolicy, ...]:
    """The scope-down policies of the session, and the new one behind them."""
    if policy is None:
        return session.scope_down
    if len(session.scope_down) >= MOST_LAYERS:
        raise AccessDenied(
            None,
            f"User: {call.principal.arn} is not authorized to perform: sts:GetScopedCredentials"
            f" with a Policy because the session has {MOST_LAYERS} scope-down policies already",
        )
    return (*session.scope_down, session_policies.inline_policy(call, policy))
