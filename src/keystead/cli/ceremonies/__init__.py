"""Commands by which the operator changes what callers find."""

# Empty: each command is imported by its own name when it is called (`keystead.cli`).
__all__ = ()
