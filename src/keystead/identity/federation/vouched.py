"""What does a proof from elsewhere give to its bearer?  The same of every kind of provider.

INVARIANT: only a proof that held gives one of these away.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from keystead.policy.evaluation import ContextValue, Principal

NAMED = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
"""Names of sessions, and source identities (iam.md 8.1)."""

_TAG_KEY = re.compile(r"[\w\s.:/=+\-@]{1,128}")
_TAG_VALUE = re.compile(r"[\w\s.:/=+\-@]{0,256}")


@dataclass(frozen=True, slots=True)
class FromProof:
    """What a provider gives to the sessions of its person."""

    tags: tuple[tuple[str, str], ...] = ()
    transitive: tuple[str, ...] = ()
    source_identity: str = ""


class Vouched(Protocol):
    """Somebody for whom a provider vouches."""

    @property
    def principal(self) -> Principal:
        """The bearer of the proof, as policies and records know one."""

    @property
    def keys(self) -> Mapping[str, ContextValue]:
        """Condition keys, lower-case."""

    @property
    def later(self) -> tuple[tuple[str, ContextValue], ...]:
        """The keys that the calls of its session have, too."""

    @property
    def given(self) -> FromProof:
        """Tags and source identity of its session."""


def is_source_identity(text: str) -> bool:
    """May this be the source identity of a session?"""
    return NAMED.fullmatch(text) is not None and not text.lower().startswith("aws:")


def are_tags(tags: Iterable[tuple[str, str]]) -> bool:
    """Have these the characters of keys and values of session tags?"""
    return all(_TAG_KEY.fullmatch(key) and _TAG_VALUE.fullmatch(value) for key, value in tags)
