"""How many of each may there be?  Organizations' quotas (iam.md 1.12), each with its refusal."""

from keystead.wire.models import organizations as api

UNITS = 2_000
POLICIES = {"SERVICE_CONTROL_POLICY": 10_000, "RESOURCE_CONTROL_POLICY": 1_000}
INVITATIONS = 20  # in 24 hours; those that were accepted do not count
ATTACHED = 5  # policies of a type at one target, the default one included


def exceeded(reason: str, sentence: str) -> api.ConstraintViolationException:
    """The refusal of a request beyond a quota."""
    return api.ConstraintViolationException(sentence, reason=reason)
