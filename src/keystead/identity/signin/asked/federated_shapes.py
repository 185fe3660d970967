"""What are the operations of sign-in by a provider asked, and what do they answer?

start -> the provider -> its answer -> the browser that began -> a session, or a choice of roles
"""

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from keystead.errors import AwsError
from keystead.identity.signin.asked.shapes import SERVICE, Secret, StepAnswer
from keystead.wire.operation import Operation

NOT_ACCEPTED = "Your organization's sign-in was not accepted here."


class StartRequest(Secret, frozen=True, kw_only=True):
    """Somebody wants to sign in by this provider, with a browser that has this cookie."""

    provider_id: str
    browser: str = ""
    url: str = ""  # of the pages


class StartAnswer(Secret, frozen=True, kw_only=True):
    """Where the browser goes, with these fields of a form; without any it is a redirect."""

    place: str
    browser: str  # the cookie of the browser from now on
    fields: tuple[tuple[str, str], ...] = ()


class SamlResponseRequest(Secret, frozen=True, kw_only=True):
    """What a provider let a browser post."""

    response: str
    relay_state: str = ""
    provider_id: str = ""  # in the path, if there
    url: str = ""


class TakenAnswer(Secret, frozen=True, kw_only=True):
    """The provider's answer is taken: with this handle the browser goes on, if it is the one.

    `browser` is the cookie of one that began at the provider; "": it has one.
    """

    handle: str
    browser: str = ""


class ArrivalRequest(Secret, frozen=True, kw_only=True):
    """A browser goes on. `clicked`: its person has seen a page that says as whom."""

    handle: str
    browser: str
    clicked: bool = False
    url: str = ""


class OidcCodeRequest(Secret, frozen=True, kw_only=True):
    """With what a provider sent a browser back; `provider_id` is that of its redirect URI."""

    provider_id: str
    state: str
    browser: str
    code: str = ""
    iss: str = ""  # who answers, as it says
    error: str = ""
    url: str = ""


class ArrivalAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Who comes, and did the person begin here?"""

    name: str
    provider: str  # ARN
    solicited: bool


class NotVouchedFor(AwsError):
    """A sign-in by a provider that failed: its record says so, and its page has the request id."""

    answered: ClassVar[Mapping[str, str]] = {"ConsoleLogin": "Failure"}

    def __init__(self, message: str, why: str) -> None:
        super().__init__(message, why=why)
        self.request_id = ""  # by which an administrator finds the reason


class FederationRefused(NotVouchedFor):
    """Nobody vouches for the person: not now, or not here. One text (sign-in.md 4.1)."""

    code = "FederationRefused"
    status = 403

    def __init__(self, why: str) -> None:
        super().__init__(NOT_ACCEPTED, why)


class ProviderSilent(NotVouchedFor):
    """The provider cannot be asked now."""

    code = "ProviderSilent"
    status = 503

    def __init__(self, why: str) -> None:
        super().__init__("Sign-in with your organization is not available now.", why)


START_SAML: Operation[StartRequest, StartAnswer] = Operation(
    SERVICE, "StartSamlSignIn", StartRequest, StartAnswer, signed=False
)
TAKE_SAML_RESPONSE: Operation[SamlResponseRequest, TakenAnswer] = Operation(
    SERVICE, "TakeSamlResponse", SamlResponseRequest, TakenAnswer, signed=False
)
DESCRIBE_ARRIVAL: Operation[ArrivalRequest, ArrivalAnswer] = Operation(
    SERVICE, "DescribeArrival", ArrivalRequest, ArrivalAnswer, signed=False, read_only=True
)
CONTINUE: Operation[ArrivalRequest, StepAnswer] = Operation(
    SERVICE, "ContinueSignIn", ArrivalRequest, StepAnswer, signed=False
)
START_OIDC: Operation[StartRequest, StartAnswer] = Operation(
    SERVICE, "StartOidcSignIn", StartRequest, StartAnswer, signed=False
)
TAKE_OIDC_CODE: Operation[OidcCodeRequest, StepAnswer] = Operation(
    SERVICE, "TakeOidcCode", OidcCodeRequest, StepAnswer, signed=False
)
