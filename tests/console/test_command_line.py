"""`keystead login`, and botocore's own login provider, against a running server.

Version 2 of the AWS CLI is no package, so a small client stands for the browser half of its
`aws login`. What it does then, botocore does, whose provider is AWS's own.
"""

import base64
import http.client
import io
import json
import os
import re
import stat
import subprocess
import sys
import threading
import warnings
import webbrowser
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from html import unescape
from http.cookies import SimpleCookie
from pathlib import Path
from queue import Queue
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

import boto3
import pytest
from awscrt.crypto import EC
from botocore.credentials import LoginProvider, _build_dpop_header
from botocore.exceptions import LoginRefreshRequired
from botocore.session import Session
from botocore.utils import JSONFileCache, generate_login_cache_key
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from playwright import sync_api as playwright

from keystead import __version__
from keystead.agent.login import Store, Stored, new_key
from keystead.cli import run
from keystead.cli.credentials import login as command
from tests.components import CHROMIUM, needs_chromium
from tests.conftest import Server, free_port
from tests.console.test_chromium import FLAGS

PASSWORD = "canary-Start-1"
SAME = "arn:aws:signin:::devtools/same-device"
SECRETS = ("refresh_token", "secret", "token")


@dataclass
class Person:
    """A browser that has signed in, as far as plain forms go."""

    url: str
    account: str
    name: str
    cookies: dict[str, str] = field(default_factory=dict)

    def sign_in(self) -> None:
        self.page("GET", "/signin")
        answer = self.page(
            "POST", "/signin",
            {"as": "user", "account": self.account, "user": self.name, "password": PASSWORD},
        )  # fmt: skip
        assert answer[0] == 303, answer

    def page(
        self, method: str, path: str, form: dict[str, str] | None = None
    ) -> tuple[int, str, str]:
        """Status, location and text."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        if method == "POST":
            headers |= {"Origin": self.url, "Content-Type": "application/x-www-form-urlencoded"}
        connection.request(method, path, urlencode(form or {}), headers)
        response = connection.getresponse()
        text = response.read().decode()
        for name, value in response.getheaders():
            if name.lower() == "set-cookie":
                for key, morsel in SimpleCookie(value).items():
                    self.cookies[key] = morsel.value
        connection.close()
        return response.status, response.getheader("Location", "") or "", text

    def allow(self, address: str, answer: str = "allow") -> tuple[int, str, str]:
        """Open what a program says, and answer the page."""
        parts = urlsplit(address)
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
        connection.request("GET", f"{parts.path}?{parts.query}")
        response = connection.getresponse()
        response.read()
        assert response.status == 302
        there = str(response.getheader("Location"))
        connection.close()
        assert there.startswith(f"{self.url}/v1/authorize?"), there
        status, _, text = self.page("GET", there.removeprefix(self.url))
        assert status == 200, text
        hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', text)
        form = {name: unescape(value) for name, value in hidden}
        return self.page("POST", "/v1/authorize", {**form, "hours": "8", "answer": answer})


@dataclass
class Installation:
    server: Server
    url: str

    @property
    def account(self) -> str:
        return str(self.server.client("sts").get_caller_identity()["Account"])

    def person(self, name: str) -> Person:
        iam = self.server.client("iam")
        iam.create_user(UserName=name)
        iam.create_login_profile(UserName=name, Password=PASSWORD)
        iam.attach_user_policy(
            UserName=name, PolicyArn="arn:aws:iam::aws:policy/SignInLocalDevelopmentAccess"
        )
        person = Person(self.url, self.account, name)
        person.sign_in()
        return person


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    server, port = Server(tmp_path_factory.mktemp("login") / "data", free_port()), free_port()
    server.start("--console", f"localhost:{port}")
    yield Installation(server, f"http://localhost:{port}")
    server.stop()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KEYSTEAD_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def opens(monkeypatch: pytest.MonkeyPatch, person: Person, answer: str = "allow") -> None:
    """The browser of this host is the person's."""

    def visit(address: str) -> None:
        _, location, _ = person.allow(address, answer)
        parts = urlsplit(location)
        stranger = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=30)
        stranger.request("GET", "/oauth/callback?code=x&state=other")
        assert stranger.getresponse().status == 404
        stranger.close()
        connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=30)
        connection.request("GET", f"{parts.path}?{parts.query}")
        assert connection.getresponse().status == 200
        connection.close()

    def begin(address: str) -> bool:
        threading.Thread(target=visit, args=(address,), daemon=True).start()
        return True

    monkeypatch.setattr(webbrowser, "open", begin)


