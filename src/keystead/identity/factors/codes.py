"""Does a one-time code of this device count?  Once, whatever follows (threat-model CO-7).

What the device remembers is written in the first run of an operation, and that turn is durable
before anybody learns whether the code was right (decision 0021). The second run only hears it. So
neither a refusal that follows nor a client that leaves gives a code back, or an attempt.
"""

from collections.abc import Sequence

from keystead.custody.proofs import NEAR
from keystead.identity.call import IamCall, SigninCall, StsCall
from keystead.identity.repository import MfaDevice
from keystead.work import PROCESSOR, MadeWith, Work

_SECONDS = 1e-5


def counted(
    call: IamCall | StsCall | SigninCall,
    device: MfaDevice,
    codes: Sequence[str],
    reach: int = NEAR,
    turn: str = "",
) -> bool | Work[bool]:
    """Do these codes count?  In the first run the work after which it is told.

    `codes` are of consecutive steps, `reach` is that of `OneTimeCodes.judged`, and `turn` that of
    `Work`.
    """
    made_with = MadeWith(device.device_id, device.enabling or "")
    done = call.done(Work(PROCESSOR, _SECONDS, made_with, _told, (False,)))
    if done is not None:
        return done.value
    devices = call.repository.mfa_devices
    state = devices.memory(call.transaction, device)
    new, right = call.one_time_codes.judged(state, devices.seed(device), codes, call.now, reach)
    if new != state:
        devices.remember(call.transaction, device, new)
    return Work(PROCESSOR, _SECONDS, made_with, _told, (right,), turn=turn)


def _told(right: bool) -> bool:
    return right
