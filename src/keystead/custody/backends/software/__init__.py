"""Key material that is opened in this process."""

from keystead.custody.backends.software.families import (
    generate,
    open_material,
    seconds_to_generate,
)

__all__ = ("generate", "open_material", "seconds_to_generate")
