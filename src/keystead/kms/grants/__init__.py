"""What is a grant?  Its rows, the statements that it is, its tokens, and who holds it."""

from keystead.kms.grants import wanted
from keystead.kms.grants.grant import (
    EQUALS,
    SUBSET,
    Part,
    as_statement,
    pairs_of,
    parts,
    retiring,
)
from keystead.kms.grants.holders import Names, names_of
from keystead.kms.grants.holders import pairs_of as pairs_asked
from keystead.kms.grants.records import NO_PAIR, GrantCount, GrantRecord, Pair
from keystead.kms.grants.repository import MOST_ALIKE, GrantRepository, TooManyAlike
from keystead.kms.grants.tokens import find as find_by_token
from keystead.kms.grants.tokens import refused as token_refused
from keystead.kms.grants.tokens import token_of
from keystead.kms.grants.wanted import Party

__all__ = (
    "EQUALS", "MOST_ALIKE", "NO_PAIR", "SUBSET", "GrantCount", "GrantRecord", "GrantRepository",
    "Names", "Pair", "Part", "Party", "TooManyAlike", "as_statement", "find_by_token",
    "names_of", "pairs_asked", "pairs_of", "parts", "retiring", "token_of", "token_refused",
    "wanted",
)  # fmt: skip
