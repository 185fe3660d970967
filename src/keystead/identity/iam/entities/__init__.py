"""The parts that all kinds of entity share: name, tags, policies, boundary (`identity.kinds`)."""

from keystead.identity.iam.entities import attachments, boundaries, inline_policies, tags
from keystead.identity.iam.entities.conflicts import (
    ROLE_IN_PROFILE,
    ask_to_change,
    modifiable,
    policies_left,
    require_nothing_left,
)
from keystead.identity.iam.entities.listings import listed_after
from keystead.identity.iam.entities.names import ask_to_create, create, rename, require_room

__all__ = (
    "ROLE_IN_PROFILE", "ask_to_change", "ask_to_create", "attachments", "boundaries", "create",
    "inline_policies", "listed_after", "modifiable", "policies_left", "rename",
    "require_nothing_left", "require_room", "tags",
)  # fmt: skip
