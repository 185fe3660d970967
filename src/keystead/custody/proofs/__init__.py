"""What persons prove themselves with: passwords, one-time codes, and names that are typed."""

from keystead.custody.proofs import one_time_codes, passwords
from keystead.custody.proofs.one_time_codes import FAR, NEAR, CodeState, OneTimeCodes
from keystead.custody.proofs.passwords import ONE_HASH, Passwords, is_same
from keystead.custody.proofs.typed_names import TypedNames

__all__ = (
    "FAR",
    "NEAR",
    "ONE_HASH",
    "CodeState",
    "OneTimeCodes",
    "Passwords",
    "TypedNames",
    "is_same",
    "one_time_codes",
    "passwords",
)
