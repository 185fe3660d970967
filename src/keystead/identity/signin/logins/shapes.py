"""What are the operations of sessions for the command line asked, and what do they answer?

CreateOAuth2Token is AWS's, with the names of its model. The others are ours, but for the name of
AuthorizeOAuth2Access.
"""

from typing import ClassVar, Literal

import msgspec

from keystead.errors import AwsError
from keystead.identity.repository import Client
from keystead.identity.signin.asked import SERVICE, Nothing
from keystead.identity.signin.logins.requests import Authorization
from keystead.wire.operation import Operation, Service

TOKENS = Service("signin", "rest-json", "2023-01-01", event_source="signin.amazonaws.com")
"""The service as programs see it: `/v1/token` and `/v1/revoke`."""

Reason = Literal[
    "TOKEN_EXPIRED", "AUTHCODE_EXPIRED", "USER_CREDENTIALS_CHANGED", "INSUFFICIENT_PERMISSIONS",
    "INVALID_REQUEST", "rate_exceeded", "server_error",
]  # fmt: skip
_STATUS: dict[str, int] = {
    "TOKEN_EXPIRED": 401, "AUTHCODE_EXPIRED": 401, "USER_CREDENTIALS_CHANGED": 403,
    "INSUFFICIENT_PERMISSIONS": 403,
}  # fmt: skip


class _Secret(msgspec.Struct, frozen=True, kw_only=True):
    """A value that no text shows."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class AuthorizeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A person allows what a client asks for, for so many hours."""

    asked: Authorization
    hours: int


class AuthorizeAnswer(_Secret, frozen=True, kw_only=True):
    """The code, and for how long it can be used."""

    code: str
    seconds: int


class TokenRequest(_Secret, frozen=True, kw_only=True):
    """A code with its verifier, or a refresh token; `proof` is the header `DPoP`."""

    client_id: str
    grant_type: str
    proof: str
    code: str = ""
    redirect_uri: str = ""
    code_verifier: str = ""
    refresh_token: str = ""


class TokenResult(_Secret, frozen=True, kw_only=True):
    """Credentials, or a refusal."""


class TokenAnswer(TokenResult, frozen=True, kw_only=True):
    """Credentials for a quarter of an hour, and the token for the next ones."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expires_in: int
    refresh_token: str
    id_token: str = ""  # with a code alone


class TokenRefused(TokenResult, frozen=True, kw_only=True):
    """A refusal after which something stays changed: an error would undo that."""

    error: Reason
    message: str

    @property
    def status(self) -> int:
        return _STATUS[self.error]


class RevokeRequest(_Secret, frozen=True, kw_only=True):
    """The refresh token of the session that is to end (RFC 7009)."""

    client_id: str
    token: str
    proof: str


class LoginShown(msgspec.Struct, frozen=True, kw_only=True):
    """A session for the command line. Times are seconds since the epoch."""

    login_id: str
    client: Client
    role: str  # in which it acts; "" for the person itself
    source_ip: str
    agent: str
    began: int
    used: int
    expires: int


class LoginList(msgspec.Struct, frozen=True, kw_only=True):
    """The sessions of the caller, the newest first."""

    logins: tuple[LoginShown, ...]


class EndLoginRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One of them is to end."""

    login_id: str


class OAuthError(AwsError):
    """An error of `/v1/token`, with the `error` of AWS's model."""

    error: ClassVar[Reason] = "INVALID_REQUEST"


class InvalidRequest(OAuthError):
    """The request, its proof or its code is not right."""

    code = "ValidationException"


class NotGiven(OAuthError):
    """The code or the token gives nothing, or no more."""

    code = "AccessDeniedException"

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason_given = reason
        self.status_given = _STATUS[reason]


class CrossDeviceOff(AwsError):
    """The installation lets nobody sign in on another device."""

    code = "CrossDeviceOff"
    status = 403

    def __init__(self) -> None:
        super().__init__("Signing in for another device is switched off here.")


class FreshFactorNeeded(AwsError):
    """To sign in on another device needs a second factor that was shown a short time ago."""

    code = "FreshFactorNeeded"
    status = 403

    def __init__(self) -> None:
        super().__init__("This needs a second factor that was shown in the last 15 minutes.")


AUTHORIZE: Operation[AuthorizeRequest, AuthorizeAnswer] = Operation(
    SERVICE, "AuthorizeOAuth2Access", AuthorizeRequest, AuthorizeAnswer
)
LIST_LOGINS: Operation[Nothing, LoginList] = Operation(
    SERVICE, "ListCommandLineSessions", Nothing, LoginList, read_only=True
)
END_LOGIN: Operation[EndLoginRequest, Nothing] = Operation(
    SERVICE, "EndCommandLineSession", EndLoginRequest, Nothing
)
CREATE_TOKEN: Operation[TokenRequest, TokenResult] = Operation(
    TOKENS, "CreateOAuth2Token", TokenRequest, TokenResult, signed=False
)
REVOKE_TOKEN: Operation[RevokeRequest, Nothing] = Operation(
    TOKENS, "RevokeOAuth2Token", RevokeRequest, Nothing, signed=False
)
