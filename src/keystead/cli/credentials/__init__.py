"""Commands by which persons and programs elsewhere come to credentials."""

# Empty: each command is imported by its own name when it is called (`keystead.cli`).
__all__ = ()
