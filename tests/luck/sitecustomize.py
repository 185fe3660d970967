"""What if random bytes happen to be odd ones?  `make prove-luck` runs the tests so.

Python imports this module at its start if the folder is on PYTHONPATH. So servers and commands in
other processes draw as the tests do. Most draws are of a rare kind, such as a text of letters
alone. No state is kept: a process that was forked repeats nothing.
"""

import base64
import os
from collections.abc import Callable

_real = os.urandom
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_FIGURES = b"0123456789"


def _chosen(alphabet: bytes, size: int) -> bytes:
    return bytes(alphabet[byte % len(alphabet)] for byte in _real(size))


def _base64_of(alphabet: bytes) -> Callable[[int], bytes]:
    """Bytes whose base64 has no other characters, but for the last one."""
    return lambda size: base64.b64decode(_chosen(alphabet, -(-size // 3) * 4))[:size]


def _base64_begins(characters: bytes) -> Callable[[int], bytes]:
    def drawn(size: int) -> bytes:
        text = base64.b64encode(_real(size))
        return base64.b64decode(characters + text[len(characters) :])

    return drawn


def _base16_of(alphabet: str) -> Callable[[int], bytes]:
    return lambda size: bytes.fromhex(_chosen(alphabet.encode(), 2 * size).decode())


def _base32_figures(size: int) -> bytes:
    """`unique_id` writes no letters of these. (custody/randomness.py)"""
    return bytes(26 + byte % 6 for byte in _real(size))


KINDS: tuple[tuple[int, Callable[[int], bytes]], ...] = (
    (8, _base64_of(_LETTERS)),
    (8, _base64_of(_LETTERS[:26])),
    (8, _base64_of(_LETTERS[26:])),
    (12, _base64_of(_FIGURES)),
    (12, _base64_of(_FIGURES + b"+/")),
    (5, _base64_begins(b"+")),
    (5, _base64_begins(b"/")),
    (8, _base64_begins(b"++")),
    (5, _base16_of("0123456789")),
    (5, _base16_of("abcdef")),
    (16, _base32_figures),
    (5, lambda size: b"\0" + _real(size - 1)),
    (5, lambda size: b"\xff" + _real(size - 1)),
    (5, lambda size: _real(size - 1) + b"\0"),
    (5, lambda size: _real(size - 1) + b"\xff"),
    (8, lambda size: b"\0\0" + _real(size - 4) + b"\0\0"),
    (5, _real),
)
"""From which size on, and how it is drawn: enough is left to differ from all other draws."""


def urandom(size: int, /) -> bytes:
    """So many random bytes, of a kind that is drawn as well."""
    least, draw = KINDS[_real(1)[0] % len(KINDS)]
    return draw(size) if size >= least else _real(size)


os.urandom = urandom
