"""What is AWS's federation endpoint asked, and what does it answer?  (sign-in.md 4.10)"""

import msgspec

from keystead.identity.signin.asked.shapes import SERVICE, StepAnswer
from keystead.wire.operation import Operation


class _Secret(msgspec.Struct, frozen=True, kw_only=True):
    """A value that no text shows."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class GetSigninTokenRequest(_Secret, frozen=True, kw_only=True):
    """Temporary credentials, and how long the session on the pages shall be."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    duration: int | None = None  # seconds; None: as long as the credentials
    url: str = ""  # of the pages, for the record


class SigninToken(_Secret, frozen=True, kw_only=True):
    """A token for one login."""

    token: str


class TokenRequest(_Secret, frozen=True, kw_only=True):
    """A token that a browser brings."""

    token: str


class BrokerLoginRequest(TokenRequest, frozen=True, kw_only=True):
    """A login with a token; `issuer` is where the broker lives, "" if it is no https URL."""

    issuer: str = ""
    url: str = ""


class TokenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Whose token it is."""

    name: str  # "role/session"
    account: str
    arn: str


GET_SIGNIN_TOKEN: Operation[GetSigninTokenRequest, SigninToken] = Operation(
    SERVICE, "GetSigninToken", GetSigninTokenRequest, SigninToken, signed=False
)
DESCRIBE_SIGNIN_TOKEN: Operation[TokenRequest, TokenAnswer] = Operation(
    SERVICE, "DescribeSigninToken", TokenRequest, TokenAnswer, signed=False, read_only=True
)
BROKER_LOGIN: Operation[BrokerLoginRequest, StepAnswer] = Operation(
    SERVICE, "LoginWithSigninToken", BrokerLoginRequest, StepAnswer, signed=False
)
