"""Is an assertion for us, and of now?  (SAML 2.0 Core 2.5, Profiles 4.1.4.3; SA-4)

(7) The provider says that it authenticated somebody. (8) The provider issued it. (9) It is for an
audience that we are. (10) Its bearer is its subject, at a recipient that we are. (11) It is of now:
clocks may differ by a minute, and five minutes after it was issued it is too late, as AWS has it.
(12) The metadata of the provider is still valid.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from keystead.arns import Partition
from keystead.identity.federation.refusals import expired_assertion, invalid, rejected
from keystead.identity.federation.saml.assertions import BEARER, Assertion, Confirmation
from keystead.identity.federation.saml.proof import SAML_ASSERTION, IdentityProvider

SKEW = timedelta(seconds=60)
REDEEMED = timedelta(minutes=5)
"""How long after it was issued an assertion can be used (iam.md 8.1)."""

_SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
_SIGN_IN = {
    "aws": "signin.aws.amazon.com",
    "aws-cn": "signin.amazonaws.cn",
    "aws-us-gov": "signin.amazonaws-us-gov.com",
    "aws-eusc": "signin.amazonaws-eusc.eu",
}
_AUDIENCES = {
    "aws": "urn:amazon:webservices",
    "aws-cn": "urn:amazon:webservices:cn-north-1",
    "aws-us-gov": "urn:amazon:webservices:govcloud",
}


_URL = re.compile(r"https?://[\x21-\x7e]{1,1000}")


class NotARecipient(ValueError):
    """The text is no URL."""


@dataclass(frozen=True, slots=True)
class ServiceProvider:
    """Whom assertions must be for: SAML's name for what takes them."""

    recipients: frozenset[str]
    audiences: frozenset[str]

    @classmethod
    def of(
        cls, recipients: Sequence[str], partition: Partition, regions: Sequence[str]
    ) -> "ServiceProvider":
        """The one with these recipients. Without any they are AWS's, of these Regions.

        Raises NotARecipient.
        """
        for recipient in recipients:
            if _URL.fullmatch(recipient) is None:
                raise NotARecipient(recipient)
        host = _SIGN_IN.get(partition.name)
        if not recipients and host is not None:
            regional = (f"{region}.{host}" for region in (*regions, partition.global_region))
            recipients = tuple(f"https://{each}/saml" for each in (host, *regional))
        name = _AUDIENCES.get(partition.name)
        return cls(frozenset(recipients), frozenset({*recipients, *([name] if name else [])}))

    def takes(self, recipient: str, provider: IdentityProvider) -> bool:
        """Is this one of our URLs, or that of this provider below one of them?"""
        below, _, provider_id = recipient.rpartition("/acs/")
        return recipient in self.recipients or (
            below in self.recipients and provider_id == provider.provider_id
        )


def require_for_us(
    assertion: Assertion, provider: IdentityProvider, ours: ServiceProvider, now: datetime
) -> Confirmation:
    """How the bearer is confirmed; raises AWS's errors for an assertion that is not for us now."""
    around = assertion.response
    if around.status[:1] != (_SUCCESS,):  # (7)
        codes = " ".join(around.status)[:200]
        raise rejected(f"step 7: the status is {codes or 'none'}", SAML_ASSERTION)
    if assertion.statements == 0:
        raise invalid(
            "step 7: nobody was authenticated (there is no AuthnStatement)", SAML_ASSERTION
        )
    if assertion.issuer != provider.issuer or around.issuer not in {None, provider.issuer}:  # (8)
        raise invalid("step 8: the issuer is not that of the provider's metadata", SAML_ASSERTION)
    _require_audience(assertion, provider, ours)  # (9)
    confirmation = _bearer(assertion, provider, ours)  # (10)
    _require_now(assertion, confirmation, now)  # (11)
    end = provider.valid_until
    if end is not None and now.timestamp() >= end:  # (12)
        raise invalid("step 12: the metadata of the provider is valid no more", SAML_ASSERTION)
    return confirmation


def _require_audience(
    assertion: Assertion, provider: IdentityProvider, ours: ServiceProvider
) -> None:
    if not assertion.audiences:
        raise invalid("step 9: there is no audience", SAML_ASSERTION)
    for restriction in assertion.audiences:
        if not any(each in ours.audiences or ours.takes(each, provider) for each in restriction):
            raise invalid("step 9: we are not among the audiences", SAML_ASSERTION)


def _bearer(
    assertion: Assertion, provider: IdentityProvider, ours: ServiceProvider
) -> Confirmation:
    if len(assertion.confirmations) != 1:
        raise invalid("step 10: there is not exactly one SubjectConfirmation", SAML_ASSERTION)
    [confirmation] = assertion.confirmations
    around = assertion.response
    if confirmation.method != BEARER or confirmation.not_before is not None:
        raise invalid("step 10: the subject is not confirmed as the bearer", SAML_ASSERTION)
    if not ours.takes(confirmation.recipient, provider):
        raise invalid("step 10: the recipient is not one of ours", SAML_ASSERTION)
    missing = around.is_signed and around.destination is None
    elsewhere = around.destination is not None and not ours.takes(around.destination, provider)
    if missing or elsewhere:
        raise invalid("step 10: the destination is not one of ours", SAML_ASSERTION)
    # A program that sends a response itself may have asked for it: both must say the same request.
    asked = {confirmation.in_response_to, around.in_response_to} - {None}
    if len(asked) > 1:
        raise invalid("step 10: it answers two requests (InResponseTo)", SAML_ASSERTION)
    return confirmation


def _require_now(assertion: Assertion, confirmation: Confirmation, now: datetime) -> None:
    if confirmation.not_on_or_after is None or assertion.not_on_or_after is None:
        raise invalid("step 11: there is no NotOnOrAfter", SAML_ASSERTION)
    begins = [assertion.issued, assertion.response.issued]
    begins += [] if assertion.not_before is None else [assertion.not_before]
    if any(begin > now + SKEW for begin in begins):
        raise invalid("step 11: it is not valid yet", SAML_ASSERTION)
    ends = [confirmation.not_on_or_after, assertion.not_on_or_after]
    if any(end <= now - SKEW for end in ends):  # the last year has no later time
        raise expired_assertion("step 11: it is valid no more (NotOnOrAfter)")
    if assertion.issued + REDEEMED <= now:
        raise expired_assertion("step 11: it was issued more than five minutes ago")
    if any(end <= now for end in assertion.session_ends):
        raise expired_assertion("step 11: the session of its bearer is over (SessionNotOnOrAfter)")
