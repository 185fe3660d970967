"""Whom does an assertion speak of, and what does it give?  (iam.md 6.6, 8.1; SA-6, SA-7)

(13) The subject; the roles for which the bearer may ask; the name of the session, its longest life,
its tags and source identity; and the condition keys of the attributes in AWS's table (`KEYS`).

A missing key escapes a Deny, and satisfies `ForAllValues:`. So an assertion is refused if one of
these attributes has a value that is no text, or two values for a key that has one. Attributes that
are not in the table are no keys.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from keystead.identity.federation.refusals import rejected, unusable
from keystead.identity.federation.saml.assertions import Assertion
from keystead.identity.federation.saml.judging import ServiceProvider, require_for_us
from keystead.identity.federation.saml.proof import SAML_ASSERTION, IdentityProvider
from keystead.identity.federation.vouched import NAMED, FromProof, are_tags, is_source_identity
from keystead.policy.evaluation import ContextValue, Principal, PrincipalType
from keystead.policy.language import is_multi_valued

_AWS = "https://aws.amazon.com/SAML/Attributes/"
_TAG = f"{_AWS}PrincipalTag:"
_LATER = ("saml:namequalifier", "saml:sub", "saml:sub_type")
_LONGEST_SUBJECT = 256  # SAML 2.0 Core 8.3.7
_SECONDS = re.compile(r"[0-9]{1,6}")
_DURATIONS = range(900, 43_200 + 1)
_FORMAT = "urn:oasis:names:tc:SAML:2.0:nameid-format:"
_SOAP, _MICROSOFT = "http://schemas.xmlsoap.org/", "http://schemas.microsoft.com/ws/2008/06/"
_PERSON, _ORGANIZATION = "urn:oid:1.3.6.1.4.1.5923.1.1.1.", "urn:oid:1.3.6.1.4.1.5923.1.2.1."

KEYS: Mapping[str, str] = {
    f"{_PERSON}1": "edupersonaffiliation",
    f"{_PERSON}2": "edupersonnickname",
    f"{_PERSON}3": "edupersonorgdn",
    f"{_PERSON}4": "edupersonorgunitdn",
    f"{_PERSON}5": "edupersonprimaryaffiliation",
    f"{_PERSON}6": "edupersonprincipalname",
    f"{_PERSON}7": "edupersonentitlement",
    f"{_PERSON}8": "edupersonprimaryorgunitdn",
    f"{_PERSON}9": "edupersonscopedaffiliation",
    f"{_PERSON}10": "edupersontargetedid",
    f"{_PERSON}11": "edupersonassurance",
    f"{_ORGANIZATION}2": "eduorghomepageuri",
    f"{_ORGANIZATION}3": "eduorgidentityauthnpolicyuri",
    f"{_ORGANIZATION}4": "eduorglegalname",
    f"{_ORGANIZATION}5": "eduorgsuperioruri",
    f"{_ORGANIZATION}6": "eduorgwhitepagesuri",
    "urn:oid:2.5.4.3": "cn",
    f"{_SOAP}ws/2005/05/identity/claims/name": "name",
    f"{_SOAP}claims/CommonName": "commonname",
    f"{_SOAP}ws/2005/05/identity/claims/givenname": "givenname",
    f"{_SOAP}ws/2005/05/identity/claims/surname": "surname",
    f"{_SOAP}ws/2005/05/identity/claims/emailaddress": "mail",
    f"{_MICROSOFT}identity/claims/primarygroupsid": "primarygroupsid",
    "2.5.4.3": "commonname",
    "2.5.4.4": "surname",
    "2.4.5.42": "givenname",
    "2.5.4.45": "x500uniqueidentifier",
    "0.9.2342.19200300100.1.1": "uid",
    "0.9.2342.19200300100.1.3": "mail",
    "0.9.2342.19200300.100.1.45": "organizationstatus",
}
"""The attributes that are condition keys, with the names of the keys after `saml:`."""


@dataclass(frozen=True, slots=True)
class SamlIdentity:
    """What a provider says of a person, a `Vouched`. Only `judge_assertion` gives one away."""

    provider: IdentityProvider
    assertion: Assertion = field(repr=False)
    recipient: str
    name_qualifier: str
    session_name: str
    roles: tuple[str, ...]  # for which the person may ask, by this provider
    longest: int | None  # seconds of a session
    keys: Mapping[str, ContextValue]
    given: FromProof = field(repr=False)

    @property
    def subject(self) -> str:
        """The name of the person."""
        return self.assertion.subject

    @property
    def subject_type(self) -> str:
        """The format of the name, as answers tell it."""
        return self.assertion.subject_format.removeprefix(_FORMAT)

    @property
    def principal(self) -> Principal:
        """The bearer of the assertion, as policies and records know one."""
        arn, user_id = self.provider.arn, f"{self.name_qualifier}:{self.subject}"
        return Principal(
            PrincipalType.FEDERATED, arn, "", user_id, name=self.subject, issuer_arn=arn
        )

    @property
    def later(self) -> tuple[tuple[str, ContextValue], ...]:
        """The keys that the calls of its session have, too (iam.md 6.6)."""
        return tuple((name, self.keys[name]) for name in _LATER)


def judge_assertion(
    assertion: Assertion, provider: IdentityProvider, ours: ServiceProvider, now: datetime
) -> SamlIdentity:
    """Whom an assertion speaks of, if it is for us and of now; raises AWS's errors."""
    confirmation = require_for_us(assertion, provider, ours, now)  # (7) to (12)
    if len(assertion.subject) > _LONGEST_SUBJECT:  # (13)
        raise rejected("step 13: the NameID is too long", SAML_ASSERTION)
    said = _together(assertion.attributes)
    qualifier = _name_qualifier(provider)
    subject_format = assertion.subject_format
    short = subject_format.removeprefix(_FORMAT)
    keys: dict[str, ContextValue] = {
        **_keys(said),
        "saml:aud": confirmation.recipient,
        "saml:iss": assertion.issuer,
        "saml:sub": assertion.subject,
        "saml:sub_type": short if short in {"persistent", "transient"} else subject_format,
        "saml:namequalifier": qualifier,
        "saml:doc": f"{provider.account}/{provider.name}",
    }
    return SamlIdentity(
        provider, assertion, confirmation.recipient, qualifier, _session_name(said),
        _roles(said, provider), _longest(said), keys, _given(said),
    )  # fmt: skip


