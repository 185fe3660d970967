"""What did the provider sign?  Our profile of XML signatures, around the library (SA-2, SA-3).

    Signature
        SignedInfo
            CanonicalizationMethod      exclusive, without comments
            SignatureMethod             one of METHODS
            Reference URI="#ID"         the element that the signature stands in, by its only ID
                Transforms              enveloped-signature, then exclusive: these two
                DigestMethod            one of DIGESTS
                DigestValue
        SignatureValue
        KeyInfo?                        not read: keys come from the provider's metadata

The library sees one element, alone, with the signature as its child. So there is nothing else that
the reference could find. What it returns are the bytes that were hashed. They are read anew, and
nothing of the document that was sent is looked at any more.

Methods with a symmetric key are not in the list. Without a list, a signature that was made with the
text of a certificate as its key would be one. A certificate is a key here: its dates do not matter.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from keystead.identity.federation.saml.names import DS
from keystead.identity.federation.saml.responses import Unproven, signature_of
from keystead.strictxml import Element, parse, written

_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_LONGEST_PREFIXES = 256  # characters; each prefix is looked up for each element
_PREFIXES = f"{{{_EXCLUSIVE}}}InclusiveNamespaces"

METHODS = {
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256": "RSA",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384": "RSA",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512": "RSA",
    "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1": "RSA",
    "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1": "RSA",
    "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1": "RSA",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256": "EC",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384": "EC",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512": "EC",
}
"""The algorithms of signatures, with the kind of key of each."""

DIGESTS = frozenset({
    "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512",
})  # fmt: skip


def signed(element: Element, certificates: Sequence[bytes], step: int) -> Element:
    """The element as it was signed, by the key of one of these certificates; raises Unproven."""
    signature = signature_of(element)
    if signature is None:
        raise Unproven(step, "it has no signature")
    kind = _method(signature, element.get("ID") or "", step)
    text = written(element)
    for certificate in certificates:
        loaded = x509.load_der_x509_certificate(certificate)
        if _kind(loaded) == kind:
            data = _verified(text, loaded)
            if data is not None:
                return parse(data.decode())
    raise Unproven(step, "no certificate of the provider verifies the signature")


def _kind(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return "RSA"
    return "EC" if isinstance(key, ec.EllipticCurvePublicKey) else ""


def _method(signature: Element, name: str, step: int) -> str:
    """The kind of key of a signature that follows the profile; raises Unproven for any other."""

    def refuse(why: str) -> Unproven:
        return Unproven(step, f"the signature {why}")

    info, value = _children(signature, ("SignedInfo", "SignatureValue"), refuse, more=("KeyInfo",))
    form, method, reference = _children(
        info, ("CanonicalizationMethod", "SignatureMethod", "Reference"), refuse
    )
    if form.get("Algorithm") != _EXCLUSIVE or not _only_prefixes(form):
        raise refuse("has another canonical form than the exclusive one without comments")
    kind = METHODS.get(method.get("Algorithm") or "")
    if kind is None or list(method.iterchildren()):
        raise refuse("is made with an algorithm that is not accepted")
    if dict(reference.attrib) != {"URI": f"#{name}"}:
        raise refuse("refers to something else than the element that it stands in")
    transforms, digest, digested = _children(
        reference, ("Transforms", "DigestMethod", "DigestValue"), refuse
    )
    first, second = _children(transforms, ("Transform", "Transform"), refuse)
    done = (first.get("Algorithm"), second.get("Algorithm"))
    if done != (_ENVELOPED, _EXCLUSIVE) or list(first.iterchildren()) or not _only_prefixes(second):
        raise refuse("has other transforms than enveloped-signature and exclusive form")
    if digest.get("Algorithm") not in DIGESTS or list(digest.iterchildren()):
        raise refuse("has a digest with an algorithm that is not accepted")
    if any(list(each.iterchildren()) or not each.text for each in (value, digested)):
        raise refuse("has no plain value")
    return kind


def _children(parent: Element, names: Sequence[str], refuse: Any, *, more: Iterable[str] = ()
              ) -> list[Element]:  # fmt: skip
    """Exactly the children with these names, in this order; one of `more` may follow."""
    children = list(parent.iterchildren())
    tags = [child.tag for child in children]
    wanted = [f"{DS}{name}" for name in names]
    if tags != wanted and tags not in [[*wanted, f"{DS}{name}"] for name in more]:
        raise refuse("has another form")
    return children[: len(names)]


def _only_prefixes(form: Element) -> bool:
    """Has it no parameter but a short list of prefixes?"""
    children = list(form.iterchildren())
    return not children or (
        len(children) == 1
        and children[0].tag == _PREFIXES
        and list(children[0].attrib) == ["PrefixList"]
        and len(children[0].get("PrefixList") or "") <= _LONGEST_PREFIXES
    )


def _verified(text: str, certificate: x509.Certificate) -> bytes | None:
    """The canonical bytes that the key of this certificate signed, or None."""
    # The extra `saml`, loaded with the first response.
    from signxml import algorithms, verifier  # noqa: PLC0415  # as said

    config = verifier.SignatureConfiguration(
        location="./",
        signature_methods=frozenset(map(algorithms.SignatureMethod, METHODS)),
        digest_algorithms=frozenset(map(algorithms.DigestAlgorithm, DIGESTS)),
        ignore_ambiguous_key_info=True,
        verification_time=certificate.not_valid_before_utc,
    )
    try:
        result = verifier.XMLVerifier().verify(
            text, x509_cert=certificate, id_attribute="ID", validate_schema=False,
            expect_config=config,
        )  # fmt: skip
    except Exception:  # noqa: BLE001  # what was sent may fail in any way: lxml has errors, too
        return None
    if isinstance(result, list):
        return None
    return result.signed_data
