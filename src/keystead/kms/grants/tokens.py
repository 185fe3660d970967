"""What is a grant token?  The sealed name of a grant (threat-model GR-3).

A token tells which grant it is for, and its grantee. It finds the grant, and has no power of its
own: a grant counts from the call on that made it, with a token and without. A token of a grant that
is gone is refused like any other text.
"""

import msgspec

from keystead.custody.tokens import InvalidToken, Tokens
from keystead.kms.grants.records import GrantRecord
from keystead.kms.grants.repository import GrantRepository
from keystead.store.protocol import Reader
from keystead.wire.models import kms as api

_PURPOSE = "kms grant token"
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(tuple[str, str, str, str, str]).decode


def token_of(tokens: Tokens, grant: GrantRecord) -> str:
    """Another token for a grant: each one is different, and all are as good."""
    return tokens.seal(_PURPOSE, _pack((*grant.place, grant.grant_id, grant.grantee_id)))


def find(
    tokens: Tokens, repository: GrantRepository, reader: Reader, region: str, text: str
) -> GrantRecord:
    """The grant that a token is for; raises InvalidGrantTokenException."""
    try:
        *place, grant_id, grantee_id = _unpack(tokens.unseal(_PURPOSE, text))
    except InvalidToken:
        raise refused() from None
    account, of_region, key_id = place
    grant = repository.get(reader, (account, of_region, key_id), grant_id)
    if grant is None or of_region != region or grant.grantee_id != grantee_id:
        raise refused()
    return grant


def refused() -> api.InvalidGrantTokenException:
    """The refusal of a token that is for no grant."""
    return api.InvalidGrantTokenException("The grant token is not valid.")
