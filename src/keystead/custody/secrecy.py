"""How is a secret kept from being seen?  A base for every type with one (threat-model RK-8, KM-12).

INVARIANT: a Guarded value has a redacted repr, and is neither copied nor pickled. So no log, error
or cache on disk can contain it. Python cannot promise to erase it from memory.
"""

from typing import NoReturn, SupportsIndex


class Guarded:
    """A value that holds a secret."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: redacted>"

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(f"{type(self).__name__} holds a secret and stays where it is")
