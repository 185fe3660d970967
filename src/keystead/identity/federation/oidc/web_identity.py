"""Whom does a token speak of, and is it for us?  Its claims, judged (iam.md 6.7, 8.2; OI-2, OI-5).

Every claim that is a text, a number or a truth value is a condition key `<provider>:<claim>`, and
so is a list of texts, however long. A missing key escapes a Deny, and satisfies `ForAllValues:`. So
a token is refused if a claim would be a key and cannot be one: if its name differs from another's
only in case, or if its list has texts and something else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import Any, TypeGuard

from keystead.identity.federation.oidc.discovery import Provider
from keystead.identity.federation.refusals import expired, invalid, rejected
from keystead.identity.federation.vouched import FromProof, are_tags, is_source_identity
from keystead.policy.evaluation import ContextValue, Principal, PrincipalType
from keystead.policy.language import SERVED
from keystead.policy.text import ascii_lower

AHEAD_SECONDS = 60
LONGEST_LIFE = 24 * 3600
_GOOGLE = "accounts.google.com"
_TAGS = "https://aws.amazon.com/tags"
_SOURCE_IDENTITY = "https://aws.amazon.com/source_identity"
_LATER = ("aud", "sub", "amr", "oaud")
_LONGEST = 255
_MOST_CLAIMS = 100
_NAME = re.compile(r"[\x21-\x39\x3b-\x7e]{1,128}")  # printable, without a colon


@dataclass(frozen=True, slots=True)
class WebIdentity:
    """What a provider says of a person. Only `prove` gives one away. It is a `Vouched`."""

    provider: Provider
    subject: str
    audience: str
    keys: Mapping[str, ContextValue]  # condition keys, lower-case
    given: FromProof = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)  # as they were signed

    @property
    def principal(self) -> Principal:
        """The bearer of the token, as policies and records know one."""
        arn = self.provider.arn
        user_id = f"{arn}:{self.audience}:{self.subject}"
        return Principal(
            PrincipalType.FEDERATED, arn, "", user_id, name=self.subject, issuer_arn=arn
        )

    @property
    def later(self) -> tuple[tuple[str, ContextValue], ...]:
        """The keys that the calls of its session have, too (iam.md 6.7)."""
        names = [ascii_lower(f"{self.provider.name}:{claim}") for claim in _LATER]
        return tuple((name, self.keys[name]) for name in names if name in self.keys)


def require_for_us(claims: Mapping[str, Any], provider: Provider, now: datetime) -> tuple[str, str]:
    """The audience and the subject of claims that are a provider's for us and of now.

    (4) issuer; (5) times; (6) audience; (7) subject. Each refusal is the same, because nobody may
    have signed them.
    """
    if claims.get("iss") != provider.url:  # (4)
        raise invalid("step 4: the issuer is another")
    if ascii_lower(provider.name).partition("/")[0] in SERVED:
        raise invalid("step 4: the name of the provider is that of our own condition keys")
    _require_times(claims, now)  # (5)
    audience = _audience(claims, provider)  # (6)
    subject = claims.get("sub")  # (7)
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST:
        raise invalid("step 7: there is no subject of at most 255 characters")
    return audience, subject


def judge(claims: Mapping[str, Any], provider: Provider, now: datetime) -> WebIdentity:
    """What the claims of a provider say; raises AWS's errors.

    (4) to (7) they are for us and of now; (8) tags and source identity.
    """
    audience, subject = require_for_us(claims, provider, now)
    tags, transitive = _tags(claims)  # (8)
    keys = _keys(claims, provider, audience)
    given = FromProof(tags, transitive, _source_identity(claims))
    return WebIdentity(provider, subject, audience, keys, given, claims)


def require_alive(claims: Mapping[str, Any], now: datetime) -> None:
    """Refuse a token that says itself that it is over; nothing else is asked of it."""
    end = claims.get("exp")
    if _is_time(end) and now.timestamp() >= end:
        raise expired(now, end)


def _require_times(claims: Mapping[str, Any], now: datetime) -> None:
    begin, end, valid = claims.get("iat"), claims.get("exp"), claims.get("nbf", 0)
    if not (_is_time(begin) and _is_time(end) and _is_time(valid)):
        raise invalid("step 5: the times iat, exp and nbf are not numbers")
    require_alive(claims, now)
    latest = now.timestamp() + AHEAD_SECONDS
    if begin > latest or valid > latest:
        raise invalid("step 5: it is not valid yet")
    if end - begin > LONGEST_LIFE:
        raise invalid("step 5: it is valid for more than a day")


def _is_time(value: Any) -> TypeGuard[float]:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    return isfinite(value) and 0 <= value < 2**40


def _audience(claims: Mapping[str, Any], provider: Provider) -> str:
    """The client for which the token is. Of several audiences `azp` says which is meant."""
    aud, azp = claims.get("aud"), claims.get("azp")
    audiences = aud if isinstance(aud, list) else [aud]
    if not audiences or not all(isinstance(each, str) for each in audiences):
        raise invalid("step 6: the audience is no text")
    if provider.built_in:  # the trust policy says which
        audience, *others = map(str, audiences)
        if others or not 0 < len(audience) <= _LONGEST:
            raise invalid("step 6: the audience is not one text of at most 255 characters")
        return audience
    if provider.clients.isdisjoint(audiences):
        raise invalid("step 6: the audience is not among the client ids of the provider")
    if len(audiences) > 1:
        if not isinstance(azp, str) or azp not in provider.clients:
            raise invalid("step 6: of several audiences azp names no client id of the provider")
        return azp
    return str(audiences[0])


def _keys(
    claims: Mapping[str, Any], provider: Provider, audience: str
) -> Mapping[str, ContextValue]:
    if len(set(map(ascii_lower, claims))) < len(claims):
        raise rejected("step 8: the names of two claims differ only in case")
    said = {
        ascii_lower(name): value
        for name, claim in claims.items()
        if _NAME.fullmatch(name) is not None and (value := _value(claim)) is not None
    }
    if len(said) > _MOST_CLAIMS:
        raise rejected("step 8: there are too many claims")
    for claim in ("sub", "amr", "aud", "oaud"):
        if claim not in claims:  # in another spelling it is not the claim of the specification
            said.pop(claim, None)
    said["aud"] = audience
    if provider.name == _GOOGLE:
        azp = claims.get("azp")
        said["oaud"], said["aud"] = audience, azp if isinstance(azp, str) else audience
    return {ascii_lower(f"{provider.name}:{name}"): value for name, value in said.items()}


def _value(claim: Any) -> ContextValue | None:
    """A claim as the value of a condition key; None for what is none."""
    if not isinstance(claim, list):
        return _text(claim)
    texts = tuple(text for text in map(_text, claim) if text is not None)
    if texts and len(texts) < len(claim):
        raise rejected("step 8: the list of a claim has texts and something else")
    return texts or None


def _text(claim: Any) -> str | None:
    if isinstance(claim, bool):
        return "true" if claim else "false"
    if isinstance(claim, (int, float)):
        return str(claim)
    return claim if isinstance(claim, str) else None


def _tags(claims: Mapping[str, Any]) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """The session tags, nested or flat, and the keys of those that go on (iam.md 5.8)."""
    flat = f"{_TAGS}/principal_tags/"
    given = claims.get(_TAGS, {})
    if not isinstance(given, dict):
        raise rejected("step 8: the claim of session tags is no object")
    nested = given.get("principal_tags", {})
    transitive = given.get("transitive_tag_keys", claims.get(f"{_TAGS}/transitive_tag_keys", []))
    if not isinstance(nested, dict) or not isinstance(transitive, list):
        raise rejected("step 8: the session tags have the wrong form")
    named = [*nested.items()]
    named += [
        (name.removeprefix(flat), value) for name, value in claims.items() if name.startswith(flat)
    ]
    tags = tuple((key, _tag_value(value)) for key, value in named)
    if not are_tags(tags) or not all(isinstance(key, str) for key in transitive):
        raise rejected("step 8: a session tag has the wrong form")
    return tags, tuple(transitive)


def _tag_value(value: Any) -> str:
    """AWS writes the value of a tag as a list of one text."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, str):
        raise rejected("step 8: the value of a session tag is not one text")
    return value


def _source_identity(claims: Mapping[str, Any]) -> str:
    given = claims.get(_SOURCE_IDENTITY)
    if given is None:
        return ""
    if not isinstance(given, str) or not is_source_identity(given):
        raise rejected("step 8: the source identity has the wrong form")
    return given
