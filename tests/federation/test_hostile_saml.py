"""Every published attack on SAML, each beside the same response without it (threat-model SA)."""

import base64
import re
from collections.abc import Callable
from copy import deepcopy
from queue import SimpleQueue
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from keystead.identity.federation.saml import signatures
from keystead.identity.federation.saml.assertions import Assertion
from keystead.identity.federation.saml.proof import IdentityProvider, verify
from keystead.server.pipeline import Answer, Later
from keystead.work import Outcome, Undone
from tests.federation import saml_issuer as issuer
from tests.federation.land import text, told
from tests.federation.saml_issuer import (
    DS,
    ENVELOPED,
    EXCLUSIVE,
    HONEST,
    SAML,
    SAMLP,
    Signing,
    key,
)
from tests.federation.saml_land import INVALID, SamlLand
from tests.identity.saml_documents import ENTITY, private_pem
from tests.patience import PATIENCE

EVIL = "root@example.com"
NAMES = {"s": SAML, "p": SAMLP, "d": DS}
VERIFIED = signatures._verified
Case = tuple[Callable[[SamlLand], str], str]


@pytest.fixture(autouse=True)
def honest(saml: SamlLand) -> None:
    """The twin of every case: the response without the attack lets its bearer in."""
    assert saml.assume().status == 200, saml.why


def refuse(land: SamlLand, document: str, step: str) -> None:
    """A stranger hears one sentence; the record, and the operator, learn the step."""
    answer = land.assume(document)
    assert told(answer) == ("InvalidIdentityToken", INVALID), (answer.body, land.why)
    assert step in land.why, land.why
    [event] = land.local.events
    assert event.principal is None
    assert event.decisions == []


# wrapping: the eight shapes of Somorovsky and others, "On Breaking SAML" (2012), and kin


def parsed(document: str) -> Any:
    return etree.fromstring(document)


def shown(root: Any) -> str:
    written: str = etree.tostring(root, encoding="unicode")
    return written


def evil(root: Any, name: str | None = "_evil") -> Any:
    """A copy that speaks of somebody else, without a signature."""
    copy = deepcopy(root)
    copy.xpath("//s:NameID", namespaces=NAMES)[0].text = EVIL
    for signature in copy.xpath(".//d:Signature", namespaces=NAMES):
        signature.getparent().remove(signature)
    if name is not None:
        copy.set("ID", name)
    return copy


def of_response(land: SamlLand) -> Any:
    said = land.saying()
    return parsed(issuer.signed(issuer.response(said, issuer.assertion(said))))


def parts(land: SamlLand) -> tuple[Any, Any, Any]:
    """A response, its signed assertion, and the signature."""
    root = parsed(land.response())
    [assertion] = root.xpath("s:Assertion", namespaces=NAMES)
    return root, assertion, assertion.xpath("d:Signature", namespaces=NAMES)[0]


def xsw1(land: SamlLand, *, before: bool = False) -> str:
    original = of_response(land)
    forged = evil(original)
    [signature] = original.xpath("d:Signature", namespaces=NAMES)
    original.remove(signature)
    if before:
        forged.insert(1, original)
        forged.insert(2, signature)
    else:
        signature.append(original)
        forged.insert(1, signature)
    return shown(forged)


def xsw3(land: SamlLand, *, after: bool = False) -> str:
    root, assertion, _ = parts(land)
    root.insert(root.index(assertion) + after, evil(assertion))
    return shown(root)


def xsw4(land: SamlLand) -> str:
    root, assertion, _ = parts(land)
    forged = evil(assertion)
    root.replace(assertion, forged)
    forged.append(assertion)
    return shown(root)


def xsw5(land: SamlLand, *, name: str | None = "_evil") -> str:
    root, assertion, signature = parts(land)
    forged = evil(assertion, name)
    assertion.remove(signature)
    forged.insert(1, signature)
    root.insert(root.index(assertion), forged)
    return shown(root)


def xsw6(land: SamlLand, *, inside: str = "", name: str | None = "_evil") -> str:
    root, assertion, signature = parts(land)
    forged = evil(assertion, name)
    root.replace(assertion, forged)
    assertion.remove(signature)
    forged.insert(1, signature)
    holder = signature if not inside else etree.SubElement(signature, inside)
    holder.append(assertion)
    return shown(root)


