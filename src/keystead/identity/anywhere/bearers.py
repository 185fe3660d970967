"""Which name, tags and source identity has the session of a bearer?

A fact of a certificate that cannot be a tag as it is leads to a refusal, and not to a session
without it: a missing tag escapes a Deny. The profile can leave the fact out by its mappings.
"""

from dataclasses import dataclass

import msgspec

from keystead.errors import AwsError
from keystead.identity.anywhere import mapping_rules
from keystead.identity.anywhere.certificates import Bearer
from keystead.identity.repository import AnywhereProfile
from keystead.identity.sessions import SessionTag
from keystead.identity.sts import session_tags
from keystead.policy.evaluation import AccessDenied
from keystead.wire.models import sts


@dataclass(frozen=True, slots=True)
class Asked:
    """What a session is to have."""

    name: str
    tags: tuple[SessionTag, ...]
    source_identity: str  # "" = none


def asked(profile: AnywhereProfile, bearer: Bearer, name: str | None) -> Asked:
    """What the certificate and the profile give a session; raises AccessDenied."""
    if name is not None and not profile.takes_session_names:
        raise AccessDenied(None, "The profile does not accept a custom role session name")
    return Asked(name or _serial(bearer.serial), _tags(profile, bearer), _identity(bearer))


def _serial(serial: int) -> str:
    """The serial number, in hexadecimal digits of whole bytes."""
    return serial.to_bytes((serial.bit_length() + 7) // 8, "big").hex()


def _tags(profile: AnywhereProfile, bearer: Bearer) -> tuple[SessionTag, ...]:
    tags = []
    for key, value in mapping_rules.chosen(profile.mapping_rules, bearer.facts):
        try:
            tags.append(msgspec.convert({"Key": key, "Value": value}, sts.Tag))
        except msgspec.ValidationError:
            raise AccessDenied(
                None, f"{key} of the certificate cannot be a session tag: map other attributes"
            ) from None
    try:
        return session_tags.together(session_tags.requested(tags), ())
    except AwsError as refused:
        raise AccessDenied(None, f"The attributes of the certificate: {refused.message}") from None


def _identity(bearer: Bearer) -> str:
    """The common name, which is the source identity; "" for a certificate without one."""
    text = bearer.common_name
    if not text:
        return ""
    try:
        identity = msgspec.convert(text, sts.sourceIdentityType)
    except msgspec.ValidationError:
        identity = ""
    if not identity or identity.lower().startswith("aws:"):
        raise AccessDenied(None, "The common name of the certificate cannot be a source identity")
    return str(identity)
