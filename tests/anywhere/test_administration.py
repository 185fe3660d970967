"""Trust anchors, profiles, revocation lists and tags, as boto3 sees them."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from tests.anywhere import authorities
from tests.anywhere.authorities import HOUR, Issued, now, usage
from tests.conftest import OTHER_REGION, REGION, Credentials, Server, create_user, policy, refused

TRUST = policy(
    {
        "Effect": "Allow",
        "Principal": {"Service": "rolesanywhere.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
    }
)
TAGS = [{"key": "team", "value": "blue"}]


@pytest.fixture(scope="module")
def anywhere(server: Server) -> Any:
    return server.client("rolesanywhere")


@pytest.fixture(scope="module")
def ca() -> Issued:
    return authorities.root()


@pytest.fixture(scope="module")
def role(server: Server) -> str:
    made = server.client("iam").create_role(RoleName="host", AssumeRolePolicyDocument=TRUST)
    return str(made["Role"]["Arn"])


def bundle(*certificates: Issued) -> dict[str, Any]:
    text = "".join(each.pem for each in certificates)
    return {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": text}}


def anchor(anywhere: Any, *certificates: Issued, **given: Any) -> dict[str, Any]:
    made = anywhere.create_trust_anchor(name="ours", source=bundle(*certificates), **given)
    found: dict[str, Any] = made["trustAnchor"]
    return found


def test_a_trust_anchor_from_its_creation_to_its_end(anywhere: Any, ca: Issued) -> None:
    """It is made disabled, found by id and ARN, changed, listed and deleted."""
    made = anchor(anywhere, ca)
    assert not made["enabled"]
    assert made["trustAnchorArn"].endswith(f"trust-anchor/{made['trustAnchorId']}")
    one = {"trustAnchorId": made["trustAnchorId"]}
    assert anywhere.get_trust_anchor(**one)["trustAnchor"] == made
    by_arn = anywhere.get_trust_anchor(trustAnchorId=made["trustAnchorArn"])["trustAnchor"]
    assert by_arn == made
    assert by_arn["source"] == bundle(ca)
    assert anywhere.enable_trust_anchor(**one)["trustAnchor"]["enabled"]
    other = authorities.root("other")
    changed = anywhere.update_trust_anchor(**one, name="renamed", source=bundle(ca, other))
    assert changed["trustAnchor"]["name"] == "renamed"
    assert changed["trustAnchor"]["source"] == bundle(ca, other)
    assert not anywhere.disable_trust_anchor(**one)["trustAnchor"]["enabled"]
    listed = [each["trustAnchorId"] for each in anywhere.list_trust_anchors()["trustAnchors"]]
    assert made["trustAnchorId"] in listed
    anywhere.delete_trust_anchor(**one)
    with refused("ResourceNotFoundException"):
        anywhere.get_trust_anchor(**one)


@pytest.mark.parametrize(
    ("certificate", "message"),
    [
        (lambda: authorities.issued("leaf"), "Incorrect basic constraints"),
        (lambda: authorities.issued("leaf", ca=None), "Incorrect basic constraints"),
        (lambda: authorities.root(key_usage=usage("crl_sign")), "Incorrect key usage"),
        (lambda: authorities.root(key=authorities.weak_key()), "1024 bits"),
        (lambda: authorities.root(key=ec.generate_private_key(ec.SECP256K1())), "secp256k1"),
    ],
    ids=["no authority", "no constraints", "signs no certificates", "short key", "other curve"],
)
def test_what_is_no_authority(anywhere: Any, certificate: Any, message: str) -> None:
    """A bundle has authorities alone; twin: the test above."""
    with refused("ValidationException", message):
        anchor(anywhere, certificate())


def test_what_is_no_bundle(anywhere: Any, ca: Issued) -> None:
    """A bundle is PEM certificates, and nothing secret; other sources are not here."""

    def create(**source: Any) -> None:
        anywhere.create_trust_anchor(name="ours", source=source)

    for text in ("x", ca.pem[:-40], ca.pem + ca.key_pem.decode(), ca.pem.replace("M", "-", 1)):
        with refused("ValidationException"):
            create(sourceType="CERTIFICATE_BUNDLE", sourceData={"x509CertificateData": text})
    with refused("ValidationException", "at most 40000 characters"):
        long = {"x509CertificateData": ca.pem + "\n" * 40_000}
        create(sourceType="CERTIFICATE_BUNDLE", sourceData=long)
    with refused("ValidationException", "more than 10 certificates"):
        create(sourceType="CERTIFICATE_BUNDLE", sourceData={"x509CertificateData": ca.pem * 11})
    with refused("ValidationException", "no AWS Private Certificate Authority"):
        create(sourceType="AWS_ACM_PCA", sourceData={"acmPcaArn": "arn:aws:acm-pca:::x"})
    with refused("ValidationException", "CERTIFICATE_BUNDLE"):
        create(sourceType="SELF_SIGNED_REPOSITORY")


def test_notification_settings(anywhere: Any, ca: Issued) -> None:
    """They are kept and shown, and reset to AWS's defaults."""
    made = anchor(anywhere, ca)
    event = "CA_CERTIFICATE_EXPIRY"
    assert [(each["event"], each["enabled"], each["threshold"])
            for each in made["notificationSettings"]] == [
        (event, True, 45), ("END_ENTITY_CERTIFICATE_EXPIRY", True, 45)]  # fmt: skip
    one = {"trustAnchorId": made["trustAnchorId"]}
    put = anywhere.put_notification_settings(
        **one, notificationSettings=[{"event": event, "enabled": False, "threshold": 7}]
    )
    shown = put["trustAnchor"]["notificationSettings"]
    assert (shown[0]["enabled"], shown[0]["threshold"]) == (False, 7)
    reset = anywhere.reset_notification_settings(**one, notificationSettingKeys=[{"event": event}])
    assert reset["trustAnchor"]["notificationSettings"] == made["notificationSettings"]
    anywhere.delete_trust_anchor(**one)


