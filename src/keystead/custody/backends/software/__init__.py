"""Key material that is opened in this process."""

from keystead.custody.backends.software.ec import agrees_with
from keystead.custody.backends.software.families import (
    generate,
    has,
    key_pair,
    open_material,
    seconds_to_generate,
)

__all__ = (
    "agrees_with", "generate", "has", "key_pair", "open_material", "seconds_to_generate",
)  # fmt: skip
