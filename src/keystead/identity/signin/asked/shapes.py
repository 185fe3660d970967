"""What are the operations of sign-in asked, and what do they answer?

They are ours: AWS publishes none. Their inputs and answers hold secrets, so no record shows them,
and each operation says itself what its record shows (`records`).
"""

from typing import Literal

import msgspec

from keystead.errors import AwsError
from keystead.identity.repository import Stage
from keystead.identity.signin.webauthn import Asserted
from keystead.wire.operation import Operation, Service

SERVICE = Service(
    "signin", "json", "", event_source="signin.amazonaws.com", event_type="AwsConsoleSignIn"
)

Next = Stage | Literal["failed", "away", "no_mfa", "no_role", "administrator"]
"""What follows a step: another step, the session, or one of the ends."""


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """A value that no text shows."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class ConsoleLoginRequest(Secret, frozen=True, kw_only=True):
    """A name and a password, as somebody typed them. `email` is that of a root user."""

    password: str
    email: str = ""
    account: str = ""  # id or alias, of a user
    user_name: str = ""
    local: bool = False  # did the request come from the host itself?  (CO-9)
    known: str = ""  # what this browser was given after a sign-in with this name
    url: str = ""  # of the pages, for the record


class StepRequest(Secret, frozen=True, kw_only=True):
    """The next step of a sign-in that has begun; `cookie` is the proof."""

    cookie: str
    url: str = ""


class CheckMfaRequest(StepRequest, frozen=True, kw_only=True):
    """A code of a device. `serial_number` may be empty if there is one device.

    With the code after it, the clock of the device is found again.
    """

    code: str
    second_code: str = ""
    serial_number: str = ""


class StartPasskeyCheckRequest(StepRequest, frozen=True, kw_only=True):
    """A passkey is to be used: the one with this serial number, or "" for any."""

    serial_number: str = ""


class CheckPasskeyRequest(StepRequest, frozen=True, kw_only=True):
    """The use of a passkey."""

    given: Asserted


class StartPasskeyTouchRequest(Secret, frozen=True, kw_only=True):
    """A passkey is to be used in a session, on the pages at `url`."""

    url: str


class TouchPasskeyRequest(StartPasskeyTouchRequest, frozen=True, kw_only=True):
    """The use of a passkey in a session."""

    given: Asserted


class StartPasskeyRegistrationRequest(Secret, frozen=True, kw_only=True):
    """A passkey of this name is to be made, for the pages at `url`."""

    name: str
    url: str


class EnablePasskeyRequest(StartPasskeyRegistrationRequest, frozen=True, kw_only=True):
    """The passkey that a browser made: base64url; transports are divided by commas."""

    client_data: str
    attestation: str
    transports: str = ""


class PasskeyOptions(Secret, frozen=True, kw_only=True):
    """What a browser is to ask its authenticators, as JSON; bytes in it are base64url."""

    options: str


class EnabledPasskey(msgspec.Struct, frozen=True, kw_only=True):
    """A passkey that was registered."""

    serial_number: str


class UpdatePasswordRequest(StepRequest, frozen=True, kw_only=True):
    """The password that is to be changed, and the new one."""

    old: str
    new: str


class ChangeRootPasswordRequest(Secret, frozen=True, kw_only=True):
    """Root's password, and the new one."""

    old: str
    new: str


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """A path of ours, with its query."""

    path: str


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A second factor that somebody has."""

    serial_number: str
    name: str
    kind: Literal["code", "passkey"]
    used: int  # when it was used last, about
    waits: int = 0  # seconds for which it takes no code
    host: str = ""  # of the pages for which a passkey is


class StepAnswer(Secret, frozen=True, kw_only=True):
    """What follows. `cookie` is the proof for it, "" at an end."""

    next: Next
    cookie: str = ""
    seconds: int = 0  # for which it is good
    known: str = ""  # by which this browser is known to the person from now on
    roles: tuple[str, ...] = ()  # names of those that could not be used, if none could


class PendingAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The step that a sign-in waits for."""

    next: Next
    name: str  # of the person
    account: str
    is_root: bool = False
    devices: tuple[Device, ...] = ()
    rules: tuple[str, ...] = ()  # of a new password
    seconds: int = 0  # that are left


class Acts(msgspec.Struct, frozen=True, kw_only=True):
    """A role in which the person acts."""

    id: str
    account: str
    role: str  # with its path
    name: str
    color: str
    expires: int


class SessionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A session: who, how, and until when. Times are seconds since the epoch."""

    account: str
    alias: str
    arn: str
    name: str  # of a user; the e-mail address of root; the name of a role's session
    is_root: bool
    began: int
    expires: int
    idle: int  # when it ends if nothing is done
    device: str  # ARN of the second factor that was shown, or ""
    mfa: int | None
    role: str = ""  # the name of the role, of a session of one
    provider: str = ""  # ARN of the provider that knows the person from outside
    is_person: bool = True  # itself, and not a role
    actor: str = ""  # the id of the role to which the person switched
    actors: tuple[Acts, ...] = ()  # all of them
    person: str = ""  # the ARN of the person, whose session it is
    may_switch: bool = True  # to a role: neither root nor a federated user may
    is_fresh: bool  # did the person prove itself a short time ago?  Only then it may change its own


class Nothing(msgspec.Struct, frozen=True):
    """No members."""


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """A session is over."""

    issuer: str = ""  # where the broker lives that began it; an https URL


class WrongPassword(AwsError):
    """The password that was to be changed is another one."""

    code = "WrongPassword"
    status = 403

    def __init__(self) -> None:
        super().__init__("The old password is not right.")


class NoPasskeysHere(AwsError):
    """Browsers make no passkeys for pages at an address."""

    code = "NoPasskeysHere"
    status = 400

    def __init__(self) -> None:
        super().__init__(
            "Passkeys need a host name, and these pages are at an IP address. An operator can set"
            " `console_url`, or open them at localhost."
        )


class PasskeyNotAccepted(AwsError):
    """What a browser gave is not a passkey for us; the record says why."""

    code = "PasskeyNotAccepted"
    status = 400

    def __init__(self, why: str) -> None:
        super().__init__(f"The passkey was not accepted. {why.rstrip('.')}. Try again.")


class TooManyTries(AwsError):
    """Somebody tried too often. The answer is the same for names that nobody has."""

    code = "TooManyTries"
    status = 429

    def __init__(self, seconds: int) -> None:
        plural = "" if seconds == 1 else "s"
        super().__init__(f"Too many tries. Try again in {seconds} second{plural}.")
        self.seconds = seconds


class RoleEnded(AwsError):
    """A role to which somebody switched is over, while the session of the person is good."""

    code = "RoleEnded"
    status = 401

    def __init__(self) -> None:
        super().__init__("You act in this role no more.")


class SignInEnded(AwsError):
    """The sign-in or the session is over, or there never was one."""

    code = "SignInEnded"
    status = 401

    def __init__(self) -> None:
        super().__init__("The session has ended.")


CONSOLE_LOGIN: Operation[ConsoleLoginRequest, StepAnswer] = Operation(
    SERVICE, "ConsoleLogin", ConsoleLoginRequest, StepAnswer, signed=False
)
CHECK_MFA: Operation[CheckMfaRequest, StepAnswer] = Operation(
    SERVICE, "ConsoleLoginWithMFA", CheckMfaRequest, StepAnswer, signed=False
)
UPDATE_PASSWORD: Operation[UpdatePasswordRequest, StepAnswer] = Operation(
    SERVICE, "PasswordUpdated", UpdatePasswordRequest, StepAnswer, signed=False
)
DESCRIBE_STEP: Operation[StepRequest, PendingAnswer] = Operation(
    SERVICE, "DescribeSignIn", StepRequest, PendingAnswer, signed=False, read_only=True
)
DESCRIBE_SESSION: Operation[Nothing, SessionAnswer] = Operation(
    SERVICE, "DescribeSession", Nothing, SessionAnswer
)
CHANGE_ROOT_PASSWORD: Operation[ChangeRootPasswordRequest, Nothing] = Operation(
    SERVICE, "ChangeRootPassword", ChangeRootPasswordRequest, Nothing
)
START_PASSKEY_REGISTRATION: Operation[StartPasskeyRegistrationRequest, PasskeyOptions] = Operation(
    SERVICE, "StartPasskeyRegistration", StartPasskeyRegistrationRequest, PasskeyOptions
)
ENABLE_PASSKEY: Operation[EnablePasskeyRequest, EnabledPasskey] = Operation(
    SERVICE, "EnablePasskey", EnablePasskeyRequest, EnabledPasskey
)
START_PASSKEY_CHECK: Operation[StartPasskeyCheckRequest, PasskeyOptions] = Operation(
    SERVICE, "StartPasskeyCheck", StartPasskeyCheckRequest, PasskeyOptions, signed=False
)
START_PASSKEY_TOUCH: Operation[StartPasskeyTouchRequest, PasskeyOptions] = Operation(
    SERVICE, "StartPasskeyTouch", StartPasskeyTouchRequest, PasskeyOptions
)
TOUCH_PASSKEY: Operation[TouchPasskeyRequest, Nothing] = Operation(
    SERVICE, "TouchPasskey", TouchPasskeyRequest, Nothing
)
CHECK_PASSKEY: Operation[CheckPasskeyRequest, StepAnswer] = Operation(
    SERVICE, "CheckPasskey", CheckPasskeyRequest, StepAnswer, signed=False
)
KEEP_DESTINATION: Operation[Destination, StepRequest] = Operation(
    SERVICE, "KeepDestination", Destination, StepRequest, signed=False
)
TAKE_DESTINATION: Operation[StepRequest, Destination] = Operation(
    SERVICE, "TakeDestination", StepRequest, Destination, signed=False
)
END_SESSION: Operation[StepRequest, Ended] = Operation(
    SERVICE, "SessionEnded", StepRequest, Ended, signed=False
)
CONSOLE_LOGOUT: Operation[Nothing, Ended] = Operation(SERVICE, "ConsoleLogout", Nothing, Ended)
