"""Is a request signed, and by which key?  Reading a signature, and its arithmetic."""

from keystead.wire.sigv4.errors import (
    MissingAuthenticationToken,
    SignatureDoesNotMatch,
    mismatch,
)
from keystead.wire.sigv4.parsing import parse, parse_certified, prefix
from keystead.wire.sigv4.signature import (
    ALGORITHM,
    TERMINATOR,
    Scope,
    Signature,
    SigningKey,
    matches,
    require_fresh,
    require_scope,
    signing_key,
    string_to_sign,
)

__all__ = (
    "ALGORITHM", "TERMINATOR", "MissingAuthenticationToken", "Scope", "Signature",
    "SignatureDoesNotMatch", "SigningKey",
    "matches", "mismatch", "parse", "parse_certified", "prefix", "require_fresh",
    "require_scope", "signing_key", "string_to_sign",
)  # fmt: skip
