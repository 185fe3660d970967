"""One CloudTrail call in progress: what those operations may touch."""

from pathlib import Path

from keystead.audit.records import Tag
from keystead.call import Call
from keystead.custody.tokens import Tokens
from keystead.trails.repository import DigestKeys


class TrailCall(Call, kw_only=True):
    """One CloudTrail call."""

    tokens: Tokens
    digest_keys: DigestKeys
    log: Path  # the directory of the audit log
    tag: Tag  # proves that this server wrote a line of it
    home: str  # the Region of events that have none