def xsw7(land: SamlLand, *, same: bool) -> str:
    root, assertion, _ = parts(land)
    extensions = etree.Element(f"{{{SAMLP}}}Extensions")
    extensions.append(evil(assertion, None if same else "_evil"))
    root.insert(1, extensions)
    return shown(root)


def in_advice(land: SamlLand) -> str:
    root, assertion, _ = parts(land)
    forged = evil(assertion)
    advice = etree.SubElement(forged, f"{{{SAML}}}Advice")
    root.replace(assertion, forged)
    advice.append(assertion)
    return shown(root)


def detached(land: SamlLand) -> str:
    """The signature of the assertion, as if it were that of the response."""
    root, assertion, signature = parts(land)
    root.replace(assertion, evil(assertion))
    root.insert(1, signature)
    return shown(root)


def plain_twin(land: SamlLand, *, name: str) -> str:
    """The forged assertion has the ID of the signed one, in this attribute's spelling."""
    root, assertion, _ = parts(land)
    root.xpath("p:Status", namespaces=NAMES)[0].set(name, assertion.get("ID"))
    return shown(root)


XML_ID = "{http://www.w3.org/XML/1998/namespace}id"
WRAPPED: dict[str, Case] = {
    "XSW1": (xsw1, "step 2"), "XSW2": (lambda land: xsw1(land, before=True), "step 2"),
    "XSW3": (xsw3, "step 2"), "XSW3 after": (lambda land: xsw3(land, after=True), "step 2"),
    "XSW4": (xsw4, "step 2"),
    "XSW5": (xsw5, "step 2"), "XSW5 same ID": (lambda land: xsw5(land, name=None), "step 2"),
    "XSW6": (xsw6, "step 2"), "XSW6 same ID": (lambda land: xsw6(land, name=None), "step 2"),
    "XSW7": (lambda land: xsw7(land, same=False), "step 2"),
    "XSW7 same ID": (lambda land: xsw7(land, same=True), "step 2"),
    "XSW8": (lambda land: xsw6(land, inside=f"{{{DS}}}Object"), "step 2"),
    "in KeyInfo": (lambda land: xsw6(land, inside=f"{{{DS}}}KeyInfo"), "step 2"),
    "in advice": (in_advice, "step 2"),
    "signature of another element": (detached, "step 3"),
    "the same Id": (lambda land: plain_twin(land, name="Id"), "step 2"),
    "the same id": (lambda land: plain_twin(land, name="id"), "step 2"),
    "the same ID": (lambda land: plain_twin(land, name="ID"), "step 2"),
    "the same xml:id": (lambda land: plain_twin(land, name=XML_ID), "step 2"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRAPPED)
def test_wrapping(saml: SamlLand, case: str) -> None:
    """Whatever is wrapped around a signed assertion, or within it, nobody else comes in."""
    make, step = WRAPPED[case]
    refuse(saml, make(saml), step)


# signatures


def signed_by(land: SamlLand, **changes: Any) -> str:
    return land.response(None, HONEST.but(**changes))


def x509_info(name: str) -> str:
    text = issuer.certified(name)
    return f"<ds:X509Data><ds:X509Certificate>{text}</ds:X509Certificate></ds:X509Data>"


def key_value(name: str) -> str:
    numbers = key(name).public_key().public_numbers()
    encoded = (base64.b64encode(n.to_bytes((n.bit_length() + 7) // 8, "big")).decode()
               for n in (numbers.n, numbers.e))  # fmt: skip
    modulus, exponent = encoded
    return (
        f"<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>{modulus}</ds:Modulus>"
        f"<ds:Exponent>{exponent}</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>"
    )


XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
BASE64 = "http://www.w3.org/2000/09/xmldsig#base64"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
COMMENTS = f"{EXCLUSIVE}WithComments"
HMAC = f"{issuer.MORE}hmac-sha256"

SIGNED: dict[str, tuple[dict[str, Any], str]] = {
    "another key": ({"key": "evil"}, "no certificate"),
    "its own certificate": ({"key": "evil", "key_info": x509_info}, "no certificate"),
    "its own KeyValue": ({"key": "evil", "key_info": key_value}, "no certificate"),
    "HMAC with the certificate": ({"key": "PEM", "method": HMAC}, "algorithm"),
    "HMAC of the old name": (
        {"key": "PEM", "method": "http://www.w3.org/2000/09/xmldsig#hmac-sha1"}, "algorithm"),
    "SHA-1": ({"method": "http://www.w3.org/2000/09/xmldsig#rsa-sha1"}, "algorithm"),
    "a SHA-1 digest": ({"digest": "http://www.w3.org/2000/09/xmldsig#sha1"}, "digest"),
    "no algorithm": ({"method": ""}, "algorithm"),
    "none": ({"method": "none"}, "algorithm"),
    "parameters": ({"parameters": "<ds:HMACOutputLength>0</ds:HMACOutputLength>"}, "algorithm"),
    "ECDSA by RSA": ({"method": f"{issuer.MORE}ecdsa-sha256"}, "no certificate"),
    "the whole document": ({"uri": ""}, "refers"), "another ID": ({"uri": "#_other"}, "refers"),
    "a file": ({"uri": "file:///etc/passwd"}, "refers"),
    "an address": ({"uri": "http://127.0.0.1:9/x"}, "refers"),
    "an XPointer": ({"uri": "#xpointer(/)"}, "refers"),
    "two hashes": ({"uri": "##_x"}, "refers"),
    "a type": ({"more": ' Type="http://www.w3.org/2000/09/xmldsig#Object"'}, "refers"),
    "two references": ({"references": 2}, "form"), "no reference": ({"references": 0}, "form"),
    "an object": ({"object": "<ds:Object>x</ds:Object>"}, "Object"),
    "something behind": ({"object": "<x/>"}, "form"),
    "XSLT": ({"transforms": (ENVELOPED, XSLT, EXCLUSIVE)}, "form"),
    "XSLT instead": ({"transforms": (XSLT, EXCLUSIVE)}, "transforms"),
    "XPath": ({"transforms": (ENVELOPED, XPATH)}, "transforms"),
    "base64": ({"transforms": (ENVELOPED, BASE64)}, "transforms"),
    "inclusive": ({"transforms": (ENVELOPED, INCLUSIVE)}, "transforms"),
    "with comments": ({"transforms": (ENVELOPED, COMMENTS)}, "transforms"),
    "enveloped twice": ({"transforms": (ENVELOPED, ENVELOPED)}, "transforms"),
    "not enveloped": ({"transforms": (EXCLUSIVE,)}, "form"),
    "no transform": ({"transforms": ()}, "form"),
    "inclusive SignedInfo": ({"canonical": INCLUSIVE}, "canonical"),
    "SignedInfo with comments": ({"canonical": COMMENTS}, "canonical"),
}  # fmt: skip


@pytest.mark.parametrize("case", SIGNED)
def test_signatures(saml: SamlLand, case: str) -> None:
    """A signature that is made in another way than the one that is accepted."""
    changes, why = SIGNED[case]
    changes = dict(changes)
    if callable(make := changes.get("key_info")):
        changes["key_info"] = make("evil")
    if (name := changes.get("key")) is not None:
        changes["key"] = issuer.public_pem("idp") if name == "PEM" else key(name)
    refuse(saml, signed_by(saml, **changes), why)


def test_key_info_is_not_read(saml: SamlLand) -> None:
    """Whatever an honest signature says of keys: they come from the metadata."""
    for info in (x509_info("evil"), key_value("evil"), "<ds:KeyName>../../etc</ds:KeyName>", "x"):
        assert saml.assume(signed_by(saml, key_info=info)).status == 200, saml.why


def test_a_bad_signature_beside_a_good_one(saml: SamlLand) -> None:
    """Both count if both are there."""
    said = saml.saying()
    good, bad = HONEST, Signing(key("evil"))
    for inner, outer, step in ((good, bad, "step 3"), (bad, good, "step 5")):
        whole = issuer.response(said, issuer.signed(issuer.assertion(said), inner))
        refuse(saml, issuer.signed(whole, outer), step)


def changed(pattern: str, by: str) -> Callable[[SamlLand], str]:
    def make(land: SamlLand) -> str:
        document, times = re.subn(pattern, by, land.response(), count=1)
        assert times == 1
        return document

    return make


CHANGED: dict[str, Case] = {
    "another subject": (changed("jo@example.com", EVIL), "no certificate"),
    "another role": (changed(":role/web", ":role/own"), "no certificate"),
    "a later end": (
        changed('(<saml:Conditions [^>]*NotOnOrAfter=")2', r"\g<1>3"), "no certificate"),
    "a text behind": (changed("</saml:NameID>", ".evil</saml:NameID>"), "no certificate"),
    "an element inside": (
        changed("jo@example.com", "jo@example.com<x/>"), "no certificate"),
    "an attribute more": (changed("<saml:NameID ", '<saml:NameID x="y" '), "no certificate"),
    "no signature": (changed("<ds:Signature .*</ds:Signature>", ""), "no signature"),
    "an empty signature": (
        changed("<ds:SignatureValue>[^<]*", "<ds:SignatureValue>"), "no plain value"),
    "an empty digest": (changed("<ds:DigestValue>[^<]*", "<ds:DigestValue>"), "no plain value"),
    "a digest in two": (
        changed("(<ds:DigestValue>)([^<]*)", r"\1\2<x/>"), "no plain value"),
    "another prefix list": (
        changed(f'(<ds:Transform Algorithm="{EXCLUSIVE}")/>',
                r'\1><e:InclusiveNamespaces xmlns:e="http://www.w3.org/2001/10/xml-exc-c14n#"'
                r' PrefixList="xs"/></ds:Transform>'), "no certificate"),
    "a namespace that is no URI": (
        changed("(<saml:NameID) ", r'\1 xmlns:x="relative" x:y="z" '), "no certificate"),
    "many prefixes": (
        changed(f'(<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}")/>',
                r'\1><e:InclusiveNamespaces xmlns:e="http://www.w3.org/2001/10/xml-exc-c14n#"'
                f' PrefixList="{" p" * 2_000}"/></ds:CanonicalizationMethod>'), "canonical"),
    "an element with many attributes": (
        changed("<saml:AttributeStatement", "<saml:AttributeStatement "
                + " ".join(f"a{n}='1'" for n in range(65))), "too many attributes"),
    "two assertions' worth": (changed("</samlp:Response>", "<saml:Assertion/></samlp:Response>"),
                              "step 2"),
}  # fmt: skip


@pytest.mark.parametrize("case", CHANGED)
def test_changes(saml: SamlLand, case: str) -> None:
    """What was signed cannot be changed."""
    make, why = CHANGED[case]
    refuse(saml, make(saml), why)


# texts


@pytest.mark.parametrize("mark", ["<!-- -->", "<?x y?>", "<![CDATA[]]>"])
def test_a_text_is_taken_whole(saml: SamlLand, mark: str) -> None:
    """A comment inside of the subject ends no text (CVE-2017-11427): the subject is as signed."""
    longer = "jo@example.com.evil.example"
    document = saml.response(saml.saying(subject=longer))
    document = document.replace(f">{longer}<", f">jo@example.com{mark}.evil.example<")
    answer = saml.assume(document)
    assert (answer.status, text(answer, "Subject")) == (200, longer), saml.why


PROLOGUES = {
    "a document type": "<!DOCTYPE samlp:Response>",
    "an entity": '<!DOCTYPE r [<!ENTITY e "x">]>',
    "an external entity": '<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
    "a parameter entity": '<!DOCTYPE r [<!ENTITY % e SYSTEM "http://127.0.0.1:9/"> %e;]>',
    "laughs": '<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
    "another encoding": '<?xml version="1.0" encoding="UTF-7"?>',
}


@pytest.mark.parametrize("case", PROLOGUES)
def test_prologues(saml: SamlLand, case: str) -> None:
    """No document types, no entities, no other encodings."""
    refuse(saml, PROLOGUES[case] + saml.response(), "step 1")
    assert saml.assume('<?xml version="1.0" encoding="UTF-8"?>' + saml.response()).status == 200


RAW = {
    "nothing": "====", "no base64": "<samlp:Response/>", "not UTF-8": base64.b64encode(b"\xff\xfe<")
    .decode(), "UTF-16": base64.b64encode("<a/>".encode("utf-16")).decode(),
    "JSON": issuer.packed('{"a": 1}'),
    "another root": issuer.packed(f'<Assertion xmlns="{SAML}"/>'),
    "SAML 1.1": issuer.packed('<Response xmlns="urn:oasis:names:tc:SAML:1.0:protocol"/>'),
    "deep": issuer.packed("<a>" * 1_900 + "</a>" * 1_900),
    "many elements": issuer.packed("<a>" + "<b/>" * 15_000 + "</a>"),
    "many attributes": issuer.packed("<a " + " ".join(f"b{n}=''" for n in range(6_000)) + "/>"),
    "an alphabet of URLs": "PHNhbWxwOlJlc3BvbnNlPjw_-",
    "trailing bits": "PGEvPh==",
}  # fmt: skip


@pytest.mark.parametrize("case", RAW)
def test_what_is_no_response(saml: SamlLand, case: str) -> None:
    """Everything else, huge and deep input included, costs a stranger a refusal."""
    answer = saml.assume(SAMLAssertion=RAW[case])
    assert told(answer) == ("InvalidIdentityToken", INVALID), (answer.body, saml.why)
    assert saml.why.startswith(("step 1", "step 2")), saml.why


def test_a_very_long_response(saml: SamlLand) -> None:
    """Of more than 100,000 characters nothing is read; up to that everything is."""
    assert told(saml.assume(SAMLAssertion="A" * 100_001))[0] == "ValidationError"
    groups = {"groups": [f"group-{number}" for number in range(900)]}
    answer = saml.said(attributes=groups)
    assert answer.status == 200, saml.why


# encryption


def test_encryption(saml: SamlLand) -> None:
    """What is encrypted in another way, or holds something else, is refused."""
    arn = saml.create_provider("secret", AddPrivateKey=private_pem(key("sp")))
    role = saml.role("secret", saml.trusting(principal={"Federated": arn}))

    def tried(inner: str, *, outside: bool = True) -> str:
        said = saml.saying(role, arn)
        document = issuer.response(said, inner)
        answer = saml.assume(issuer.signed(document) if outside else document, role,
                             PrincipalArn=arn)  # fmt: skip
        return "" if answer.status == 200 else saml.why

    def inner(**changes: Any) -> str:
        return issuer.encrypted(issuer.signed(issuer.assertion(saml.saying(role, arn))), key("sp"),
                                **changes)  # fmt: skip

    bare = issuer.assertion(saml.saying(role, arn))
    assert tried(inner()) == ""
    assert tried(issuer.encrypted(bare, key("sp"))) == ""  # the response vouches for it
    bare = issuer.assertion(saml.saying(role, arn))
    assert "step 5: it has no signature" in tried(issuer.encrypted(bare, key("sp")), outside=False)
    two = f"<saml:Wrapped xmlns:saml='{SAML}'>{bare}{bare}</saml:Wrapped>"
    assert "step 2" in tried(issuer.encrypted(two, key("sp")))
    assert "step 1" in tried(issuer.encrypted("<!DOCTYPE a>" + bare, key("sp")))
    assert "step 1" in tried(issuer.encrypted("no XML", key("sp")))
    assert "exactly one EncryptedData" in tried(inner().replace("xenc:EncryptedData", "xenc:Other"))
    assert "CipherValue" in tried(re.sub("<xenc:CipherData>.*?</xenc:CipherData>",
                                         '<xenc:CipherData><xenc:CipherReference URI="file:///x"/>'
                                         "</xenc:CipherData>", inner()))  # fmt: skip
    assert "not exactly one encrypted key" in tried(inner(beside=True).replace(
        "</saml:EncryptedAssertion>",
        "<xenc:EncryptedKey/></saml:EncryptedAssertion>"))  # fmt: skip
    assert "not accepted" in tried(inner().replace(issuer.GCM, f"{issuer.XENC}tripledes-cbc"))
    assert "in a way" in tried(inner().replace(issuer.OAEP, f"{issuer.XENC}rsa-1_5"))
    other = re.sub("[^>]*(</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>)",
                   "A" * 64 + r"\1", inner())  # fmt: skip
    assert "cannot be decrypted" in tried(other)


def test_a_provider_without_a_key(saml: SamlLand) -> None:
    """Nobody can encrypt for it."""
    said = saml.saying()
    sealed = issuer.encrypted(issuer.signed(issuer.assertion(said)), key("sp"))
    refuse(saml, issuer.response(said, sealed), "no private key to decrypt with")


# single changes of a valid response: what is accepted says the same


@pytest.fixture(scope="module")
def valid(saml: SamlLand) -> tuple[IdentityProvider, list[str], list[Assertion]]:
    provider = IdentityProvider(
        saml.account, "SAMLSP", saml.provider, "SAMLSP/0", "idp", ENTITY, None,
        (base64.b64decode(issuer.certified("idp")),), (), must_encrypt=False,
    )  # fmt: skip
    said = saml.saying()
    whole = issuer.signed(issuer.response(said, issuer.assertion(said)))
    documents = [saml.response(), whole]
    facts = [verify(issuer.packed(document), provider) for document in documents]
    kept = [each for each in facts if isinstance(each, Assertion)]
    assert len(kept) == 2
    return provider, documents, kept


PIECES = ["", " ", "\n", "<", ">", "/", '"', "&", "&amp;", "<!-- -->", "<?p?>", "<![CDATA[x]]>",
          "x", "é", "\u200b", "_evil", "<saml:Assertion/>", "<ds:Signature/>", ' ID="_evil"', "#",
          "=", "\r", "&#13;", "xmlns:saml='urn:x'", "<x/>", "\ufeff"]  # fmt: skip


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_single_changes(
    valid: tuple[IdentityProvider, list[str], list[Assertion]], data: st.DataObject
) -> None:
    """A response that was changed somewhere is refused, or its assertion says what it said."""
    provider, documents, facts = valid
    which = data.draw(st.integers(0, 1))
    document = documents[which]
    start = data.draw(st.integers(0, len(document)))
    length = data.draw(st.sampled_from([0, 0, 1, 1, 2, 8, 64]))
    piece = data.draw(st.sampled_from(PIECES))
    other = data.draw(st.integers(0, len(document)))
    moved = (data.draw(st.booleans()) and document[other : other + 40]) or piece
    changed = document[:start] + moved + document[start + length :]
    found = verify(issuer.packed(changed), provider)
    if isinstance(found, str):
        assert found.startswith("step ")
        return
    before = facts[which]
    assert found.attributes == before.attributes
    assert [getattr(found, name) for name in Assertion.__slots__ if name != "response"] == [
        getattr(before, name) for name in Assertion.__slots__ if name != "response"]  # fmt: skip
    if which == 1:  # the response was signed, too
        assert found.response == before.response


@pytest.mark.parametrize("provider", ["idp", "none", "of another account"])
def test_every_provider_is_work(
    saml: SamlLand, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A forged signature is verified, whether or not there is a provider: time tells nothing."""
    verified = []

    def noted(*given: Any) -> Any:
        verified.append(given)
        return VERIFIED(*given)

    monkeypatch.setattr(signatures, "_verified", noted)
    arn, role = saml.provider.replace("idp", provider), saml.roles["web"]
    if provider == "of another account":
        arn, role = (each.replace(saml.account, "999999999999") for each in (saml.provider, role))
    forged = saml.response(how=HONEST.but(key=key("evil")))
    answer = saml.assume(forged, role, PrincipalArn=arn)
    assert told(answer) == ("InvalidIdentityToken", INVALID)
    assert len(verified) == 1
    assert ("has no provider" in saml.why) == (provider != "idp")


def test_all_who_use_one_assertion_at_once(saml: SamlLand) -> None:
    """Of fifty who use it in one turn exactly one is let in."""
    document = saml.response()
    requests: list[Any] = [saml.request(document) for _ in range(50)]
    pipeline = saml.local.installation.pipeline
    left = [pipeline.answer_all([each], 0.0)[0] for each in requests]
    saml.local.installation.commit()
    again = []
    for each in left:
        assert isinstance(each, Later)
        ended: SimpleQueue[Outcome | Undone] = SimpleQueue()
        each.begin(ended.put)
        again.append(each.after(ended.get(timeout=PATIENCE)))
    answers = [pipeline.answer_all([each], 0.0)[0] for each in again]
    saml.local.installation.commit()
    statuses = [each.response.status for each in answers if isinstance(each, Answer)]
    assert sorted(statuses) == [200] + [400] * 49
