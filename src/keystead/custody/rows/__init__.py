"""Is this row the one that we wrote?  Authenticated rows, and secrets sealed in them."""

from keystead.custody.rows.records import (
    BadRecord,
    ColumnSeals,
    RecordSealer,
    generation_of,
    place,
)
from keystead.custody.rows.rows import (
    Asked,
    Lookup,
    NotTheNewest,
    Record,
    RowIntegrityError,
    RowSeals,
    SealedTable,
)

__all__ = (
    "Asked", "BadRecord", "ColumnSeals", "Lookup", "NotTheNewest", "Record", "RecordSealer",
    "RowIntegrityError", "RowSeals", "SealedTable", "generation_of", "place",
)  # fmt: skip
