"""How is the agent enrolled?  With a token that somebody minted who may pass the instance's role.

The key is made here before the token is spent. If the answer is lost, the same command sends the
same token with the same key, and the server knows them.
"""

from hashlib import sha256

from keystead.agent.holding import Clock
from keystead.agent.server import Refused, Server, Unreachable
from keystead.agent.state import Enrolment, State
from keystead.failures import Failure
from keystead.times import microseconds
from keystead.wire.agents import enrolment_text
from keystead.wire.models import keystead_instances as api


def enrol(state: State, server: Server, ca_file: str, token: str, clock: Clock) -> Enrolment:
    """Enrol this host for the instance that the token names; raises Failure."""
    key = state.begin_enrolling(sha256(token.encode()).hexdigest())
    public_key, sequence = bytes(key.verify_key), microseconds(clock())
    text = enrolment_text(token, public_key, sequence)
    try:
        answer = server.call(
            api.EnrolAgent,
            api.EnrolAgentRequest(
                enrolment_token=token, public_key=public_key, sequence=sequence,
                signature=key.sign(text).signature,
            ),
        )  # fmt: skip
    except Unreachable as error:
        raise Failure(str(error), "try again with the same token, within its 15 minutes") from None
    except Refused as error:
        raise Failure(
            f"the server refuses to enrol this host: {error.message}",
            "mint another token: `keystead instance enrolment-token`",
            status=1,
        ) from None
    enrolment = Enrolment(server.url, answer.account_id, answer.instance_id, answer.region, ca_file)
    state.enrolled(enrolment, key)
    return enrolment