def test_a_profile_from_its_creation_to_its_end(anywhere: Any, role: str) -> None:
    """It is made disabled, with AWS's mappings, changed, listed and deleted."""
    made = anywhere.create_profile(name="hosts", roleArns=[role])["profile"]
    assert (made["enabled"], made["durationSeconds"], made["roleArns"]) == (False, 3600, [role])
    assert made["attributeMappings"] == [
        {"certificateField": "x509Issuer", "mappingRules": [{"specifier": "*"}]},
        {"certificateField": "x509SAN",
         "mappingRules": [{"specifier": "DNS"}, {"specifier": "URI"}, {"specifier": "Name/*"}]},
        {"certificateField": "x509Subject", "mappingRules": [{"specifier": "*"}]},
    ]  # fmt: skip
    one = {"profileId": made["profileId"]}
    assert anywhere.get_profile(profileId=made["profileArn"])["profile"] == made
    assert anywhere.enable_profile(**one)["profile"]["enabled"]
    text = policy({"Effect": "Allow", "Action": "kms:*", "Resource": "*"})
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    changed = anywhere.update_profile(
        **one, name="renamed", sessionPolicy=text, managedPolicyArns=[admin], durationSeconds=900,
        acceptRoleSessionName=True,
    )["profile"]  # fmt: skip
    wanted = {"name": "renamed", "sessionPolicy": text, "managedPolicyArns": [admin],
              "durationSeconds": 900, "acceptRoleSessionName": True, "enabled": True}  # fmt: skip
    assert {name: changed[name] for name in wanted} == wanted
    assert not anywhere.disable_profile(**one)["profile"]["enabled"]
    assert made["profileId"] in [p["profileId"] for p in anywhere.list_profiles()["profiles"]]
    anywhere.delete_profile(**one)
    with refused("ResourceNotFoundException"):
        anywhere.get_profile(**one)


def test_what_is_no_profile(anywhere: Any, role: str) -> None:
    """Roles exist in the account, policies are understood, and what is not here is refused."""
    nobody = role.replace(":role/host", ":role/nobody")
    for given in (
        {"roleArns": [nobody]},
        {"roleArns": [role.replace(":iam:", ":s3:")]},
        {"roleArns": ["arn:aws:iam" + ":" * 5000]},
        {"roleArns": [role], "sessionPolicy": "{}"},
        {"roleArns": [role], "managedPolicyArns": [f"{nobody}"]},
        {"roleArns": [role], "tags": [{"key": "aws:x", "value": ""}]},
    ):
        with refused("ValidationException"):
            anywhere.create_profile(name="hosts", **given)
    stranger = role.replace(role.split(":")[4], "999999999999")
    with refused("AccessDeniedException", "iam:PassRole"):
        anywhere.create_profile(name="hosts", roleArns=[stranger])


