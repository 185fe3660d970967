"""Key material that is opened in this process."""

from keystead.custody.backends.software.ec import agrees_with
from keystead.custody.backends.software.families import (
    generate,
    has,
    key_pair,
    open_material,
    seconds_to_generate,
)
from keystead.custody.backends.software.given import GIVEN_SPECS, GivenSecret, given

__all__ = (
    "GIVEN_SPECS", "GivenSecret", "agrees_with", "generate", "given", "has", "key_pair",
    "open_material", "seconds_to_generate",
)  # fmt: skip
