"""CreateSession: who gets a session by a certificate, who does not, and when it ends."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.anywhere import authorities
from tests.anywhere.authorities import DAY, HOUR, Issued, named, now, usage
from tests.anywhere.requests import ECDSA, RSA, Sent
from tests.anywhere.sites import ACTIONS, SERVICE, UNTRUSTED, Site, assert_refused
from tests.conftest import OTHER_REGION, REGION, policy


def test_a_session(site: Site) -> None:
    """Its shape is AWS's, it has the role, the tags and the source identity, and it is recorded."""
    bearer = site.root.issue(
        named("web-1", ORGANIZATION_NAME="Acme", ORGANIZATIONAL_UNIT_NAME="shop"),
        names=[x509.DNSName("web-1.example.com"), x509.DNSName("other.example.com")],
    )
    answer = site.asking(bearer).ask()
    assert answer.status == 201
    told = json.loads(answer.body)
    [one] = told["credentialSet"]
    serial = bearer.certificate.serial_number
    name = serial.to_bytes((serial.bit_length() + 7) // 8, "big").hex()
    assert (one["roleArn"], one["sourceIdentity"]) == (site.role, "web-1")
    assert one["assumedRoleUser"]["arn"].endswith(f":assumed-role/host/{name}")
    assert one["packedPolicySize"] > 0
    who = site.client("sts", one).get_caller_identity()
    assert who["Arn"] == one["assumedRoleUser"]["arn"]
    [record, *_] = site.records("CreateSession")
    assert record["userIdentity"]["invokedBy"] == "rolesanywhere.amazonaws.com"
    assert record["additionalEventData"]["x509Subject"] == "OU=shop,O=Acme,CN=web-1"
    assert "credentials" not in record["requestParameters"]
    assert one["credentials"]["sessionToken"] not in json.dumps(record)
    subject = site.anywhere.get_subject(subjectId=told["subjectArn"].rpartition("/")[2])["subject"]
    assert subject["x509Subject"] == "OU=shop,O=Acme,CN=web-1"
    [seen] = subject["credentials"]
    assert (seen["serialNumber"], seen["x509CertificateData"]) == (str(serial), bearer.pem)
    listed = [each["subjectArn"] for each in site.anywhere.list_subjects()["subjects"]]
    assert told["subjectArn"] in listed


@pytest.mark.parametrize("kind", ["ec", "rsa"])
@pytest.mark.parametrize("in_query", [True, False], ids=["query", "body"])
def test_keys_and_places(site: Site, kind: str, in_query: bool) -> None:
    """Both kinds of keys sign, and the ARNs stand in the query string or in the body."""
    bearer = site.root.issue(key=authorities.new_key(kind))
    assert site.lives(site.asking(bearer, in_query=in_query).session())


def test_certificates_in_between(site: Site) -> None:
    """The path goes by the certificates that the request carries, in any order."""
    first = site.root.authority("first")
    second = first.authority("second")
    bearer = second.issue()
    for chain in ((second, first), (first, second), (second, first, site.root)):
        assert site.lives(site.asking(bearer, chain=chain).session())
    assert_refused(site.asking(bearer, chain=(second,)).ask(), "AccessDeniedException", UNTRUSTED)


def test_what_certificates_prove_nothing(site: Site) -> None:
    """One sentence for each; twins: the tests above."""
    root, foreign = site.root, authorities.root()
    narrow, below = root.authority("narrow", path_length=0), root.authority("below")
    deeper = narrow.authority("deeper")
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    server_only = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    names = x509.NameConstraints([x509.DNSName("example.com")], None)
    constrained = root.authority("constrained", extensions=[(names, True)])
    silent = root.authority("silent", key_usage=usage("digital_signature"))
    weak, other = authorities.weak_key(), ec.generate_private_key(ec.SECP256K1())
    cases: dict[str, tuple[Issued, tuple[Issued, ...]]] = {
        "foreign authority of the same name": (foreign.issue(), (foreign,)),
        "self-signed": (authorities.issued("host"), ()),
        "trust anchor itself": (root, ()),
        "expired": (root.issue(since=now() - 9 * DAY, until=now() - HOUR), ()),
        "not yet valid": (root.issue(since=now() + HOUR), ()),
        "expired in between": (
            (old := root.authority("old", since=now() - 9 * DAY, until=now() - HOUR)).issue(),
            (old,),
        ),
        "authority as a bearer": (below, ()),
        "may not sign": (root.issue(key_usage=usage("key_encipherment")), ()),
        "says no usage": (root.issue(key_usage=usage()), ()),
        "for servers": (root.issue(extensions=[(server_only, False)]), ()),
        "path too long": (deeper.issue(), (deeper, narrow)),
        "no authority in between": ((leaf := root.issue("leaf")).issue(), (leaf,)),
        "no certificates are signed": (silent.issue(), (silent,)),
        "unknown critical extension": (root.issue(extensions=[(unknown, True)]), ()),
        "unknown critical extension in between": (
            (odd := root.authority("odd", extensions=[(unknown, True)])).issue(),
            (odd,),
        ),
        "name outside of the constraints": (
            constrained.issue(names=[x509.DNSName("example.org")]),
            (constrained,),
        ),
        "two of one subject": (
            below.issue(), (below, root.authority("below")),
        ),
        "short RSA key": (root.issue(key=weak), ()),
        "other curve": (root.issue(key=other), ()),
    }  # fmt: skip
    told = {name: site.asking(bearer, chain=chain).ask() for name, (bearer, chain) in cases.items()}
    wrong = {name: answer for name, answer in told.items() if answer.message != UNTRUSTED}
    assert not wrong, {name: (each.status, each.message) for name, each in wrong.items()}
    assert {answer.code for answer in told.values()} == {"AccessDeniedException"}
    right = [
        (root.issue(extensions=[(unknown, False)]), ()),
        (constrained.issue(names=[x509.DNSName("a.example.com")]), (constrained,)),
        (narrow.issue(), (narrow,)),
        (root.issue(ca=None, serial=(1 << 159) - 1), ()),
    ]
    for bearer, chain in right:
        assert site.lives(site.asking(bearer, chain=chain).session())


def test_an_authority_that_is_over(site: Site) -> None:
    """A trust anchor whose authority has expired believes nobody; twin: one that has not."""
    for until, status in ((now() - HOUR, 403), (now() + HOUR, 201)):
        root = authorities.root("dated", since=now() - 9 * DAY, until=until)
        anchor = site.new_anchor(root)["trustAnchorArn"]
        asking = site.asking(root.issue(since=now() - 9 * DAY)).but(anchor=anchor)
        assert asking.ask().status == status


def test_sha_1(site: Site) -> None:
    """A certificate that the authority signed with SHA-1 proves nothing."""
    bearer = site.root.issue()
    old = authorities.with_sha1(bearer, site.root)
    assert_refused(site.asking(bearer).ask(leaf=old), "AccessDeniedException", UNTRUSTED)
    assert site.lives(site.asking(bearer).session())


def test_another_trust_anchor(site: Site) -> None:
    """A certificate is believed for its own trust anchor alone; a disabled one believes none."""
    other = authorities.root("other")
    theirs = site.new_anchor(other)
    asking = site.asking(other.issue())
    assert_refused(asking.ask(), "AccessDeniedException", UNTRUSTED)
    right = asking.but(anchor=theirs["trustAnchorArn"])
    assert site.lives(right.session())
    nothing = theirs["trustAnchorArn"].replace(theirs["trustAnchorId"], str(UUID(int=0)))
    assert_refused(asking.but(anchor=nothing).ask(), "AccessDeniedException", UNTRUSTED)
    site.anywhere.disable_trust_anchor(trustAnchorId=theirs["trustAnchorId"])
    assert_refused(right.ask(), "AccessDeniedException", UNTRUSTED)


def test_signatures(site: Site) -> None:
    """What was changed after it was signed, or signed by another key, or for something else."""
    asking = site.asking()
    sent = asking.signed()
    body = asking.but(members={"durationSeconds": 900}).signed().body
    other = site.root.issue()
    for changed in (
        sent.but(body=body),
        sent.but(query=sent.query.replace("host", "hosT")),
        sent.but(query=f"{sent.query}&a=b"),
        sent.with_header("x-amz-date", (now() + timedelta(seconds=2)).strftime("%Y%m%dT%H%M%SZ")),
        sent.with_header("content-type", "text/plain"),
    ):
        assert_refused(asking.send(changed), "AccessDeniedException", UNTRUSTED)
    assert_refused(asking.ask(leaf=other.der), "AccessDeniedException", UNTRUSTED)
    assert_refused(asking.ask(serial=7), "AccessDeniedException", UNTRUSTED)
    assert_refused(asking.ask(algorithm=RSA), "AccessDeniedException", UNTRUSTED)
    of_rsa = site.asking(site.root.issue(key=authorities.new_key("rsa")))
    assert_refused(of_rsa.ask(algorithm=ECDSA), "AccessDeniedException", UNTRUSTED)
    assert_refused(
        asking.ask(algorithm="AWS4-HMAC-SHA256"), "IncompleteSignatureException", "algorithm"
    )
    signature = "InvalidSignatureException"
    assert_refused(asking.ask(region=OTHER_REGION), signature, "Region")
    assert_refused(asking.ask(service="sts"), signature, "service")
    assert_refused(asking.ask(moment=now() - timedelta(seconds=330)), signature, "expired")
    assert_refused(asking.ask(moment=now() + timedelta(seconds=330)), signature, "not yet current")
    assert_refused(
        asking.send(sent.with_header("x-amz-note", "x")), signature, "not signed: x-amz-note"
    )
    without = {name: value for name, value in sent.headers.items() if name != "authorization"}
    assert_refused(
        asking.send(sent.but(headers=without)), "MissingAuthenticationTokenException", ""
    )
    assert site.lives(asking.session(moment=now() - timedelta(seconds=200)))


def test_a_request_is_used_once(site: Site) -> None:
    """A copy of a request gives nothing, also with another signature that needs no key."""
    for kind in ("ec", "rsa"):
        asking = site.asking(site.root.issue(key=authorities.new_key(kind)))
        same: Any = {"moment": now(), "headers": {"amz-sdk-invocation-id": "1"}}
        sent = asking.signed(**same)
        assert asking.send(sent).status == 201
        for copy in (sent, mirrored(sent)) if kind == "ec" else (sent, asking.signed(**same)):
            assert_refused(asking.send(copy), "ThrottlingException", "used before: sign a new one")
        other = asking.signed(moment=same["moment"], headers={"amz-sdk-invocation-id": "2"})
        assert asking.send(other).status == 201
    twin = site.asking()
    for number in range(3):  # the honest twin: a key on a curve signs the same text anew
        assert twin.ask(**same).status == 201, number


def mirrored(sent: Sent) -> Sent:
    """The same request with the second signature that everybody can make of one by P-256."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    lead, _, signature = sent.headers["authorization"].rpartition("=")
    r, s = decode_dss_signature(bytes.fromhex(signature))
    other = encode_dss_signature(r, order - s).hex()
    return sent.with_header("authorization", f"{lead}={other}")


def test_one_request_at_a_time_from_many(site: Site) -> None:
    """Of sixteen copies that are sent together, one gives a session."""
    asking = site.asking()
    sent = asking.signed()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: asking.send(sent), range(16)))
    assert sorted(answer.status for answer in answers) == [201] + [400] * 15


def test_profiles_and_roles(site: Site) -> None:
    """The profile exists, is enabled and of the anchor's place, and has the role."""
    asking, stranger = site.asking(), site.new_role("outside")
    assert_refused(asking.but(role=stranger).ask(), "AccessDeniedException", "not in the profile")
    profile = site.new_profile(stranger)
    with_it = asking.but(role=stranger, profile=profile["profileArn"])
    assert site.lives(with_it.session())
    site.anywhere.disable_profile(profileId=profile["profileId"])
    assert_refused(with_it.ask(), "AccessDeniedException", "is disabled")
    site.anywhere.delete_profile(profileId=profile["profileId"])
    assert_refused(with_it.ask(), "AccessDeniedException", "not found")
    for wrong in ("anchor", "profile", "role"):
        answer = asking.but(**{wrong: "arn:aws:iam::x"}).ask()
        assert_refused(answer, "ValidationException", "")


def test_trust_policies(site: Site) -> None:
    """The role's trust policy decides, with the anchor as source and the attributes as tags."""
    account = site.role.split(":")[4]
    arn = site.anchor["trustAnchorArn"]
    bearer = site.root.issue(named("web-2", ORGANIZATIONAL_UNIT_NAME="shop"))
    tag = "aws:PrincipalTag/x509Subject/OU"
    for number, (matches, condition) in enumerate((
        (True, {"ArnEquals": {"aws:SourceArn": arn}}),
        (False, {"ArnEquals": {"aws:SourceArn": f"{arn[:-1]}x"}}),
        (True, {"StringEquals": {"aws:SourceAccount": account}}),
        (False, {"StringEquals": {"aws:SourceAccount": "111122223333"}}),
        (True, {"StringEquals": {tag: "shop"}}),
        (False, {"StringEquals": {tag: "bank"}}),
        (True, {"StringEquals": {"aws:RequestTag/x509Issuer/CN": "root"}}),
        (True, {"StringEquals": {"sts:SourceIdentity": "web-2"}}),
        (False, {"StringEquals": {"sts:SourceIdentity": "web-3"}}),
        (True, {"StringEquals": {"aws:RequestedRegion": REGION}}),
    )):  # fmt: skip
        role = site.new_role(f"conditional-{number}", Condition=condition)
        profile = site.new_profile(role)
        asking = site.asking(bearer).but(role=role, profile=profile["profileArn"])
        answer = asking.ask()
        assert (answer.status == 201) is matches, (condition, answer.message)
        if not matches:
            assert_refused(answer, "AccessDeniedException", f"Unable to assume role for {role}")
    for missing in ("sts:TagSession", "sts:SetSourceIdentity"):
        left = [action for action in ACTIONS if action != missing]
        statement = {"Effect": "Allow", "Principal": SERVICE, "Action": left}
        site.iam.update_assume_role_policy(
            RoleName="conditional-0", PolicyDocument=policy(statement)
        )
        role = f"arn:aws:iam::{account}:role/conditional-0"
        profile = site.new_profile(role)
        answer = site.asking(bearer).but(role=role, profile=profile["profileArn"]).ask()
        assert_refused(answer, "AccessDeniedException", "Unable to assume role")


def test_an_operator_asks_why(site: Site) -> None:
    """`keystead explain` knows the service, and what its requests have."""
    source = {"ArnEquals": {"aws:SourceArn": site.anchor["trustAnchorArn"]}}
    role = site.new_role("explained", Condition=source)
    asked = ["explain", "--principal", "rolesanywhere.amazonaws.com", "--action", "sts:AssumeRole",
             "--resource", role]  # fmt: skip
    context = ["--context", f"aws:SourceArn={site.anchor['trustAnchorArn']}"]
    assert "allowed" in site.server.keystead(*asked, *context).stdout.lower()
    assert (
        site.server.keystead(*asked).returncode != site.server.keystead(*asked, *context).returncode
    )


def test_tags_of_the_session(site: Site) -> None:
    """Policies see the attributes that the profile maps, and no others."""
    role = site.new_role("tagged")
    profile = site.new_profile(role)
    one = {"profileId": profile["profileId"]}
    bearer = site.root.issue(
        named("web-3", ORGANIZATIONAL_UNIT_NAME="shop"), names=[x509.DNSName("a.example.com")]
    )
    asking = site.asking(bearer).but(role=role, profile=profile["profileArn"])

    def may(key: str, value: str) -> bool:
        allowed = {"StringEquals": {f"aws:PrincipalTag/{key}": value}}
        text = policy({"Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*",
                       "Condition": allowed})  # fmt: skip
        site.iam.put_role_policy(RoleName="tagged", PolicyName="all", PolicyDocument=text)
        try:
            site.client("kms", asking.session()).list_keys()
        except ClientError:
            return False
        return True

    assert may("x509SAN/DNS", "a.example.com")
    assert may("x509Subject/CN", "web-3")
    assert not may("x509Subject/CN", "web-4")
    site.anywhere.delete_attribute_mapping(**one, certificateField="x509SAN")
    site.anywhere.delete_attribute_mapping(**one, certificateField="x509Subject")
    site.anywhere.put_attribute_mapping(
        **one, certificateField="x509Subject", mappingRules=[{"specifier": "OU"}]
    )
    assert may("x509Subject/OU", "shop")
    assert not may("x509Subject/CN", "web-3")
    assert not may("x509SAN/DNS", "a.example.com")
    assert may("x509Issuer/CN", "root")


def test_names_that_are_no_tags(site: Site) -> None:
    """An attribute that cannot be a tag refuses, until the profile does not map it."""
    odd = site.root.issue(named("web-5", ORGANIZATION_NAME="A*B"))
    assert_refused(site.asking(odd).ask(), "AccessDeniedException", "x509Subject/O")
    profile = site.new_profile(site.role)
    site.anywhere.delete_attribute_mapping(
        profileId=profile["profileId"], certificateField="x509Subject"
    )
    assert site.lives(site.asking(odd).but(profile=profile["profileArn"]).session())
    spaced = site.root.issue(named("web 5"))
    assert_refused(site.asking(spaced).ask(), "AccessDeniedException", "source identity")
    nameless = site.root.issue(named(ORGANIZATION_NAME="Acme"))
    assert "sourceIdentity" not in site.asking(nameless).session()
    several = x509.Name([*named("web-6"), *named(ORGANIZATIONAL_UNIT_NAME="a"),
                         *named(ORGANIZATIONAL_UNIT_NAME="b")])  # fmt: skip
    assert site.lives(site.asking(site.root.issue(several)).session())
    joined = x509.Name([*several, *named(ORGANIZATIONAL_UNIT_NAME="c/d")])
    assert_refused(site.asking(site.root.issue(joined)).ask(), "AccessDeniedException", UNTRUSTED)


def test_names_times_and_policies_of_sessions(site: Site) -> None:
    """A given name needs the profile, the least time counts, and the profile's policies bind."""
    members = {"roleSessionName": "nightly", "durationSeconds": 43_200}
    asking = site.asking(members=members)
    assert_refused(asking.ask(), "AccessDeniedException", "custom role session name")
    text = policy({"Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*"})
    profile = site.new_profile(
        site.role, acceptRoleSessionName=True, sessionPolicy=text, durationSeconds=1800
    )
    session = asking.but(profile=profile["profileArn"]).session()
    assert session["assumedRoleUser"]["arn"].endswith("/nightly")
    kms = site.client("kms", session)
    assert kms.list_keys()
    with pytest.raises(ClientError) as refused:
        kms.list_aliases()
    assert "session policy" in str(refused.value)

    def left(session: dict[str, Any]) -> float:
        end = session["credentials"]["expiration"].replace("Z", "+00:00")
        return (type(now()).fromisoformat(end) - now()).total_seconds()

    assert 1700 < left(session) <= 1800
    short = site.root.issue(until=now() + timedelta(seconds=1200))
    assert 1100 < left(site.asking(short).session()) <= 1200
    assert_refused(
        site.asking(members={"durationSeconds": 899}).ask(), "ValidationException", "900"
    )
    needing = site.new_profile(site.role, requireInstanceProperties=True)["profileArn"]
    asking = site.asking().but(profile=needing)
    assert_refused(asking.ask(), "ValidationException", "instanceProperties")
    assert site.lives(asking.but(members={"instanceProperties": {"name": "a"}}).session())


def test_long_chains(site: Site) -> None:
    """Five certificates may stand in between; six are refused, and what is too long for a head."""
    chain, top = [], site.root
    for number in range(6):
        top = top.authority(f"level-{number}")
        chain.append(top)
    five = chain[4].issue()
    assert site.lives(site.asking(five, chain=chain[:5]).session())
    assert_refused(
        site.asking(chain[5].issue(), chain=chain).ask(), "ValidationException", "more than 5"
    )
    asking = site.asking()
    for size in (20_000, 90_000):
        answer = asking.ask(headers={"x-amz-x509-chain": "A" * size})
        assert answer.status in {400, 431}


@settings(max_examples=60)
@given(st.binary(max_size=300), st.integers(0, 2), st.integers(0, 400))
def test_garbage(site: Site, garbage: bytes, where: int, place: int) -> None:
    """Whatever stands in the headers, the answer is a refusal, and never a failure of ours."""
    bearer = GARBAGE_BEARER.setdefault(0, site.root.issue())
    der = bearer.der
    cut = der[:place] + garbage + der[place + len(garbage) :]
    leaf = [garbage, cut, der + garbage][where]
    answer = site.asking(bearer).ask(leaf=leaf)
    if leaf != der:
        assert answer.code in {"AccessDeniedException", "ValidationException"}, answer
    for text in ("%", "QQ", "!", ","):
        told = site.asking(bearer).ask(headers={"x-amz-x509-chain": text})
        assert told.code in {"AccessDeniedException", "ValidationException"}, told


@settings(max_examples=60)
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=200),
       st.integers(0, 300), st.integers(0, 40))  # fmt: skip
def test_garbage_in_the_signature(site: Site, text: str, place: int, length: int) -> None:
    """Whatever stands in the Authorization header, the answer is a refusal in AWS's words."""
    asking = site.asking(GARBAGE_BEARER.setdefault(0, site.root.issue()))
    sent = asking.signed()
    right = sent.headers["authorization"]
    for wrong in (text, f"{ECDSA} {text}", right[:place] + text + right[place + length :]):
        answer = asking.send(sent.with_header("authorization", wrong))
        assert answer.status in {400, 403} or wrong == right, answer
        assert answer.code.endswith(("Exception", "Token")) or wrong == right, answer


GARBAGE_BEARER: dict[int, Issued] = {}
