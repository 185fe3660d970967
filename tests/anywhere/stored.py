"""A trust anchor, a profile and a revocation list, as rows of an installation in this process."""

from datetime import datetime
from typing import Any

from keystead.identity.repository import (
    AnywhereProfile,
    AnywhereSubject,
    Crl,
    Role,
    TrustAnchor,
    UsedRequest,
    path_name,
)
from keystead.identity.sessions import RowKind, SessionRow
from keystead.server.installation.installation import Installation

REVOKED, UNREVOKED = bytes(16), b"\x02" * 15 + b"\x00"
_DIGESTS = REVOKED + UNREVOKED[:15]
"""One digest, and one that is cut short: with one byte more both are there."""


def stored_rows(
    installation: Installation, account: str, region: str, role: Role, now: datetime
) -> tuple[SessionRow, ...]:
    """What a session of the role stands on, of which nothing is disabled or revoked.

    Of a second certificate's session, the last row is `revoked_row`. Other certificates were
    revoked once; nothing but the number of that tells that the session is no older.
    """
    common: Any = {"account": account, "region": region, "name": "stored", "tags": "{}"}
    dates: Any = {"created": 0, "updated": 0}
    anchor = TrustAnchor(
        **common, **dates, anchor_id="anchor", certificates="", enabled=1, revision=0,
        notifications="{}",
    )  # fmt: skip
    profile = AnywhereProfile(
        **common, **dates, profile_id="profile", enabled=1, roles="[]", next_role=0,
        session_policy="", managed_policies="[]", duration=3600, takes_session_names=0,
        needs_properties=0, mappings="{}", created_by="", revision=0,
    ).with_roles([role.arn])  # fmt: skip
    crl = Crl(**common, **dates, crl_id="crl", anchor_id="anchor", enabled=1)
    identities = installation.identities.anywhere
    with installation.store.write() as transaction:
        identities.anchors.insert(transaction, anchor)
        identities.profiles.insert(transaction, profile)
        identities.crls.insert(transaction, crl, b"", _DIGESTS)
        identities.released.add(transaction, account, "anchor", [b"\x05" * 16], now)
    [kept] = profile.role_list
    return (
        SessionRow(RowKind.TRUST_ANCHOR, account, anchor.as_it_is),
        SessionRow(RowKind.ANYWHERE_PROFILE, account, profile.as_it_is(kept)),
        SessionRow(RowKind.CERTIFICATE, account, path_name("anchor", 0, [UNREVOKED])),
    )


def stored_visit(installation: Installation, account: str, region: str) -> None:
    """What a session leaves: who came, and the request that gave it."""
    subject = AnywhereSubject(
        account=account, subject_id="subject", region=region, subject_key="key",
        x509_subject="CN=x", credentials="[]", created=0, last_seen=0, tags="{}",
    )  # fmt: skip
    identities = installation.identities.anywhere
    with installation.store.write() as transaction:
        identities.subjects.insert(transaction, subject, 100)
        used = UsedRequest(account=account, digest="digest", stale=2**40)
        assert identities.used_requests.use(transaction, used, 0)


def revoked_row(account: str) -> SessionRow:
    """The row of a certificate that is revoked."""
    return SessionRow(RowKind.CERTIFICATE, account, path_name("anchor", 0, [REVOKED]))
