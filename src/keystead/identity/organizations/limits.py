"""How many of each may there be?  Organizations' quotas (iam.md 1.12), each with its refusal."""

from keystead.wire.models import organizations as api

UNITS = 2_000
UNIT_DEPTH = 5  # below the root


def exceeded(reason: str, sentence: str) -> api.ConstraintViolationException:
    """The refusal of a request beyond a quota."""
    return api.ConstraintViolationException(sentence, reason=reason)
