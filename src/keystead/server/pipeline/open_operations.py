"""Which operations are open without a signature?  An explicit list (threat-model AU-1).

| operation | its proof | longest body | calls a second |
| --- | --- | --- | --- |
| sts:AssumeRoleWithSAML | an assertion of a provider of the role's account | 160 KiB | 50 |
| sts:AssumeRoleWithWebIdentity | a token of a provider of the role's account | 64 KiB | 200 |
| keystead-instances:EnrolAgent | a token of enrolment, and the agent's key | 4 KiB | 20 |
| keystead-instances:GetInstanceCredentials | the agent's key | 4 KiB | 200 |
| rolesanywhere:CreateSession | a signature by the key of a certificate | 8 KiB | 50 |

If there is a console, on both kinds of listeners:

| operation | its proof | longest body | calls a second |
| --- | --- | --- | --- |
| signin:CreateOAuth2Token | a code or a refresh token, and the key of the program | 8 KiB | 50 |
| signin:RevokeOAuth2Token | a refresh token, and the key of the program | 8 KiB | 20 |

On the listener of the console alone, with the same rule:

| operation | its proof | calls a second |
| --- | --- | --- |
| signin:ConsoleLogin | a password | 10 |
| signin:ConsoleLoginWithMFA | the cookie of the step before, and a code | 10 |
| signin:StartPasskeyCheck | the cookie of the step before | 10 |
| signin:CheckPasskey | the cookie of the step before, and the use of a passkey | 10 |
| signin:PasswordUpdated | the cookie of the step before, and the old password | 10 |
| signin:DescribeSignIn | the cookie of the step | 50 |
| signin:StartSamlSignIn, StartOidcSignIn | none: it begins one | 10 |
| signin:TakeSamlResponse | an assertion of a provider | 20 |
| signin:TakeOidcCode | the cookie of the browser that began, and a code of its provider | 20 |
| signin:DescribeArrival, ContinueSignIn | the same cookie, and a handle of what was proved | 50 |
| signin:DirectoryLogin | a password of a directory | 10 |
| signin:DescribeRoles, signin:ChooseRole | the cookie of the role chooser | 10 |
| signin:KeepDestination, signin:TakeDestination | none: a path of ours, and its cookie | 10 |
| signin:GetSigninToken | temporary credentials | 50 |
| signin:DescribeSigninToken, signin:LoginWithSigninToken | a token of GetSigninToken | 10 |
| signin:SessionEnded | the cookie of a session that was | 10 |

The headers of a signature are not read: such a request has one proof, and it is in the body. Of
CreateSession alone the proof is in the headers. Each operation asks whether the proof holds before
it asks anything else. A stranger has no account, so calls are counted for the network that they
come from, and their work takes its turn (`owners`).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from keystead.errors import RequestTooLarge
from keystead.server.pipeline.bodies import too_long
from keystead.wire.operation import Operation


class Bounds(NamedTuple):
    """What strangers may ask of one operation."""

    longest: int  # bytes of a body
    per_second: float  # calls of one network


OPEN: Mapping[tuple[str, str], Bounds] = {
    ("sts", "AssumeRoleWithSAML"): Bounds(160 * 1024, 50),
    ("sts", "AssumeRoleWithWebIdentity"): Bounds(64 * 1024, 200),
    ("keystead-instances", "EnrolAgent"): Bounds(4 * 1024, 20),
    ("keystead-instances", "GetInstanceCredentials"): Bounds(4 * 1024, 200),
    ("rolesanywhere", "CreateSession"): Bounds(8 * 1024, 50),
    ("signin", "CreateOAuth2Token"): Bounds(8 * 1024, 50),
    ("signin", "RevokeOAuth2Token"): Bounds(8 * 1024, 20),
    ("signin", "ConsoleLogin"): Bounds(0, 10),  # its input is in no body
    ("signin", "ConsoleLoginWithMFA"): Bounds(0, 10),
    ("signin", "StartPasskeyCheck"): Bounds(0, 10),
    ("signin", "CheckPasskey"): Bounds(0, 10),
    ("signin", "PasswordUpdated"): Bounds(0, 10),
    ("signin", "DescribeSignIn"): Bounds(0, 50),
    ("signin", "GetSigninToken"): Bounds(0, 50),
    ("signin", "DescribeSigninToken"): Bounds(0, 10),
    ("signin", "LoginWithSigninToken"): Bounds(0, 10),
    ("signin", "KeepDestination"): Bounds(0, 10),
    ("signin", "TakeDestination"): Bounds(0, 10),
    ("signin", "SessionEnded"): Bounds(0, 10),
    ("signin", "StartSamlSignIn"): Bounds(0, 10),
    ("signin", "TakeSamlResponse"): Bounds(0, 20),
    ("signin", "StartOidcSignIn"): Bounds(0, 10),
    ("signin", "TakeOidcCode"): Bounds(0, 20),
    ("signin", "DescribeArrival"): Bounds(0, 50),
    ("signin", "ContinueSignIn"): Bounds(0, 50),
    ("signin", "DirectoryLogin"): Bounds(0, 10),
    ("signin", "DescribeRoles"): Bounds(0, 10),
    ("signin", "ChooseRole"): Bounds(0, 10),
}


def require_open(operation: Operation[Any, Any], body: bytes) -> None:
    """Refuse a body that is longer than those of this operation; raises for one not in the list."""
    bounds = OPEN.get((operation.service.name, operation.name))
    if bounds is None:
        raise RuntimeError(f"{operation.name} is not open without a signature")
    if len(body) > bounds.longest:
        raise RequestTooLarge(too_long(bounds.longest))


def calls_of_strangers(name: str, _network: str, service: str) -> float:
    """How many calls of an operation a network may make in a second."""
    return OPEN[service, name].per_second
