"""Which services of the site act with a name of their own, and what may each of them say?"""

from keystead.identity.services import forwarding, operations
from keystead.identity.services.registration import (
    BadRegistration,
    Registration,
    deregister,
    draft,
    keys_of,
    new_id,
    owner_of_keys,
    register,
    replace_keys,
    resource_of,
)

__all__ = (
    "BadRegistration", "Registration", "deregister", "draft", "forwarding", "keys_of",
    "new_id", "operations", "owner_of_keys", "register", "replace_keys", "resource_of",
)  # fmt: skip