def test_attribute_mappings(anywhere: Any, role: str) -> None:
    """Rules are put beside others, and deleted one by one or by field."""
    made = anywhere.create_profile(name="hosts", roleArns=[role])["profile"]
    one = {"profileId": made["profileId"]}

    def rules(answer: Any) -> dict[str, list[str]]:
        return {
            each["certificateField"]: [rule["specifier"] for rule in each["mappingRules"]]
            for each in answer["profile"]["attributeMappings"]
        }

    gone = anywhere.delete_attribute_mapping(**one, certificateField="x509SAN")
    assert set(rules(gone)) == {"x509Issuer", "x509Subject"}
    less = anywhere.delete_attribute_mapping(
        **one, certificateField="x509Subject", specifiers=["*"]
    )
    assert set(rules(less)) == {"x509Issuer"}
    put = anywhere.put_attribute_mapping(
        **one, certificateField="x509Subject",
        mappingRules=[{"specifier": "CN"}, {"specifier": "OU"}],
    )  # fmt: skip
    assert rules(put)["x509Subject"] == ["CN", "OU"]
    with refused("ValidationException", "not known for x509SAN"):
        anywhere.put_attribute_mapping(
            **one, certificateField="x509SAN", mappingRules=[{"specifier": "CN"}]
        )
    anywhere.delete_profile(**one)


def test_revocation_lists(anywhere: Any, ca: Issued) -> None:
    """A list that the trust anchor signed is imported, changed, listed and deleted."""
    made = anchor(anywhere, ca)
    given = {"name": "lists", "trustAnchorArn": made["trustAnchorArn"]}
    data = ca.crl(ca.issue(), ca.issue())
    crl = anywhere.import_crl(**given, crlData=data, enabled=True)["crl"]
    assert (crl["enabled"], crl["crlData"]) == (True, data)
    one = {"crlId": crl["crlId"]}
    assert anywhere.get_crl(crlId=crl["crlArn"])["crl"] == crl
    newer = ca.crl(ca.issue())
    assert anywhere.update_crl(**one, crlData=newer)["crl"]["crlData"] == newer
    assert anywhere.get_crl(**one)["crl"]["crlData"] == newer
    assert anywhere.update_crl(**one, name="more")["crl"]["name"] == "more"
    assert not anywhere.disable_crl(**one)["crl"]["enabled"]
    assert anywhere.enable_crl(**one)["crl"]["enabled"]
    assert crl["crlId"] in [each["crlId"] for each in anywhere.list_crls()["crls"]]
    anywhere.import_crl(**given, crlData=newer)
    with refused("ValidationException", "2 CRLs of a trust anchor"):
        anywhere.import_crl(**given, crlData=newer)
    assert anywhere.delete_crl(**one)["crl"]["crlData"] == newer
    anywhere.delete_trust_anchor(trustAnchorId=made["trustAnchorId"])
    assert anywhere.list_crls()["crls"] == []


