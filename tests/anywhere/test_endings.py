"""When does a session by a certificate end?  At once, and for ever."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.anywhere.sites import Site, assert_refused
from tests.conftest import policy


def test_what_ends_sessions(site: Site) -> None:
    """The trust anchor, the profile, its role, its limits: each at once, and for ever."""
    role, other = site.new_role("ending"), site.new_role("staying")

    def begun() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]:
        anchor, profile = site.new_anchor(site.root), site.new_profile(role, other)
        asking = site.asking().but(
            anchor=anchor["trustAnchorArn"], profile=profile["profileArn"], role=role
        )
        return (
            {"trustAnchorId": anchor["trustAnchorId"]},
            {"profileId": profile["profileId"]},
            asking.session(),
            asking.but(role=other).session(),
        )

    api = site.anywhere
    text = policy({"Effect": "Allow", "Action": "*", "Resource": "*"})
    cases: dict[str, tuple[Callable[[Any, Any], Any], bool, bool]] = {
        "name": (lambda _, p: api.update_profile(**p, name="renamed"), True, True),
        "disabled": (lambda a, _: api.disable_trust_anchor(**a), False, False),
        "disabled for a moment": (
            lambda a, _: (api.disable_trust_anchor(**a), api.enable_trust_anchor(**a)),
            False, False,
        ),
        "deleted": (lambda a, _: api.delete_trust_anchor(**a), False, False),
        "profile disabled for a moment": (
            lambda _, p: (api.disable_profile(**p), api.enable_profile(**p)), False, False,
        ),
        "profile deleted": (lambda _, p: api.delete_profile(**p), False, False),
        "limited": (lambda _, p: api.update_profile(**p, sessionPolicy=text), False, False),
        "role out": (lambda _, p: api.update_profile(**p, roleArns=[other]), False, True),
        "role out for a moment": (
            lambda _, p: (api.update_profile(**p, roleArns=[other]),
                          api.update_profile(**p, roleArns=[role, other])), False, True,
        ),
        "role in": (
            lambda _, p: api.update_profile(**p, roleArns=[role, other, site.role]), True, True,
        ),
    }  # fmt: skip
    for name, (change, ours, theirs) in cases.items():
        anchor, profile, mine, neighbour = begun()
        assert site.lives(mine)
        assert site.lives(neighbour)
        change(anchor, profile)
        assert (site.lives(mine), site.lives(neighbour)) == (ours, theirs), name


def test_a_revoked_certificate(site: Site) -> None:
    """It gets no session, and those that it has end at once, also those that they began."""
    anchor = site.new_anchor(site.root)
    middle = site.root.authority("middle")
    first, second, third = site.root.issue("one"), site.root.issue("two"), middle.issue("three")
    asking = site.asking(first).but(anchor=anchor["trustAnchorArn"])
    below = asking.but(bearer=third, chain=(middle,))
    sessions = [each.session() for each in (asking, asking.but(bearer=second), below)]
    assert all(map(site.lives, sessions))
    chained_role = site.iam.create_role(
        RoleName="chained",
        AssumeRolePolicyDocument=policy(
            {"Effect": "Allow", "Principal": {"AWS": site.role},
             "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"]}
        ),
    )["Role"]["Arn"]  # fmt: skip
    given = site.client("sts", sessions[0]).assume_role(
        RoleArn=chained_role, RoleSessionName="next"
    )["Credentials"]
    chained = {"credentials": {
        "accessKeyId": given["AccessKeyId"], "secretAccessKey": given["SecretAccessKey"],
        "sessionToken": given["SessionToken"],
    }}  # fmt: skip
    assert site.lives(chained)
    crl = site.anywhere.import_crl(
        name="x", trustAnchorArn=anchor["trustAnchorArn"], crlData=site.root.crl(first, middle)
    )["crl"]
    assert all(map(site.lives, [*sessions, chained]))  # it is not enabled yet
    site.anywhere.enable_crl(crlId=crl["crlId"])
    lives = [site.lives(each) for each in (*sessions, chained)]
    assert lives == [False, True, False, False]
    revoked = "Certificate revoked"
    assert_refused(asking.ask(), "AccessDeniedException", revoked)
    assert_refused(below.ask(), "AccessDeniedException", revoked)
    assert site.lives(asking.but(bearer=second).session())
    site.anywhere.disable_crl(crlId=crl["crlId"])
    assert site.lives(asking.session())


@pytest.mark.parametrize("way", ["disabled", "deleted", "updated"])
def test_a_session_that_is_over_stays_over(site: Site, way: str) -> None:
    """A certificate that is let in again gets new sessions, and none of the old ones comes back."""
    api, anchor = site.anywhere, site.new_anchor(site.root)["trustAnchorArn"]
    bearer, kept = site.root.issue("gone"), site.root.issue("kept")
    asking, other = (site.asking(each).but(anchor=anchor) for each in (bearer, kept))
    old, beside = asking.session(), other.session()
    data = site.root.crl(bearer)
    let_in: dict[str, Callable[[str], Any]] = {
        "disabled": lambda crl: api.disable_crl(crlId=crl),
        "deleted": lambda crl: api.delete_crl(crlId=crl),
        "updated": lambda crl: api.update_crl(crlId=crl, crlData=site.root.crl()),
    }
    for _ in range(2):
        crl = api.import_crl(name="x", trustAnchorArn=anchor, crlData=data, enabled=True)["crl"]
        assert not site.lives(old)
        let_in[way](crl["crlId"])
        assert not site.lives(old)
        new = asking.session()
        assert [site.lives(each) for each in (new, beside)] == [True, True]
        old = new
        if way != "deleted":
            api.delete_crl(crlId=crl["crlId"])
    assert site.lives(old)


def test_a_list_that_never_counted(site: Site) -> None:
    """What a disabled list revokes was never over, whatever becomes of the list."""
    api, anchor = site.anywhere, site.new_anchor(site.root)["trustAnchorArn"]
    bearer = site.root.issue("unharmed")
    session = site.asking(bearer).but(anchor=anchor).session()
    data = site.root.crl(bearer)
    one = {"crlId": api.import_crl(name="x", trustAnchorArn=anchor, crlData=data)["crl"]["crlId"]}
    api.update_crl(**one, crlData=site.root.crl())
    api.enable_crl(**one)
    api.disable_crl(**one)
    api.delete_crl(**one)
    assert site.lives(session)


def test_a_revoked_authority_of_a_bundle(site: Site) -> None:
    """An authority that a list revokes proves nothing, also if the trust anchor has it."""
    middle, other = site.root.authority("middle"), site.root.issue("other")
    anchor = site.new_anchor(site.root, middle)["trustAnchorArn"]
    below, beside = (site.asking(each).but(anchor=anchor) for each in (middle.issue(), other))
    session = below.session()
    assert site.lives(session)
    site.anywhere.import_crl(
        name="x", trustAnchorArn=anchor, crlData=site.root.crl(middle), enabled=True
    )
    assert not site.lives(session)
    assert_refused(below.ask(), "AccessDeniedException", "Certificate revoked")
    assert site.lives(beside.session())
