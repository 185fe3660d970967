"""What is a session for the command line, and what does it stand on?  (sign-in.md 4.12)

    code            account "." 43 characters of 256 random bits; its row has the SHA-256 of
                    (incarnation, code)
    refresh token   sealed: account, session, generation

A session has the facts of the browser's session that allowed it: whose permissions, which second
factor, and since when. It stands on all rows of that session, and on the factors of its person. All
of this is read at each use of its credentials, and each time they are renewed. Only the end of the
browser's session ends nothing here, as at AWS (decision 0062).
"""

import base64
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from keystead.arns import spoken
from keystead.call import Target
from keystead.custody.randomness import urandom
from keystead.custody.tokens import InvalidToken
from keystead.identity.authentication import Owner, factors, owner_of
from keystead.identity.call import SigninCall
from keystead.identity.repository import Client, Login, LoginCode
from keystead.identity.sessions import RowKind, Session, SessionKind, SessionRow

CODE_SECONDS = {"same-device": 60, "cross-device": 300}
CREDENTIAL_SECONDS = 900
WINDOW_SECONDS = 60  # for which the refresh token before gives the same answer
MOST_HOURS = 12
MOST_LOGINS, MOST_CODES = 50, 20  # of one person; the oldest goes
MOST_AGENT = 128  # characters of what a client calls itself

_REFRESH = "refresh token"
_ANSWER = "answer to a refresh token"
_NAMES = {"same-device": "localhost", "cross-device": "remote"}  # as AWS's policies call them
_decode = msgspec.msgpack.Decoder(Session).decode


class RefreshToken(msgspec.Struct, frozen=True, array_like=True):
    """Which credentials of which session come next?"""

    account: str
    login_id: str
    generation: int


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """The last answer of a session, sealed in its row."""

    access_key_id: str
    secret: str
    token: str
    expires: int
    refresh: str

    def __repr__(self) -> str:
        return "Kept(…)"


@dataclass(frozen=True, slots=True)
class Standing:
    """A session as its rows are now: its facts, and the owner of its permissions."""

    session: Session
    owner: Owner


def client_target(call: SigninCall, client: Client, account: str) -> Target:
    """A client as the resource of a question."""
    name = f"oauth2/public-client/{_NAMES[client]}"
    return Target(f"arn:{spoken().name}:signin:{call.region}:{account}:{name}", account)


def template(session: Session) -> bytes:
    """The facts of a browser's session that a session for the command line takes over."""
    rows = tuple(row for row in session.rows if row.kind is not RowKind.SIGN_IN)
    kind = SessionKind.LOGIN if session.kind is SessionKind.CONSOLE else session.kind
    return msgspec.msgpack.encode(msgspec.structs.replace(session, kind=kind, rows=rows))


def sign_in_of(session: Session) -> SessionRow:
    """The browser's session behind a call of a person."""
    return next(row for row in session.rows if row.kind is RowKind.SIGN_IN)


def facts(record: Login | LoginCode) -> Session:
    """The facts that a row keeps."""
    return _decode(record.session)


def standing(call: SigninCall, record: Login | LoginCode, login: Login | None) -> Standing | None:
    """What a session stands on, if all of it is as it was; `login` is its own row.

    Its person may be of another account than its role. Both accounts were open all the time.
    """
    session, accounts = facts(record), call.repository.accounts
    own = accounts.get(call.transaction, record.account)
    if own is None or not accounts.is_open_since(call.transaction, own, session.issued):
        return None
    if record.person:
        known = factors.of(call.repository, call.transaction, record.account, record.person)
        if known != record.factors:
            return None
    owner = owner_of(call.repository, call.transaction, session)
    if owner is None:
        return None
    if login is not None:
        row = SessionRow(RowKind.LOGIN, login.account, login.login_id)
        session = msgspec.structs.replace(session, rows=(*session.rows, row))
    return Standing(session, owner)


def new_code(account: str) -> str:
    text = base64.urlsafe_b64encode(urandom(32)).decode().rstrip("=")
    return f"{account}.{text}"


def code_id(call: SigninCall, code: str) -> tuple[str, str]:
    """The account and the id of the row of a code."""
    digest = sha256(f"{call.incarnation} code {code}".encode()).hexdigest()
    return code.partition(".")[0], digest


def refresh_token(call: SigninCall, login: Login) -> str:
    """The token for the next credentials of a session."""
    token = RefreshToken(login.account, login.login_id, login.generation)
    return call.tokens.seal(_REFRESH, msgspec.msgpack.encode(token))


def opened(call: SigninCall, text: str) -> RefreshToken | None:
    """What a refresh token says; None for any text that is not ours."""
    try:
        data = call.tokens.unseal(_REFRESH, text)
    except InvalidToken:
        return None
    return msgspec.msgpack.decode(data, type=RefreshToken)


def sealed(call: SigninCall, login: Login, kept: Kept) -> str:
    """An answer as its row keeps it."""
    return call.tokens.seal(_ANSWER, msgspec.msgpack.encode(kept), _place(login))


def unsealed(call: SigninCall, login: Login) -> Kept:
    """The last answer of a session."""
    return msgspec.msgpack.decode(
        call.tokens.unseal(_ANSWER, login.answer, _place(login)), type=Kept
    )


def _place(login: Login) -> tuple[str, str, int]:
    return login.account, login.login_id, login.generation
