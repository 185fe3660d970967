"""How does the embedded engine store data?  In one encrypted SQLite file, used by one process."""

from keystead.store.sqlite.engine import open_store

__all__ = ("open_store",)
