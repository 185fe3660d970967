"""Commands about one installation: made, served, looked at, recovered; its log."""

# Empty: each command is imported by its own name when it is called (`keystead.cli`).
__all__ = ()
