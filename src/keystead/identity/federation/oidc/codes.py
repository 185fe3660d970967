"""What does a provider give for a code?  An ID token (OpenID Connect Core 1.0, 3.1.2 and 3.1.3).

    browser -> authorization endpoint   client, redirect URI, scope, state, nonce, S256(verifier)
    browser <- redirect URI             code, state
    server  -> token endpoint           code, redirect URI, verifier, secret of the client
    server  <-                          the ID token: no browser sees it

A code is worth nothing without the verifier, which never left the server (RFC 7636). A token is
worth nothing without the nonce of the same sign-in.
"""

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode

from keystead import strictjson
from keystead.identity.federation.oidc.discovery import Places, Provider
from keystead.identity.federation.outside import SECONDS, Form, NotSaid, Outside, get
from keystead.work import MadeWith, Runs, Work, digest
from keystead.work import outside as elsewhere

LONGEST_CODE = 4096
LONGEST_TOKEN = 20_000  # characters (iam.md 8.2)
_ASKING_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Client:
    """Who we are to a provider."""

    client_id: str
    secret: str = field(repr=False)  # "": we have none
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class Flow:
    """One sign-in: what ties its code and its token to it."""

    state: str
    nonce: str
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Redeemed:
    """The ID token for a code, or why there is none."""

    token: str = field(default="", repr=False)
    why: str = ""


def authorization_url(places: Places, client: Client, scopes: str, flow: Flow) -> str:
    """The URL that brings a browser to the provider."""
    hashed = base64.urlsafe_b64encode(sha256(flow.verifier.encode()).digest()).rstrip(b"=")
    fields = {
        "response_type": "code", "client_id": client.client_id,
        "redirect_uri": client.redirect_uri, "scope": scopes, "state": flow.state,
        "nonce": flow.nonce,
        "code_challenge": hashed.decode(), "code_challenge_method": "S256",
    }  # fmt: skip
    place = places.authorization
    return f"{place}{'&' if '?' in place else '?'}{urlencode(fields)}"


def redeemed(
    call: Runs, outside: Outside, provider: Provider, places: Places, form: Form
) -> Redeemed | Work[Redeemed]:
    """The ID token for a code; at first the work to ask for it, which is done once."""
    made_with = MadeWith(key=provider.revision, input=digest(urlencode(form.fields).encode()))
    pool = elsewhere("federation", provider.account, f"{provider.revision} codes")
    arguments = (outside, places.token, provider.thumbprints, form)
    work = Work(pool, _ASKING_SECONDS, made_with, _redeem, arguments)
    done = call.done(work)
    return work if done is None else done.value


def code_form(places: Places, client: Client, code: str, verifier: str) -> Form:
    """What the provider is sent for a code."""
    fields = [
        ("grant_type", "authorization_code"), ("code", code),
        ("redirect_uri", client.redirect_uri), ("code_verifier", verifier),
    ]  # fmt: skip
    if client.secret and not places.posts_secret:  # RFC 6749 2.3.1
        both = f"{quote(client.client_id, safe='')}:{quote(client.secret, safe='')}"
        return Form(fields, f"Basic {base64.b64encode(both.encode()).decode()}")
    fields.append(("client_id", client.client_id))
    if client.secret:
        fields.append(("client_secret", client.secret))
    return Form(fields)


def _redeem(outside: Outside, url: str, thumbprints: tuple[str, ...], form: Form) -> Redeemed:
    """Ask for the token of a code; in a worker's thread."""
    try:
        body = get(outside, url, thumbprints, time.monotonic() + SECONDS, form)
        said: Mapping[str, Any] | Any = strictjson.loads(body)
    except NotSaid as error:
        return Redeemed(why=f"the code: {error}")
    except strictjson.NotStrictJson as error:
        return Redeemed(why=f"the answer to the code is refused: {error}")
    token = said.get("id_token") if isinstance(said, dict) else None
    if not isinstance(token, str) or len(token) > LONGEST_TOKEN:
        return Redeemed(why="the answer to the code has no id_token")
    return Redeemed(token)
