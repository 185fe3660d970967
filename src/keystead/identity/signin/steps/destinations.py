"""Where does a browser go after sign-in?  To the page that it asked for before. (sign-in.md 4.1)

    a path under /c/, /switchrole or /v1/authorize, with its query; for everything else "/"

The path is kept on the server, for ten minutes, under a cookie of its own. It is used once. So no
link can say where a sign-in ends, and there is no way to another site: each of these paths begins
with one slash and a letter.
"""

import re
from urllib.parse import unquote

from keystead.identity import times
from keystead.identity.call import SigninCall
from keystead.identity.repository import SignIn, SignInFacts
from keystead.identity.signin.asked import Destination, SignInEnded, StepRequest
from keystead.identity.signin.sessions import sessions_of

LONGEST = 2_048  # characters
NOBODY = "000000000000"
"""The account of rows that belong to none."""
_MOST = 20  # of one network; the oldest goes
_SECONDS = 600
_PLACE = re.compile(
    r"/(?:c/[0-9a-f]{12}(?:/[\w.~%!$&'()*+,;=:@/-]*)?|switchrole|v1/authorize)"
    r"(?:\?[\w.~%!$&'()*+,;=:@/?-]*)?",
    re.ASCII,
)


def is_destination(path: str) -> bool:
    """May a sign-in end at this path?"""
    ours = len(path) <= LONGEST and _PLACE.fullmatch(path) is not None
    return ours and ".." not in unquote(path.partition("?")[0])  # browsers read %2e as a dot


def keep_destination(call: SigninCall, request: Destination) -> StepRequest:
    """Keep the path until the sign-in is over; the answer has the cookie."""
    if not is_destination(request.path):
        return StepRequest(cookie="")
    now = times.stored(call.now)
    network = call.typed_names.of("network", call.network)
    record = SignIn(
        account=NOBODY, session_id="", subject=network, stage="next", factors="", access_key_id="",
        device="", mfa=None, tries=0, began=now, used=now, expires=now + _SECONDS,
    )  # fmt: skip
    facts = SignInFacts(next=request.path)
    kept = sessions_of(call).keep(call.transaction, record, None, facts, most=_MOST)
    return StepRequest(cookie=kept.cookie)


def take_destination(call: SigninCall, request: StepRequest) -> Destination:
    """The path that was kept, once; "/" if there is none."""
    sign_ins = call.repository.sign_ins
    try:
        record = sessions_of(call).record(
            call.transaction, request.cookie, "next", times.stored(call.now)
        )
    except SignInEnded:
        return Destination(path="/")
    path = sign_ins.facts(call.transaction, record).next
    sign_ins.delete(call.transaction, record)
    return Destination(path=path if is_destination(path) else "/")
