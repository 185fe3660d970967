"""Is this request from the agent of that instance, and new?  (IM-2)

Whoever sends one is a stranger until its signature is verified. All refusals of a stranger have the
same words. Which step failed stands in the record, and in `keystead explain` by the request id.
"""

from datetime import timedelta

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from keystead.audit.records import EventResource
from keystead.errors import AwsError
from keystead.identity.instances.call import INSTANCE_TYPE, InstanceCall, instance_arn
from keystead.identity.repository import Instance
from keystead.times import iso_seconds, microseconds
from keystead.wire.agents import CLOCK_SKEW_SECONDS
from keystead.wire.models import keystead_instances as api


def refused(why: str) -> AwsError:
    """The refusal of what is no proof."""
    return api.AgentRefusedException(
        "The agent is not enrolled for this instance, or the token of enrolment cannot be used.",
        why=why,
    )


def instance(call: InstanceCall, account: str, instance_id: str) -> Instance:
    """The instance with this id, of an account that is open; raises AgentRefusedException."""
    owner = call.repository.accounts.get(call.transaction, account)
    known = call.repository.instances.get(call.transaction, account, instance_id)
    if owner is None or not owner.is_open or known is None:
        raise refused("there is no such instance")
    return known


def require_signed(public_key: bytes, text: bytes, signature: bytes) -> None:
    """Did this key sign the text?  libsodium also refuses keys of small order."""
    try:
        VerifyKey(public_key).verify(text, signature)
    except BadSignatureError:
        raise refused("the signature is not that of the agent's key") from None


def require_fresh(call: InstanceCall, sequence: int) -> None:
    """Is the agent's clock as ours, within some minutes?  Only an agent learns the difference."""
    now = microseconds(call.now)
    if abs(sequence - now) > timedelta(seconds=CLOCK_SKEW_SECONDS) / timedelta(microseconds=1):
        raise api.StaleRequestException(
            "The clock of the agent differs from the server's by more than"
            f" {CLOCK_SKEW_SECONDS // 60} minutes. The server's time is {iso_seconds(call.now)}."
        )


def require_later(sequence: int, last: int) -> None:
    """Was the request made after the agent's last one?

    A clock that went back is no reason for an agent to give up: it keeps what it holds. Whoever
    sends a request again learns only that its agent is still one.
    """
    if sequence <= last:
        raise api.StaleRequestException(
            "The agent has sent a later request: its clock went back, or this one was sent before."
        )


def note(call: InstanceCall, known: Instance) -> None:
    """Name the instance in the record of its agent's request."""
    arn = instance_arn(known.region, known.account, known.instance_id)
    call.event.resources.append(EventResource(known.account, INSTANCE_TYPE, arn))
