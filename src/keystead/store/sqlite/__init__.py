"""The embedded engine: one encrypted SQLite file, one process."""

from keystead.store.sqlite.engine import open_store

__all__ = ("open_store",)