def credentials(capfd: pytest.CaptureFixture[str], profile: str) -> dict[str, Any]:
    capfd.readouterr()
    assert run(["login", "--credential-process", "--profile", profile]) == 0
    given: dict[str, Any] = json.loads(capfd.readouterr().out)
    return given


def who(installation: Installation, given: dict[str, Any]) -> str:
    client = boto3.client(
        "sts", endpoint_url=installation.server.endpoint, region_name="us-east-1",
        aws_access_key_id=given["AccessKeyId"], aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )  # fmt: skip
    return str(client.get_caller_identity()["Arn"])


def test_a_person_signs_in_for_a_profile(
    installation: Installation, home: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """One click; then an SDK's process gets credentials, renewed ones too, until the logout."""
    person = installation.person("ann")
    opens(monkeypatch, person)
    endpoint = installation.server.endpoint

    assert run(["login", "--endpoint-url", endpoint, "--profile", "work"]) == 0

    told = capfd.readouterr()
    arn = f"arn:aws:iam::{installation.account}:user/ann"
    assert f"signed in as {arn}" in told.err
    assert "credential_process = keystead login --credential-process --profile work" in told.out
    kept = home / "logins" / "work.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    first = credentials(capfd, "work")
    assert first["Version"] == 1
    assert first["AccountId"] == installation.account
    assert who(installation, first) == arn
    assert credentials(capfd, "work") == first  # nothing is asked while they are good
    written = json.loads(kept.read_text())
    kept.write_text(json.dumps({**written, "expires": 0}))
    second = credentials(capfd, "work")
    assert second["AccessKeyId"] != first["AccessKeyId"]
    assert who(installation, second) == arn
    assert json.loads(kept.read_text())["refresh_token"] != written["refresh_token"]

    assert run(["logout", "--profile", "work"]) == 0

    assert not kept.exists()
    with pytest.raises(Exception, match="InvalidClientTokenId"):
        who(installation, second)
    capfd.readouterr()
    assert run(["login", "--credential-process", "--profile", "work"]) == 1
    assert "nobody has signed in for `work`" in capfd.readouterr().err


@pytest.mark.parametrize("kept", ["of a server that is away", "of another version", "shared"])
def test_a_logout_leaves_nothing_here(
    home: Path, capfd: pytest.CaptureFixture[str], kept: str
) -> None:
    """Whatever the server says, and whatever is kept; the command says that the server did not."""
    store = Store("work")
    with store.held():
        store.write(
            Stored(
                endpoint_url="http://127.0.0.1:1", ca_bundle="", client_id="c", key=new_key(),
                refresh_token="canary", arn="a", access_key_id="ASIA", secret="s", token="t",
                expires=0.0,
            )
        )  # fmt: skip
    file = home / "logins" / "work.json"
    if kept == "shared":
        file.chmod(0o644)
    if kept == "of another version":
        file.write_text("{}")

    assert run(["logout", "--profile", "work"]) == 1

    told = capfd.readouterr().err
    assert "you are signed out here, but the server did not confirm it: " in told
    assert "12 hours after the sign-in at the latest" in told
    assert not file.exists()
    assert run(["logout", "--profile", "work"]) == 1
    assert "nobody has signed in for `work`" in capfd.readouterr().err


def test_a_profile_that_works_from_everywhere(
    installation: Installation, home: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """A command that PATH does not have is named with its path, as is a relative authority."""
    folder = tmp_path / "with a blank"
    folder.mkdir()
    monkeypatch.chdir(folder)
    opens(monkeypatch, installation.person("paula"))
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setattr(sys, "argv", ["./keystead"])
    endpoint = installation.server.endpoint

    assert run(["login", "--endpoint-url", endpoint, "--ca-bundle", "ca.pem"]) == 0

    told = capfd.readouterr().out.splitlines()
    assert f"credential_process = '{folder}/keystead' login --credential-process" in told[1]
    assert f"ca_bundle = {folder}/ca.pem" in told
    kept = json.loads((home / "logins" / "default.json").read_text())
    assert kept["ca_bundle"] == f"{folder}/ca.pem"


def test_who_refuses_or_may_not(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The command ends at once, and says why."""
    person = installation.person("bea")
    opens(monkeypatch, person, answer="deny")
    arguments = ["login", "--endpoint-url", installation.server.endpoint]
    assert run(arguments) == 1
    assert "access_denied You did not allow it." in capfd.readouterr().err
    installation.server.client("iam").detach_user_policy(
        UserName="bea", PolicyArn="arn:aws:iam::aws:policy/SignInLocalDevelopmentAccess"
    )
    opens(monkeypatch, person)
    assert run(arguments) == 1
    said = capfd.readouterr().err
    assert "signin:AuthorizeOAuth2Access" in said
    assert "SignInLocalDevelopmentAccess" in said


def test_a_session_that_was_ended_elsewhere(
    installation: Installation, home: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """The next run says so, and keeps nothing."""
    person = installation.person("cleo")
    opens(monkeypatch, person)
    assert run(["login", "--endpoint-url", installation.server.endpoint]) == 0
    kept = home / "logins" / "default.json"
    kept.write_text(json.dumps({**json.loads(kept.read_text()), "expires": 0}))
    _, _, text = person.page("GET", "/security")
    assert f"<code>keystead/{__version__} login</code>" in text
    [login] = re.findall(r'name="id" value="([0-9a-f]{32})"', text)
    person.page("POST", "/security/login/end", {"id": login})
    capfd.readouterr()
    assert run(["login", "--credential-process"]) == 1
    assert "the session has ended" in capfd.readouterr().err
    assert not kept.exists()


def test_a_server_without_pages(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    """Nobody waits for a browser that has nowhere to go. Nor where nothing listens."""
    assert run(["login", "--endpoint-url", server.endpoint]) == 2
    assert "nobody signs in at" in capfd.readouterr().err
    assert run(["login", "--endpoint-url", f"http://127.0.0.1:{free_port()}"]) == 2
    assert "does not answer" in capfd.readouterr().err
    assert run(["login", "--endpoint-url", "http://keys.example.com"]) == 2
    assert "never sent without TLS" in capfd.readouterr().err


def test_a_file_that_others_may_read_is_refused(
    home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """As is a profile whose name would lead elsewhere."""
    folder = home / "logins"
    folder.mkdir(parents=True, mode=0o700)
    home.chmod(0o700)
    (folder / "default.json").write_text("{}")
    (folder / "default.json").chmod(0o644)
    assert run(["login", "--credential-process"]) == 2
    assert "accessible to others" in capfd.readouterr().err
    assert run(["login", "--credential-process", "--profile", "../x"]) == 2
    assert "cannot name a profile" in capfd.readouterr().err


def test_a_code_that_comes_by_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no terminal nothing is hidden, and nothing warns that it is not."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("the-code\n"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert command._typed() == "the-code"


def test_a_code_that_is_typed(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Only that of this sign-in is taken; the page refuses whoever has no second factor."""
    person = installation.person("dora")
    arguments = ["login", "--remote", "--endpoint-url", installation.server.endpoint]
    other = base64.b64encode(b"state=x&code=y").decode()
    for text in ("", "!", "x" * 5000, other):
        monkeypatch.setattr(command, "_typed", lambda text=text: text)
        assert run(arguments) == 1
        assert "not the code of this sign-in" in capfd.readouterr().err
    told: list[str] = []
    monkeypatch.setattr(command, "_tell", told.append)
    assert run(arguments) == 1
    [address] = [word for line in told for word in line.split() if word.startswith("http")]
    status, _, text = person.allow(address)
    assert status == 403
    assert "you signed in without one" in text


@needs_chromium("`keystead login` with a browser was")
def test_in_chromium(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not signed in: sign in, come back, allow; the browser follows the form to the program."""
    installation.person("fay")
    addresses: Queue[str] = Queue()
    monkeypatch.setattr(webbrowser, "open", addresses.put)
    ended: list[int] = []
    arguments = ["login", "--endpoint-url", installation.server.endpoint, "--profile", "fay"]
    waiting = threading.Thread(target=lambda: ended.append(run(arguments)), daemon=True)
    complaints: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_context(java_script_enabled=False).new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda said: complaints.append(said.text))
        waiting.start()
        page.goto(addresses.get(timeout=60))
        assert page.url == f"{installation.url}/signin"
        page.fill("#account", installation.account)
        page.fill("#user", "fay")
        page.fill("#password", PASSWORD)
        page.click("button.primary")
        page.wait_for_url(f"{installation.url}/v1/authorize?**")
        assert "A program on this computer" in page.inner_text("h1")
        page.click("text=Allow >> nth=0")
        page.wait_for_url("http://127.0.0.1:*/oauth/callback?**")
        assert "You can close this page" in page.inner_text("main")
        waiting.join(60)
        browser.close()
    assert ended == [0]
    assert not [each for each in complaints if "Content Security Policy" in each]
    assert who(installation, credentials(capfd, "fay")).endswith(":user/fay")


# botocore


@pytest.fixture
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem(key: ec.EllipticCurvePrivateKey) -> str:
    """As `aws login` keeps it."""
    written = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return written.decode()


def first_token(
    installation: Installation, person: Person, key: ec.EllipticCurvePrivateKey
) -> dict[str, Any]:
    """What `aws login` does with the browser, and what it keeps; the proof is botocore's."""
    endpoint, verifier = installation.server.endpoint, uuid4().hex * 2
    digest = base64.urlsafe_b64encode(sha256(verifier.encode()).digest())
    redirect = "http://127.0.0.1:45678/oauth/callback"
    query = {
        "response_type": "code", "client_id": SAME, "state": str(uuid4()), "scope": "openid",
        "code_challenge_method": "SHA-256", "redirect_uri": redirect,
        "code_challenge": digest.decode().rstrip("="),
    }  # fmt: skip
    _, location, _ = person.allow(f"{endpoint}/v1/authorize?{urlencode(query)}")
    [code] = parse_qs(urlsplit(location).query)["code"]
    der = key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    client = boto3.client(
        "signin", endpoint_url=endpoint, region_name="us-east-1",
        aws_access_key_id="x", aws_secret_access_key="x",
    )  # fmt: skip

    def prove(params: dict[str, Any], **_: Any) -> None:
        proof = _build_dpop_header(EC.new_key_from_der_data(der), params["url"])
        params["headers"]["DPoP"] = proof

    client.meta.events.register("before-call.signin.CreateOAuth2Token", prove)
    given = client.create_o_auth2_token(
        tokenInput={
            "clientId": SAME, "grantType": "authorization_code", "code": code,
            "redirectUri": redirect, "codeVerifier": verifier,
        }
    )["tokenOutput"]  # fmt: skip
    access = {**given["accessToken"], "accountId": installation.account}
    access["expiresAt"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")  # so it renews at once
    return {
        "accessToken": access, "tokenType": "aws_sigv4", "refreshToken": given["refreshToken"],
        "idToken": given["idToken"], "clientId": SAME, "dpopKey": pem(key),
    }  # fmt: skip


def provided(installation: Installation, arn: str, cache: dict[str, Any]) -> Any:
    """Credentials of botocore's provider, for a profile with a `login_session`."""
    session = Session()
    profiles = {"profiles": {"me": {"login_session": arn}}}

    def client(name: str, **more: Any) -> Any:
        more.setdefault("region_name", "us-east-1")
        return session.create_client(name, endpoint_url=installation.server.endpoint, **more)

    return LoginProvider(lambda: profiles, client, "me", cache).load()


def test_the_aws_command_renews_what_aws_login_kept(
    installation: Installation, key: ec.EllipticCurvePrivateKey, tmp_path: Path
) -> None:
    """A profile with a `login_session`, and the file beside it: nothing else is configured."""
    person = installation.person("gus")
    arn = f"arn:aws:iam::{installation.account}:user/gus"
    cache = JSONFileCache(str(tmp_path / "cache"))
    cache[generate_login_cache_key(arn)] = first_token(installation, person, key)
    (tmp_path / "config").write_text(f"[profile me]\nlogin_session = {arn}\n")
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_LOGIN_CACHE_DIRECTORY": str(tmp_path / "cache"),
        "AWS_ENDPOINT_URL": installation.server.endpoint,
    }  # fmt: skip
    # The installed script does not start from a path with a blank.
    command = [
        sys.executable,
        "-m",
        "awscli",
        "sts",
        "get-caller-identity",
        "--profile",
        "me",
        "--query",
        "Arn",
    ]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout) == arn


def test_botocore_renews_by_itself(
    installation: Installation, key: ec.EllipticCurvePrivateKey
) -> None:
    """AWS's own provider gets credentials, keeps the next refresh token, and names the end."""
    person = installation.person("eve")
    arn = f"arn:aws:iam::{installation.account}:user/eve"
    token = first_token(installation, person, key)
    first = token["refreshToken"]
    cache: dict[str, Any] = {generate_login_cache_key(arn): token}
    renewed = provided(installation, arn, cache).get_frozen_credentials()
    given = {
        "AccessKeyId": renewed.access_key, "SecretAccessKey": renewed.secret_key,
        "SessionToken": renewed.token,
    }  # fmt: skip
    assert who(installation, given) == arn
    kept = cache[generate_login_cache_key(arn)]
    assert kept["refreshToken"] != first
    assert kept["accessToken"]["accessKeyId"] == renewed.access_key

    installation.server.client("iam").delete_login_profile(UserName="eve")

    kept["accessToken"]["expiresAt"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with pytest.raises(LoginRefreshRequired):
        provided(installation, arn, cache).get_frozen_credentials()
