"""Which members of providers are about trusted identity propagation?  There is none of it here."""

from typing import Protocol

from keystead.wire.models import iam as api


class Propagates(Protocol):
    """A request that may ask for it."""

    @property
    def context_provider(self) -> api.ContextProvider | None: ...

    @property
    def identity_center_instance_arn(self) -> str | None: ...


def require_none(request: Propagates) -> None:
    """Refuse what would be ignored otherwise (P-07)."""
    if request.context_provider is not None or request.identity_center_instance_arn is not None:
        raise api.InvalidInputException("Trusted identity propagation is not available.")
