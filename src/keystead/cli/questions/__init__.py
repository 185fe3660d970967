"""Commands that ask why, who else and what if, and whether policies are right."""

# Empty: each command is imported by its own name when it is called (`keystead.cli`).
__all__ = ()
