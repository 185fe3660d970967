"""A program whose person signs in with a browser: its key, its proofs, and what it sends."""

import base64
import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

from botocore.credentials import Credentials
from joserfc import jwk, jwt

from tests.console.browser import URL, Browser, Page, Site

SAME, CROSS = (f"arn:aws:signin:::devtools/{name}-device" for name in ("same", "cross"))
CALLBACK = "http://127.0.0.1:53545/oauth/callback"
CONFIRMATION = f"{URL}/v1/sessions/confirmation"
TOKEN = f"{URL}/v1/token"
ALLOWED = "arn:aws:iam::aws:policy/SignInLocalDevelopmentAccess"


def may_log_in(site: Site, name: str, policy: str = ALLOWED) -> None:
    """This user may let a program act as it does, and see itself."""
    assert site.local.iam("AttachUserPolicy", UserName=name, PolicyArn=policy).status == 200


@dataclass
class Program:
    """One program."""

    site: Site
    client: str = SAME
    redirect: str = CALLBACK
    verifier: str = field(default_factory=lambda: uuid4().hex + uuid4().hex)
    state: str = field(default_factory=lambda: str(uuid4()))
    key: Any = field(default_factory=lambda: jwk.ECKey.generate_key("P-256"))
    browser: Browser = field(init=False)  # its connection, without cookies

    def __post_init__(self) -> None:
        self.browser = self.site.browser()

    @property
    def challenge(self) -> str:
        digest = sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    @property
    def parameters(self) -> dict[str, str]:
        return {
            "response_type": "code", "client_id": self.client, "state": self.state,
            "code_challenge_method": "SHA-256", "code_challenge": self.challenge,
            "scope": "openid", "redirect_uri": self.redirect,
        }  # fmt: skip

    def path(self, **changed: str | None) -> str:
        """Where the person's browser goes."""
        asked = {**self.parameters, **changed}
        named = {name: value for name, value in asked.items() if value is not None}
        return f"/v1/authorize?{urlencode(named)}"

    def asks(self, browser: Browser, answer: str = "allow", hours: str = "8") -> Page:
        """The person answers the page."""
        page = browser.get(self.path())
        assert page.status == 200, page.text
        form = {**self.parameters, "answer": answer, "hours": hours}
        return browser.post("/v1/authorize", form, follow=False)

    def code(self, browser: Browser) -> str:
        """The code that the person's browser brings."""
        page = self.asks(browser)
        assert page.status == 303, page.text
        told = parse_qs(urlsplit(page.header("location")).query)
        assert told["state"] == [self.state], told
        return told["code"][0]

    def proof(self, header: dict[str, Any] | None = None, key: Any = None, **claims: Any) -> str:
        """A proof of its key; a claim or a header that is None is left out."""
        signer = key or self.key
        now = int(self.site.local.time.wall().timestamp())
        said = {"htm": "POST", "htu": TOKEN, "iat": now, "jti": str(uuid4()), **claims}
        of_key = {n: signer.as_dict(private=False)[n] for n in ("kty", "crv", "x", "y")}
        head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": of_key, **(header or {})}
        return jwt.encode(
            {n: v for n, v in head.items() if v is not None},
            {n: v for n, v in said.items() if v is not None},
            signer,
            algorithms=["ES256"],
        )

    def send(
        self, body: Any, proof: str | None = None, path: str = "/v1/token", **headers: str | None
    ) -> Page:
        """A request, and its answer."""
        text = json.dumps(body).encode()
        return self.site.loop.run_until_complete(self.sending(text, proof, path, **headers))

    async def sending(
        self, body: bytes, proof: str | None = None, path: str = "/v1/token", **more: str | None
    ) -> Page:
        headers = {
            "origin": None, "content_type": "application/json",
            "dpop": self.proof(htu=f"{URL}{path}") if proof is None else proof, **more,
        }  # fmt: skip
        return await self.browser.send("POST", path, body, **headers)

    def redemption(self, code: str, **changed: str) -> dict[str, str]:
        return {
            "clientId": self.client, "grantType": "authorization_code", "code": code,
            "redirectUri": self.redirect, "codeVerifier": self.verifier, **changed,
        }  # fmt: skip

    def redeem(self, code: str, proof: str | None = None, **changed: str) -> Page:
        return self.send(self.redemption(code, **changed), proof)

    def renewal(self, token: str, **changed: str) -> dict[str, str]:
        return {
            "clientId": self.client, "grantType": "refresh_token", "refreshToken": token, **changed,
        }  # fmt: skip

    def renew(self, token: str, proof: str | None = None, **changed: str) -> Page:
        return self.send(self.renewal(token, **changed), proof)

    def revoke(self, token: str) -> Page:
        return self.send({"clientId": self.client, "token": token}, path="/v1/revoke")

    def logged_in(self, browser: Browser) -> dict[str, Any]:
        """The first answer."""
        page = self.redeem(self.code(browser))
        assert page.status == 200, page.text
        return told(page)


def told(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.body)
    return found


def refusal(page: Page) -> tuple[int, str]:
    """The status and the error of a refusal, which has AWS's form."""
    answer = told(page)
    assert set(answer) == {"error", "message"}, answer
    assert page.header("x-amzn-errortype").endswith(("Exception", "Error"))
    return page.status, answer["error"]


def credentials(answer: dict[str, Any]) -> Credentials:
    """What the program signs with."""
    given = answer["accessToken"]
    return Credentials(given["accessKeyId"], given["secretAccessKey"], given["sessionToken"])
