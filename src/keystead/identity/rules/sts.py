"""The rows of the STS operations, in the order of their names."""

from keystead.rules import Rules, table
from keystead.wire.models import sts as api

STS = table(
    Rules(api.DecodeAuthorizationMessage),
    Rules(api.GetAccessKeyInfo),
    Rules(api.GetCallerIdentity, asks=()),
)
