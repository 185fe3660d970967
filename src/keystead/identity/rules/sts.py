"""The rows of the STS operations, in the order of their names."""

from keystead.rules import EVERY_KIND, Rules, table
from keystead.wire.models import sts as api

STS = table(
    Rules(api.DecodeAuthorizationMessage),
    Rules(api.GetAccessKeyInfo),
    Rules(api.GetCallerIdentity, asks=(), credentials=EVERY_KIND),
    Rules(
        api.GetFederationToken,
        asks=("sts:GetFederationToken", "sts:TagSession"),
        answer_recorded=True,
    ),
    Rules(api.GetSessionToken, answer_recorded=True),
)
