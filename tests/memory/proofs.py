"""Calls with a proof from elsewhere: it holds, was used before, or proves nothing."""

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlencode

import msgspec

from keystead.identity.federation.oidc.discovery import Answer, Provider
from keystead.identity.federation.oidc.keys import read_keys
from keystead.wire.http import Endpoint, HttpRequest
from tests.federation.issuer import CLIENT, HOST, URL, jwk, rsa_key, signed
from tests.federation.land import FORM, document
from tests.federation.saml_issuer import packed
from tests.federation.saml_land import SamlLand
from tests.memory.ways import Way, raw
from tests.server.installations import Local


def _padded(request: HttpRequest, longer: int) -> bytes:
    body = request.body + (b"&Padding=" + b"x" * longer if longer else b"")
    return raw(msgspec.structs.replace(request, body=body))


def _web_role(land: SamlLand) -> str:
    """A role for people of an OpenID Connect provider, whose keys are known."""
    land.iam("CreateOpenIDConnectProvider", Url=URL, **{"ClientIDList.member.1": CLIENT})
    local, arn = land.local, f"arn:aws:iam::{land.account}:oidc-provider/{HOST}"
    providers = local.installation.identities.oidc_providers
    reader = local.installation.store.read()
    stored = providers.named(reader, land.account, HOST)
    assert stored is not None
    provider = Provider(land.account, arn, providers.revision(reader, stored), HOST,
                        frozenset({CLIENT}), ())  # fmt: skip
    keys = read_keys(msgspec.json.encode({"keys": [jwk(rsa_key("one"), "one")]}))
    assert local.installation.provider_keys.begin(provider)
    local.installation.provider_keys.end(provider, Answer(keys))
    trust = {"Effect": "Allow", "Principal": {"Federated": arn},
             "Action": "sts:AssumeRoleWithWebIdentity"}  # fmt: skip
    land.iam("CreateRole", RoleName="pods", AssumeRolePolicyDocument=document(trust))
    return f"arn:aws:iam::{land.account}:role/pods"


AHEAD = timedelta(seconds=55)


def proofs(local: Local, longer: int) -> Mapping[str, Way]:
    """Every way in which such a call ends, but for one that uses an assertion."""
    land = SamlLand(local)
    land.create_provider()
    land.roles["web"], deaf = land.role("web"), land.role("deaf", land.trusting(StringEquals={
        "saml:sub": "nobody"}))  # fmt: skip
    used = land.response()
    assert land.assume(used).status == 200
    role = _web_role(land)
    # The calls may begin minutes after this.
    denied = land.response(land.saying(deaf, issued=AHEAD, begins=AHEAD))

    def saml(document: str, role: str) -> bytes:
        return _padded(land.request(document, role), longer)

    def token(text: str) -> bytes:
        form = {
            "Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": role,
            "RoleSessionName": "web", "WebIdentityToken": text,
        }  # fmt: skip
        body = urlencode(form).encode()
        request = HttpRequest("POST", "/", "", FORM, body, "127.0.0.1", False, Endpoint())
        return _padded(request, longer)

    now = int(local.time.wall().timestamp())
    claims = {"iss": URL, "aud": CLIENT, "sub": "pod", "iat": now - 5, "exp": now + 80_000}
    good = signed(claims, rsa_key("one"))
    return {
        "an assertion that was used": Way(saml(used, land.roles["web"]), 400),
        "an assertion, denied": Way(saml(denied, deaf), 403),
        "an assertion of another": Way(saml(used.replace("jo@", "al@"), land.roles["web"]), 400),
        "no assertion": Way(saml(packed("<a/>"), land.roles["web"]), 400),
        "a token of a provider": Way(token(good), 200),
        "a token of another": Way(token(signed(claims, rsa_key("two"))), 400),
        "no token": Way(token("a.b.c"), 400),
    }
