"""Where do lines and checkpoints stand, and what is there after a start?"""

from keystead.audit.log import archive
from keystead.audit.log.checkpoint import (
    UNSIGNED_RECORDS,
    UNSIGNED_TIME,
    BadCheckpoint,
    Checkpoint,
    Signer,
    key_id,
)
from keystead.audit.log.copies import OUTAGE, Copies
from keystead.audit.log.files import (
    CHECKPOINTS,
    PUBLIC_KEY,
    DiskFailed,
    DiskFull,
    LogFile,
    Segment,
    archived,
    judged,
    segment_path,
    segments,
)
from keystead.audit.log.recovery import TRAIL, AuditCorrupt, OlderState, anchor, named_state, resume
from keystead.audit.log.sinks import FileSink, Sink
from keystead.audit.log.tree import Tree

__all__ = (
    "CHECKPOINTS",
    "OUTAGE",
    "PUBLIC_KEY",
    "TRAIL",
    "UNSIGNED_RECORDS",
    "UNSIGNED_TIME",
    "AuditCorrupt",
    "BadCheckpoint",
    "Checkpoint",
    "Copies",
    "DiskFailed",
    "DiskFull",
    "FileSink",
    "LogFile",
    "OlderState",
    "Segment",
    "Signer",
    "Sink",
    "Tree",
    "anchor",
    "archive",
    "archived",
    "judged",
    "key_id",
    "named_state",
    "resume",
    "segment_path",
    "segments",
)
