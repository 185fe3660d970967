"""Who may read what happened?  The operations of CloudTrail. Importing this registers them."""

from keystead.trails import events, public_keys
from keystead.trails.call import TrailCall
from keystead.trails.repository import DigestKey, DigestKeys
from keystead.trails.rules import CLOUDTRAIL

__all__ = (
    "CLOUDTRAIL",
    "DigestKey",
    "DigestKeys",
    "TrailCall",
    "events",
    "public_keys",
)
