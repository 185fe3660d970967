"""Is this text a SAML response that has only one reading?  (SAML 2.0 Core 3.2.2; SA-1, SA-2, PA-8)

    Response                                                    Assertion
        Issuer? Signature?                                          Issuer Signature? Subject
        Status                                                      Conditions AuthnStatement…
        Assertion | EncryptedAssertion, exactly one                 AttributeStatement…

Nothing else stands in either, in this order or another. What wraps a signed assertion has to put
something elsewhere: a second assertion, a second signature, an element with the same ID, an object
inside a signature. Each of them is refused wherever it is, before any signature is looked at.
"""

import re
from collections.abc import Collection, Mapping

from keystead.identity.federation.saml.names import DS, SAML, SAMLP, XENC
from keystead.strictxml import Element, NotStrictXml, parse
from keystead.wire.base64 import NotCanonical, decode_blob

MOST_TAGS = 4_000  # characters `<`: an honest response of the greatest length has no more
MOST_QUOTES = 8_000
MOST_ATTRIBUTES = 64  # of an element: to sort them takes long

_SPACE = re.compile(r"[ \t\r\n]+")
_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,255}")

_RESPONSE = {
    f"{SAML}Issuer": 1, f"{DS}Signature": 1, f"{SAMLP}Status": 1, f"{SAML}Assertion": 1,
    f"{SAML}EncryptedAssertion": 1,
}  # fmt: skip
_ASSERTION = {
    f"{SAML}Issuer": 1, f"{DS}Signature": 1, f"{SAML}Subject": 1, f"{SAML}Conditions": 1,
    f"{SAML}AuthnStatement": 16, f"{SAML}AttributeStatement": 16,
}  # fmt: skip
_ALONE = (f"{SAML}Assertion", f"{SAML}EncryptedAssertion", f"{SAMLP}Response")
"""Elements of which a document has at most one each."""

_SIGNED = (f"{SAML}Assertion", f"{SAMLP}Response")
_NOWHERE = (f"{SAML}Advice", f"{SAML}EncryptedID", f"{SAML}EncryptedAttribute", f"{DS}Object")


class Unproven(ValueError):
    """The response proves nothing: the number of the step of `verify`, and why."""

    def __init__(self, step: int, why: str) -> None:
        super().__init__(f"step {step}: {why}")


def read_response(text: str) -> Element:
    """The Response that a text in base64 is; raises Unproven.

    Line breaks in the base64 are no part of it: mail and shells put some there.
    """
    try:
        document = decode_blob(_SPACE.sub("", text)).decode()
    except (NotCanonical, UnicodeDecodeError):
        raise Unproven(1, "it is not UTF-8 in base64") from None
    return _read(document, f"{SAMLP}Response", _RESPONSE)


def read_assertion(document: str) -> Element:
    """The Assertion that a decrypted text is; raises Unproven."""
    root = _read(document, f"{SAML}Assertion", _ASSERTION)
    _require_members(root, _ASSERTION)
    return root


def parts_of(response: Element) -> tuple[Element | None, Element | None]:
    """The assertion of a response, or the encrypted one; the other is None."""
    plain = list(response.iterchildren(f"{SAML}Assertion"))
    encrypted = list(response.iterchildren(f"{SAML}EncryptedAssertion"))
    if len(plain) + len(encrypted) != 1:
        raise Unproven(2, "it has not exactly one assertion")
    if encrypted:
        return None, encrypted[0]
    _require_members(plain[0], _ASSERTION)
    return plain[0], None


def signature_of(element: Element) -> Element | None:
    """The signature of a response or of an assertion."""
    return next(element.iterchildren(f"{DS}Signature"), None)


def _read(document: str, root_tag: str, members: Mapping[str, int]) -> Element:
    if document.count("<") > MOST_TAGS or document.count('"') + document.count("'") > MOST_QUOTES:
        raise Unproven(1, "it has too many elements or attributes")
    try:
        root = parse(document)
    except NotStrictXml as reason:
        raise Unproven(1, str(reason)) from None
    if root.tag != root_tag:
        raise Unproven(2, f"it is no {root_tag.partition('}')[2]} of SAML 2.0")
    _require_members(root, members)
    _require_one_reading(root)
    return root


def _require_members(element: Element, members: Mapping[str, int]) -> None:
    """Only these children, each at most so often; with the version and an ID."""
    name = element.tag.partition("}")[2]
    if element.get("Version") != "2.0" or _ID.fullmatch(element.get("ID") or "") is None:
        raise Unproven(2, f"the {name} has no ID, or is of another version")
    for child in element.iterchildren():
        if child.tag not in members:
            raise Unproven(2, f"the {name} has a {_shown(child.tag)}")
    for tag, most in members.items():
        if len(list(element.iterchildren(tag))) > most:
            raise Unproven(2, f"the {name} has more than {most} {_shown(tag)}")


def _require_one_reading(root: Element) -> None:
    """No ID twice, in any spelling of `ID`; and nothing of which there must be one, elsewhere."""
    known: set[str] = set()
    counted = dict.fromkeys(_ALONE, 0)
    allowed = _signatures(root)
    for element in root.iter():
        if len(element.attrib) > MOST_ATTRIBUTES:
            raise Unproven(1, "an element has too many attributes")
        if element.tag in counted:
            counted[element.tag] += 1
        if element.tag in _NOWHERE:
            raise Unproven(2, f"it has a {_shown(element.tag)}")
        if element.tag == f"{DS}Signature" and element not in allowed:
            raise Unproven(2, "it has a signature at another place")
        for name, value in element.attrib.items():
            if name.rpartition("}")[2].lower() == "id":
                if value in known:
                    raise Unproven(2, "two elements have the same ID")
                known.add(value)
    if max(counted.values()) > 1 or sum(counted[tag] for tag in _ALONE[:2]) > 1:
        raise Unproven(2, "it has not exactly one assertion")


def _signatures(root: Element) -> Collection[Element]:
    """The signatures at the places where signatures are looked for."""
    owners = [root, *(child for child in root.iterchildren() if child.tag in _SIGNED)]
    return [signature for owner in owners if (signature := signature_of(owner)) is not None]


def _shown(tag: str) -> str:
    return tag.rpartition("}")[2][:64]


ENCRYPTED_DATA = f"{XENC}EncryptedData"
