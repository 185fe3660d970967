"""How is a list divided into pages?"""

from typing import NamedTuple


class Sizes(NamedTuple):
    """How an operation divides its list: the size of a page that nobody chose, and the largest."""

    default: int
    most: int
