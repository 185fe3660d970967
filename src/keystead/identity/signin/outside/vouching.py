"""What does a provider's proof leave for the rest of a sign-in?  Who it is, and for which roles.

The assertion or token itself is not kept. What follows from it is kept on the server for minutes,
sealed, until its bearer has chosen a role.

INVARIANT: only a proof that held makes a Proved.
"""

import msgspec

from keystead.identity.federation import FromProof, Vouched
from keystead.identity.sessions import SessionRow, SessionTag
from keystead.identity.signin.asked import FederationRefused
from keystead.identity.signin.sessions import LONGEST_EVIDENCE
from keystead.identity.sts import vouched
from keystead.policy.evaluation import ContextValue, Principal, PrincipalType


class Proved(msgspec.Struct, frozen=True, kw_only=True):
    """What one provider proved. It is a `Vouched`."""

    provider: str  # ARN
    user_id: str
    name: str  # of the person: the subject
    keys: dict[str, ContextValue]
    later: tuple[tuple[str, ContextValue], ...]
    tags: tuple[SessionTag, ...]
    given_tags: tuple[tuple[str, str], ...]
    transitive: tuple[str, ...]
    source_identity: str
    session_name: str
    roles: tuple[str, ...]  # for which the person may ask
    row: SessionRow  # of the provider
    longest: int | None = None  # seconds of a session, as the provider says
    until: int | None = None  # seconds since the epoch, as the provider says

    def __repr__(self) -> str:
        return f"Proved(provider={self.provider!r}, …)"

    @property
    def principal(self) -> Principal:
        return Principal(
            PrincipalType.FEDERATED, self.provider, "", self.user_id, name=self.name,
            issuer_arn=self.provider,
        )  # fmt: skip

    @property
    def given(self) -> FromProof:
        return FromProof(self.given_tags, self.transitive, self.source_identity)

    @property
    def bearer(self) -> vouched.Bearer:
        """Who asks for a session."""
        return vouched.Bearer(
            self, self.session_name, self.tags, self.row, self.longest, self.until
        )


Evidence = tuple[Proved, ...]
"""Of each provider that proved it, each once: they may be of several accounts."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Evidence).decode


def proved(bearer: vouched.Bearer, roles: tuple[str, ...]) -> Proved:
    """What is kept of this bearer."""
    identity: Vouched = bearer.identity
    principal, given = identity.principal, identity.given
    return Proved(
        provider=principal.issuer_arn,
        user_id=principal.user_id,
        name=principal.name,
        keys=dict(identity.keys),
        later=identity.later,
        tags=bearer.tags,
        given_tags=given.tags,
        transitive=given.transitive,
        source_identity=given.source_identity,
        session_name=bearer.session_name,
        roles=roles,
        row=bearer.row,
        longest=bearer.longest,
        until=bearer.until,
    )


def written(evidence: Evidence) -> bytes:
    """Evidence as bytes; raises FederationRefused if it is too long to be kept."""
    kept = _encode(evidence)
    if len(kept) > LONGEST_EVIDENCE:
        raise FederationRefused("step 13: what the provider says of the person is too long")
    return kept


def read(data: bytes) -> Evidence:
    """The evidence that was written."""
    return _decode(data)
