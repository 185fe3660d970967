r"""Which bytes does the agent of an instance sign?  Both ends of its requests agree on them here.

    "keystead-agent-1" \n operation \n member \n member …

No member has a line break, so no two requests have the same text. The sequence is the time of the
agent's clock in microseconds, and each is greater than the one before: so nothing that an agent
signed is taken twice. The key is one of Ed25519 (RFC 8032).
"""

from base64 import b64encode

from keystead.wire.models import keystead_instances as api

_VERSION = "keystead-agent-1"
CLOCK_SKEW_SECONDS = 300
"""So much may the clocks of agent and server differ."""


def enrolment_text(token: str, public_key: bytes, sequence: int) -> bytes:
    """What an agent signs to enrol with this token: that it has the key."""
    return _text("EnrolAgent", token, b64encode(public_key).decode(), sequence)


def credentials_text(request: api.GetInstanceCredentialsRequest) -> bytes:
    """What an agent signs to ask for credentials; its signature does not matter."""
    return _text(
        "GetInstanceCredentials", request.account_id, request.instance_id, request.sequence,
        request.known or "", "renew" if request.renew else "", request.duration_seconds or 0,
    )  # fmt: skip


def _text(*parts: str | int) -> bytes:
    return "\n".join([_VERSION, *map(str, parts)]).encode()
