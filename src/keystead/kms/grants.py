"""Which grants does a request bring?

A grant token only finds a grant, and has no power of its own (threat-model GR-3). No operation of
this version makes grants, so no token is ours.
"""

from collections.abc import Sequence

from keystead.wire.models import kms as api


def require_known(tokens: Sequence[str] | None) -> None:
    """Refuse tokens that do not stand for a grant."""
    if tokens:
        raise api.InvalidGrantTokenException("The grant token is not valid.")
