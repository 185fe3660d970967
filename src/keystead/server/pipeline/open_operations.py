"""Which operations are open without a signature?  An explicit list (threat-model AU-1).

| operation | its proof | longest body |
| --- | --- | --- |
| sts:AssumeRoleWithWebIdentity | a token of a provider of the role's account | 64 KiB |

The headers of a signature are not read: such a request has one proof, and it is in the body. Each
operation asks whether the proof holds before it asks anything else. Work for such callers takes the
turn of the network that they come from (`owners`).
"""

from collections.abc import Mapping
from typing import Any

from keystead.errors import RequestTooLarge
from keystead.server.pipeline.bodies import too_long
from keystead.wire.operation import Operation

OPEN: Mapping[tuple[str, str], int] = {("sts", "AssumeRoleWithWebIdentity"): 64 * 1024}
"""The most bytes of a body, by service and operation."""


def require_open(operation: Operation[Any, Any], body: bytes) -> None:
    """Refuse a body that is longer than those of this operation; raises for one not in the list."""
    most = OPEN.get((operation.service.name, operation.name))
    if most is None:
        raise RuntimeError(f"{operation.name} is not open without a signature")
    if len(body) > most:
        raise RequestTooLarge(too_long(most))
