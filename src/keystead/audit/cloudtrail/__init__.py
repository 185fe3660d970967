"""How do tools of CloudTrail read our log?  Its records, a search in it, and its files."""

from keystead.audit.cloudtrail.export import Export, Exported, Signed, ToSign
from keystead.audit.cloudtrail.history import KEYS, NOWHERE, Found, Wanted, search, user_name
from keystead.audit.cloudtrail.layout import TRAIL, ExportRefused
from keystead.audit.cloudtrail.progress import VERSION, Progress, opened
from keystead.audit.cloudtrail.records import NOBODY, Delivered, Fields, delivered

__all__ = (
    "KEYS", "NOBODY", "NOWHERE", "TRAIL", "VERSION", "Delivered", "Export", "ExportRefused",
    "Exported", "Fields", "Found", "Progress", "Signed", "ToSign", "Wanted", "delivered", "opened",
    "search", "user_name",
)  # fmt: skip
