"""Revoking calls of Roles Anywhere: about trust anchors, profiles and revocation lists."""

from collections.abc import Callable
from typing import Any, NamedTuple

from botocore.credentials import Credentials

from tests.anywhere import authorities
from tests.anywhere.authorities import Issued
from tests.anywhere.requests import Asking
from tests.revoking.steps import Steps
from tests.revoking.world import ALLOW, World, document

_TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": "rolesanywhere.amazonaws.com"},
    "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
}


class _Place(NamedTuple):
    """A trust anchor, a profile and a role, by which a bearer has a session."""

    api: Any
    root: Issued
    bearer: Issued
    anchor: str  # the id
    profile: str  # the id
    role: str
    asking: Asking

    def session(self) -> Credentials:
        given = self.asking.session()["credentials"]
        return Credentials(given["accessKeyId"], given["secretAccessKey"], given["sessionToken"])


def _place(w: World) -> _Place:
    api, root = w.server.client("rolesanywhere"), authorities.root()
    name = w.name("role")
    made = w.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(_TRUST))
    role = str(made["Role"]["Arn"])
    w.give_role(name, ALLOW)
    source = {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": root.pem}}
    anchor = api.create_trust_anchor(name="a", source=source, enabled=True)["trustAnchor"]
    profile = api.create_profile(name="p", roleArns=[role], enabled=True)["profile"]
    bearer = root.issue()
    asking = Asking(w.server, anchor["trustAnchorArn"], profile["profileArn"], role, bearer)
    return _Place(api, root, bearer, anchor["trustAnchorId"], profile["profileId"], role, asking)


def _for_ever(
    w: World, place: _Place, revoke: Callable[[], Any], allow: Callable[[], Any]
) -> Steps:
    """A call that ends sessions for ever: a new one begins when it is taken back."""
    while True:
        yield w.encrypt(place.session(), w.key)
        revoke()
        yield None
        allow()


def disabled_trust_anchor(w: World) -> Steps:
    place = _place(w)
    one = {"trustAnchorId": place.anchor}
    yield from _for_ever(
        w, place, lambda: place.api.disable_trust_anchor(**one),
        lambda: place.api.enable_trust_anchor(**one),
    )  # fmt: skip


def disabled_profile(w: World) -> Steps:
    place = _place(w)
    one = {"profileId": place.profile}
    yield from _for_ever(
        w, place, lambda: place.api.disable_profile(**one),
        lambda: place.api.enable_profile(**one),
    )  # fmt: skip


def role_out_of_profile(w: World) -> Steps:
    place = _place(w)
    one = {"profileId": place.profile}
    yield from _for_ever(
        w, place, lambda: place.api.update_profile(**one, roleArns=[]),
        lambda: place.api.update_profile(**one, roleArns=[place.role]),
    )  # fmt: skip


def revoked_certificate(w: World) -> Steps:
    place = _place(w)
    anchor, data = place.asking.anchor, place.root.crl(place.bearer)
    crl = place.api.import_crl(name="x", trustAnchorArn=anchor, crlData=data)["crl"]["crlId"]
    yield from _for_ever(
        w, place, lambda: place.api.enable_crl(crlId=crl),
        lambda: place.api.disable_crl(crlId=crl),
    )  # fmt: skip
