"""Was a second factor shown with this call?  (iam.md 2.10)

Only a user has devices that count here: neither root nor a role can show one. A code counts once,
and the second run of the operation hears whether it did (`factors.codes`).
"""

from dataclasses import dataclass

from keystead.identity.call import StsCall
from keystead.identity.factors import codes
from keystead.identity.repository import MfaDevice
from keystead.identity.sessions import RowKind, SessionRow
from keystead.policy.evaluation import AccessDenied, ContextValue, PrincipalType
from keystead.work import Work

_FAILED = "MultiFactorAuthentication failed"


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """The second factor of a call: a device of the caller, or none."""

    device: MfaDevice | None = None

    @property
    def rows(self) -> tuple[SessionRow, ...]:
        """What a session depends on that tells of this factor: it ends with the device (P-02)."""
        device = self.device
        if device is None or device.enabling is None:
            return ()
        return (SessionRow(RowKind.MFA_DEVICE, device.account, device.enabling),)

    @property
    def keys(self) -> dict[str, ContextValue]:
        """The condition keys of a call that showed one; without it those of the session hold."""
        if self.device is None:
            return {}
        return {"aws:multifactorauthpresent": "true", "aws:multifactorauthage": "0"}


def shown(call: StsCall, serial_number: str | None, code: str | None) -> SecondFactor | Work[bool]:
    """The second factor that was shown; refuses a wrong one. In the first run the work for it."""
    if serial_number is None and code is None:
        return SecondFactor()
    if serial_number is None or code is None:
        text = f"{_FAILED}, must provide both MFA serial number and one time pass code."
        raise AccessDenied(None, text)
    device = _device(call, serial_number)
    if device is None:  # AWS's two blanks
        raise AccessDenied(
            None,
            f"{_FAILED}, unable to validate MFA code.  Please verify your MFA serial number is"
            " valid and associated with this user.",
        )
    right = codes.counted(call, device, (code,))
    if isinstance(right, Work):
        return right
    if not right:
        raise AccessDenied(None, f"{_FAILED} with invalid MFA one time pass code.")
    return SecondFactor(device)


def _device(call: StsCall, serial_number: str) -> MfaDevice | None:
    """The enabled device of the calling user with this serial number."""
    if call.principal.type is not PrincipalType.USER:
        return None
    devices = call.repository.mfa_devices
    own = devices.of_owner(call.transaction, call.account, call.principal.unique_id)
    return next((device for device in own if device.arn == serial_number), None)
