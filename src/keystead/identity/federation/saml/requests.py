"""How is a provider asked to authenticate somebody?  An AuthnRequest (SAML 2.0 Core 3.4.1).

    Redirect   the document deflated (RFC 1951) and in base64, in the query of a URL (Bindings 3.4)
    POST       the document in base64, in a form (Bindings 3.5)

It is not signed, as it says nothing that could not be said by anybody: who we are, and where the
answer is to be sent, which the provider compares with what it knows of us.
"""

import zlib
from datetime import UTC, datetime
from html import escape
from urllib.parse import urlencode

from keystead.identity.federation.saml.metadata import SignOn
from keystead.wire.base64 import encode_blob

_POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"


def authn_request(request_id: str, ours: str, sign_on: SignOn, now: datetime) -> str:
    """The document. `ours` is our name and the URL to which the answer goes."""
    moment = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    attributes = {
        "ID": request_id, "Version": "2.0", "IssueInstant": moment,
        "Destination": sign_on.location, "AssertionConsumerServiceURL": ours,
        "ProtocolBinding": _POST,
    }  # fmt: skip
    written = " ".join(f'{name}="{escape(value)}"' for name, value in attributes.items())
    return (
        '<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"'
        f' xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" {written}>'
        f"<saml:Issuer>{ours}</saml:Issuer></samlp:AuthnRequest>"
    )


def redirect_url(sign_on: SignOn, document: str, relay_state: str) -> str:
    """The URL that brings the request to the provider."""
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    deflated = deflate.compress(document.encode()) + deflate.flush()
    query = urlencode({"SAMLRequest": encode_blob(deflated), "RelayState": relay_state})
    place = sign_on.location.partition("#")[0]
    return f"{place}{'&' if '?' in place else '?'}{query}"


def form_fields(document: str, relay_state: str) -> tuple[tuple[str, str], ...]:
    """The fields of the form that brings the request to the provider."""
    return ("SAMLRequest", encode_blob(document.encode())), ("RelayState", relay_state)


def our_metadata(ours: str) -> str:
    """What we say of ourselves to a provider (SAML 2.0 Metadata 2.4.4)."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"'
        f' entityID="{ours}">\n'
        '  <md:SPSSODescriptor AuthnRequestsSigned="false" WantAssertionsSigned="true"'
        ' protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">\n'
        "    <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
        "</md:NameIDFormat>\n"
        f'    <md:AssertionConsumerService Binding="{_POST}" Location="{ours}" index="0"'
        ' isDefault="true"/>\n'
        "  </md:SPSSODescriptor>\n"
        "</md:EntityDescriptor>\n"
    )
