"""Is this the newest state?  Sums over rows, and how they are kept."""

from keystead.custody.sums import sum_rows
from keystead.custody.sums.sum_rows import Account, Change
from keystead.custody.sums.sums import Noted, Sums
from keystead.custody.sums.vectors import minus, of_mac, plus

__all__ = ("Account", "Change", "Noted", "Sums", "minus", "of_mac", "plus", "sum_rows")