def _together(
    attributes: Iterable[tuple[str, tuple[str | None, ...]]],
) -> dict[str, tuple[str | None, ...]]:
    """The values of each name, also of one that was said several times."""
    said: dict[str, tuple[str | None, ...]] = {}
    for name, values in attributes:
        said[name] = said.get(name, ()) + values
    return said


def _name_qualifier(provider: IdentityProvider) -> str:
    """BASE64(SHA-1(issuer + account + "/" + name of the provider)), as AWS has it (iam.md 1.10)."""
    text = f"{provider.issuer}{provider.account}/{provider.name}"
    return base64.b64encode(hashlib.sha1(text.encode(), usedforsecurity=False).digest()).decode()


def _keys(said: Mapping[str, tuple[str | None, ...]]) -> dict[str, ContextValue]:
    values: dict[str, tuple[str, ...]] = {}
    for name, key in KEYS.items():
        texts = [text for text in said.get(name, ()) if text is not None]
        if len(texts) < len(said.get(name, ())):
            raise rejected(f"step 13: a value of {name} is no text", SAML_ASSERTION)
        if texts:
            several = (*values.get(f"saml:{key}", ()), *texts)
            values[f"saml:{key}"] = tuple(dict.fromkeys(several))
    for key, several in values.items():
        if len(several) > 1 and not is_multi_valued(key):
            raise rejected(f"step 13: {key} has two values", SAML_ASSERTION)
    return {key: many if is_multi_valued(key) else many[0] for key, many in values.items()}


def _one(said: Mapping[str, tuple[str | None, ...]], name: str) -> str | None:
    """The one value of an attribute of AWS's, whole; None without the attribute."""
    values = said.get(name)
    if values is None:
        return None
    if len(values) != 1 or values[0] is None or values[0] != values[0].strip():
        raise rejected(f"step 13: {name} has not one text as its value", SAML_ASSERTION)
    return values[0]


def _session_name(said: Mapping[str, tuple[str | None, ...]]) -> str:
    name = _one(said, f"{_AWS}RoleSessionName")
    if not name:
        raise unusable("RoleSessionName is required in AuthnResponse", "step 13")
    if NAMED.fullmatch(name) is None:
        sentence = "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}"
        raise unusable(sentence, "step 13")
    return name


def _roles(
    said: Mapping[str, tuple[str | None, ...]], provider: IdentityProvider
) -> tuple[str, ...]:
    """The roles that stand beside this provider, in either order."""
    roles = []
    for value in said.get(f"{_AWS}Role", ()):
        parts = (value or "").split(",")
        if len(parts) == 2 and provider.arn in parts:
            roles.append(parts[parts[0] == provider.arn])
    return tuple(roles)


def _longest(said: Mapping[str, tuple[str | None, ...]]) -> int | None:
    text = _one(said, f"{_AWS}SessionDuration")
    if text is None:
        return None
    if _SECONDS.fullmatch(text) is None or int(text) not in _DURATIONS:
        raise rejected("step 13: SessionDuration is not a number from 900 to 43200", SAML_ASSERTION)
    return int(text)


def _given(said: Mapping[str, tuple[str | None, ...]]) -> FromProof:
    names = [name for name in said if name.startswith(_TAG)]
    tags = tuple((name.removeprefix(_TAG), _one(said, name) or "") for name in names)
    transitive = said.get(f"{_AWS}TransitiveTagKeys", ())
    if not are_tags(tags) or None in transitive:
        raise rejected("step 13: a session tag has the wrong form", SAML_ASSERTION)
    source = _one(said, f"{_AWS}SourceIdentity")
    if source is not None and not is_source_identity(source):
        sentence = 'Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with "aws:"'
        raise unusable(sentence, "step 13")
    return FromProof(tags, tuple(key for key in transitive if key is not None), source or "")
