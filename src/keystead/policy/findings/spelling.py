"""Which known name did the author of an unknown name mean?"""

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from string import ascii_lowercase, digits

from keystead.policy.language import SERVICES

_SERVICES = frozenset(SERVICES.split())
_SIMILAR = 0.6  # of 1
_LONGEST = 128  # characters of the longest name for which a similar name is searched
_LETTERS = f"{ascii_lowercase}{digits}-"


def closest(name: str, known: Collection[str]) -> str:
    """The known name that is most similar to this name, or "" if none is similar."""
    if len(name) > _LONGEST:
        return ""
    return next(iter(get_close_matches(name, known, n=1, cutoff=_SIMILAR)), "")


def misspelt(service: str, served: Collection[str]) -> str:
    """The served service whose name is misspelt as `service`, or "". Names are in lower case.

    A name counts as misspelt if it is one typing error away, and if no other service has it. Other
    unknown names pass, because there may be services that we have not heard of.
    """
    if service in served or service in _SERVICES:
        return ""
    return _misspellings(frozenset(served)).get(service, "")


@cache
def _misspellings(served: frozenset[str]) -> Mapping[str, str]:
    return {wrong: name for name in sorted(served) for wrong in _one_error(name)}


def _one_error(name: str) -> Iterator[str]:
    """The names with a letter missing, two letters exchanged, a wrong letter or one too many."""
    for i in range(len(name) + 1):
        head, tail = name[:i], name[i:]
        yield f"{head}{tail[1:]}"
        yield f"{head}{tail[1:2]}{tail[:1]}{tail[2:]}"
        for letter in _LETTERS:
            yield f"{head}{letter}{tail[1:]}"
            yield f"{head}{letter}{tail}"