def test_an_older_revocation_list(anywhere: Any, ca: Issued) -> None:
    """It takes no newer one's place: by a copy, somebody could let revoked certificates in."""
    other, moment = authorities.root("other"), now() - HOUR
    made = anchor(anywhere, ca, other)
    given = {"name": "x", "trustAnchorArn": made["trustAnchorArn"]}

    def data(number: int, minutes: int = 0, by: Issued = ca) -> bytes:
        since = moment + timedelta(minutes=minutes)
        return by.crl(since=since, extensions=[(x509.CRLNumber(number), False)])

    one = {"crlId": anywhere.import_crl(**given, crlData=data(7))["crl"]["crlId"]}
    for older in (data(8, minutes=-1), data(6), ca.crl(since=moment)):
        with refused("ValidationException", "older than the stored one: delete that one first"):
            anywhere.update_crl(**one, crlData=older)
    with refused("ValidationException", "another issuer than the stored one: import it beside"):
        anywhere.update_crl(**one, crlData=data(9, 1, other))
    for later in (data(7), data(8), data(1, minutes=1)):  # the same again; an authority anew
        assert anywhere.update_crl(**one, crlData=later)["crl"]["crlData"] == later
    anywhere.import_crl(**given, crlData=data(9, 1, other))
    source = {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": other.pem}}
    anywhere.update_trust_anchor(trustAnchorId=made["trustAnchorId"], source=source)
    anywhere.update_crl(**one, crlData=data(9, -9, other))  # the other authority is there no more
    anywhere.delete_trust_anchor(trustAnchorId=made["trustAnchorId"])


def test_what_is_no_revocation_list(anywhere: Any, ca: Issued) -> None:
    """A list of somebody else, one that is not understood, and one of a disabled signature."""
    foreign, below = authorities.root(), ca.authority()
    silent = authorities.root("silent", key_usage=usage("key_cert_sign"))
    made = anchor(anywhere, ca, silent)
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    indirect = x509.IssuingDistributionPoint(
        full_name=None, relative_name=None, only_contains_user_certs=False,
        only_contains_ca_certs=False, only_some_reasons=None, indirect_crl=True,
        only_contains_attribute_certs=False,
    )  # fmt: skip
    for data, message in (
        (b"x", "Unable to parse"),
        (ca.crl()[:-60], "Unable to parse"),
        (ca.crl() + ca.crl(), "not one CRL"),
        (ca.pem.encode(), "not one CRL"),
        (foreign.crl(), "not signed by the trust anchor"),
        (below.crl(), "not signed by the trust anchor"),
        (below.crl(issuer=ca.certificate.subject), "not signed by the trust anchor"),
        (silent.crl(), "not signed by the trust anchor"),
        (ca.crl(since=now() + HOUR), "not yet valid"),
        (ca.crl(extensions=[(unknown, True)]), "critical extension"),
        (ca.crl(extensions=[(x509.DeltaCRLIndicator(1), True)]), "list of changes"),
        (ca.crl(extensions=[(indirect, True)]), "other issuers"),
    ):
        with refused("ValidationException", message):
            anywhere.import_crl(name="x", crlData=data, trustAnchorArn=made["trustAnchorArn"])
    ok = ca.crl(extensions=[(unknown, False), (x509.CRLNumber(7), False)])
    anywhere.import_crl(name="x", crlData=ok, trustAnchorArn=made["trustAnchorArn"])
    anywhere.delete_trust_anchor(trustAnchorId=made["trustAnchorId"])


def test_a_long_revocation_list(server: Server, anywhere: Any, ca: Issued) -> None:
    """One of AWS's greatest size is read beside the loop; a longer one is not."""
    made = anchor(anywhere, ca, enabled=True)
    first = 1 << 150
    data = ca.long_crl(range(first, first + 7_800))
    assert 290_000 < len(data) <= 300_000
    crl = anywhere.import_crl(name="x", crlData=data, trustAnchorArn=made["trustAnchorArn"])["crl"]
    assert anywhere.get_crl(crlId=crl["crlId"])["crl"]["crlData"] == data
    with refused("ValidationException", "300000"):
        anywhere.update_crl(crlId=crl["crlId"], crlData=data + bytes(10_000))
    anywhere.delete_trust_anchor(trustAnchorId=made["trustAnchorId"])
    stranger = server.client("rolesanywhere", Credentials("AKIA" + "A" * 16, "x"))
    with refused("413", "262144 bytes"):
        stranger.import_crl(name="x", crlData=data, trustAnchorArn=made["trustAnchorArn"])


def test_tags(server: Server, anywhere: Any, ca: Issued, role: str) -> None:
    """Every kind of resource has tags, which policies see."""
    made = anchor(anywhere, ca, tags=TAGS)
    profile = anywhere.create_profile(name="hosts", roleArns=[role], tags=TAGS)["profile"]
    crl = anywhere.import_crl(
        name="x", crlData=ca.crl(), trustAnchorArn=made["trustAnchorArn"], tags=TAGS
    )["crl"]
    for arn in (made["trustAnchorArn"], profile["profileArn"], crl["crlArn"]):
        assert anywhere.list_tags_for_resource(resourceArn=arn)["tags"] == TAGS
        anywhere.tag_resource(resourceArn=arn, tags=[{"key": "cost", "value": "7"}])
        anywhere.untag_resource(resourceArn=arn, tagKeys=["team"])
        left = anywhere.list_tags_for_resource(resourceArn=arn)["tags"]
        assert left == [{"key": "cost", "value": "7"}]
        with refused("ValidationException", "upper and lower"):
            anywhere.tag_resource(resourceArn=arn, tags=[{"key": "Cost", "value": "7"}])
        many = [{"key": f"k{n}", "value": ""} for n in range(50)]
        with refused("TooManyTagsException"):
            anywhere.tag_resource(resourceArn=arn, tags=many)
    with refused("ValidationException", "not the ARN"):
        anywhere.list_tags_for_resource(resourceArn=role)
    with refused("ResourceNotFoundException"):
        anywhere.list_tags_for_resource(
            resourceArn=made["trustAnchorArn"].replace(made["trustAnchorId"], str(uuid4()))
        )
    blue = {"StringEquals": {"aws:ResourceTag/cost": "7"}}
    some = create_user(
        server, "tagged",
        {"Effect": "Allow", "Action": "rolesanywhere:*", "Resource": "*", "Condition": blue},
    )  # fmt: skip
    theirs = server.client("rolesanywhere", some)
    assert theirs.get_profile(profileId=profile["profileId"])["profile"]["name"] == "hosts"
    other = anywhere.create_profile(name="hosts", roleArns=[role])["profile"]["profileId"]
    with refused("AccessDeniedException", "rolesanywhere:GetProfile"):
        theirs.get_profile(profileId=other)


def test_roles_are_passed(server: Server, anywhere: Any, role: str) -> None:
    """Who makes or changes a profile needs iam:PassRole for its roles, to this service."""
    allowed = {"Effect": "Allow", "Action": "rolesanywhere:*", "Resource": "*"}
    to = {"StringEquals": {"iam:PassedToService": "rolesanywhere.amazonaws.com"}}
    passing = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": role}
    without = server.client("rolesanywhere", create_user(server, "without", allowed))
    with_it = create_user(server, "passing", allowed, {**passing, "Condition": to})
    passer = server.client("rolesanywhere", with_it)
    with refused("AccessDeniedException", "iam:PassRole"):
        without.create_profile(name="x", roleArns=[role])
    made = passer.create_profile(name="x", roleArns=[role])["profile"]["profileId"]
    with refused("AccessDeniedException", "iam:PassRole"):
        without.update_profile(profileId=made, durationSeconds=43200)
    assert passer.update_profile(profileId=made, durationSeconds=900)
    assert without.disable_profile(profileId=made)


def test_pages_accounts_and_regions(server: Server, ca: Issued) -> None:
    """A list has pages, of the caller's account and Region alone; so have ids and ARNs."""
    _, owner = server.new_account()
    mine = server.client("rolesanywhere", owner)
    made = {anchor(mine, ca)["trustAnchorId"] for _ in range(3)}
    first = mine.list_trust_anchors(pageSize=2)
    second = mine.list_trust_anchors(pageSize=2, nextToken=first["nextToken"])
    assert "nextToken" not in second
    found = [each["trustAnchorId"] for each in first["trustAnchors"] + second["trustAnchors"]]
    assert set(found) == made
    with refused("ValidationException", "nextToken"):
        mine.list_profiles(nextToken=first["nextToken"])
    elsewhere = server.client("rolesanywhere", owner, region=OTHER_REGION)
    assert elsewhere.list_trust_anchors()["trustAnchors"] == []
    arn = first["trustAnchors"][0]["trustAnchorArn"]
    with refused("ResourceNotFoundException"):
        elsewhere.get_trust_anchor(trustAnchorId=found[0])
    with refused("ValidationException", "of this account and Region"):
        elsewhere.get_trust_anchor(trustAnchorId=arn)
    with refused("ResourceNotFoundException"):
        server.client("rolesanywhere").get_trust_anchor(trustAnchorId=found[0])
    with refused("ValidationException", "of this account and Region"):
        server.client("rolesanywhere").get_trust_anchor(trustAnchorId=arn)


def test_quotas(server: Server, ca: Issued) -> None:
    """The fifty-first trust anchor of an account in a Region is refused."""
    _, owner = server.new_account()
    mine = server.client("rolesanywhere", owner)
    for _ in range(50):
        anchor(mine, ca)
    with refused("ValidationException", "50 trust anchors"):
        anchor(mine, ca)
    assert anchor(server.client("rolesanywhere", owner, region=OTHER_REGION), ca)


def test_records(server: Server, anywhere: Any, ca: Issued) -> None:
    """A change is recorded with what it is about, and marked."""
    made = anchor(anywhere, ca)
    anywhere.enable_trust_anchor(trustAnchorId=made["trustAnchorId"])
    shown = server.keystead("audit", "show", "--json", "--last", "1")
    record = json.loads(shown.stdout)
    assert (record["eventSource"], record["eventName"]) == (
        "rolesanywhere.amazonaws.com", "EnableTrustAnchor",
    )  # fmt: skip
    assert record["resources"][0]["ARN"] == made["trustAnchorArn"]
    assert record["awsRegion"] == REGION
