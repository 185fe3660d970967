"""Was a second factor shown?  (iam.md 2.10)

There are no devices yet, so a code in a request is that of a device which does not exist.
"""

from keystead.policy.evaluation import AccessDenied

_FAILED = "MultiFactorAuthentication failed,"


def require_none(serial_number: str | None, code: str | None) -> None:
    """Refuse any serial number or code, as AWS does for an unknown device. None is needed."""
    if serial_number is None and code is None:
        return
    if serial_number is None or code is None:
        text = f"{_FAILED} must provide both MFA serial number and one time pass code."
        raise AccessDenied(None, text)
    # AWS's two blanks.
    raise AccessDenied(
        None,
        f"{_FAILED} unable to validate MFA code.  Please verify your MFA serial number is valid and"
        " associated with this user.",
    )
