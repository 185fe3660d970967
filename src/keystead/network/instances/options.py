"""Which options may the metadata of an instance have here?"""

from keystead.network.errors import UnsupportedOperation
from keystead.wire.query import InvalidParameterValue

_LEAST_HOPS, _MOST_HOPS = 1, 64


def require_served(tokens: str | None, ipv6: str | None = None) -> None:
    """Refuse what the agent does not serve."""
    if tokens == "optional":
        raise UnsupportedOperation(
            "Version 1 of the instance metadata is not served: HttpTokens must be required."
        )
    if ipv6 == "enabled":
        raise UnsupportedOperation("The instance metadata is not served over IPv6.")


def require_hops(hops: int | None) -> None:
    """Refuse an IP TTL that no answer can have."""
    if hops is not None and not _LEAST_HOPS <= hops <= _MOST_HOPS:
        raise InvalidParameterValue(
            f"Value ({hops}) for parameter HttpPutResponseHopLimit is invalid. The value must be"
            f" between {_LEAST_HOPS} and {_MOST_HOPS}."
        )
