"""How does a program ask a person, who has a browser here or elsewhere?  (sign-in.md 4.12)

    this device      the browser comes back to a listener on 127.0.0.1 (RFC 8252), with a code
    another device   the person types what the page shows: base64 of `state=…&code=…`

The state tells our answer from every other. The verifier stays here (RFC 7636).
"""

import base64
import binascii
import webbrowser
from collections.abc import Callable
from typing import NoReturn
from urllib.parse import urlencode

from keystead.agent.people import Listener, Patience, Return, unheard
from keystead.agent.server import Shown
from keystead.failures import Failure

_SAME, _CROSS = (f"arn:aws:signin:::devtools/{name}-device" for name in ("same", "cross"))
_CALLBACK, _CONFIRMATION = "/oauth/callback", "/v1/sessions/confirmation"


class Asked:
    """One request, and its answer."""

    def __init__(self, url: str, *, remote: bool) -> None:
        """`url` is that of the server, without a path."""
        self.client_id = _CROSS if remote else _SAME
        self.redirect_uri = f"{url}{_CONFIRMATION}" if remote else ""
        self.waited = Return()
        self._url = url

    @property
    def verifier(self) -> str:
        """What proves that the code is for this program."""
        return self.waited.verifier

    @property
    def address(self) -> str:
        """Where the browser goes."""
        query = {
            "response_type": "code", "client_id": self.client_id, "state": self.waited.state,
            "redirect_uri": self.redirect_uri, "scope": "openid",
            "code_challenge_method": "SHA-256", "code_challenge": self.waited.challenge,
        }  # fmt: skip
        return f"{self._url}/v1/authorize?{urlencode(query)}"

    def code(self, patience: Patience) -> str:
        """The code of the answer, for which the person is waited for; raises Failure."""
        answer = self.waited.answer(patience)
        if "code" not in answer:
            _refused(answer)
        return answer["code"]


def on_this_device(asked: Asked, tell: Callable[[str], None], patience: Patience) -> str:
    """The code that the browser of this host brings; raises Failure."""
    with Listener(asked.waited, 0, _CALLBACK) as listener:
        asked.redirect_uri = listener.redirect_uri
        tell(f"sign in with your browser: {asked.address}")
        with unheard():
            webbrowser.open(asked.address)  # if it finds none, the person opens the URL
        return asked.code(patience)


def on_another_device(
    asked: Asked, tell: Callable[[str], None], read: Callable[[], str], patience: Patience
) -> str:
    """The code that a person types; raises Failure."""
    tell(f"open this with the browser of another device: {asked.address}")
    tell("then type the code that it shows")
    text = "".join(read().split())
    try:
        typed = base64.b64decode(text, validate=True).decode("ascii")
    except (ValueError, binascii.Error):
        typed = ""
    if not asked.waited.take(typed):
        raise Failure("that is not the code of this sign-in", "begin again", status=1)
    return asked.code(patience)


def _refused(answer: dict[str, str]) -> NoReturn:
    why = Shown(f"{answer.get('error', '')} {answer.get('error_description', '')}".strip())
    hint = "you need `signin:AuthorizeOAuth2Access`, as in `SignInLocalDevelopmentAccess`"
    raise Failure(f"the sign-in was refused: {why}", hint, status=1)
