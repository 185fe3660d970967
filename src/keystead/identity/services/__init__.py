"""Which services of the site act with a name of their own, and what may each of them say?"""

from keystead.identity.services import forwarding
from keystead.identity.services.registration import (
    BadRegistration,
    Registration,
    deregister,
    draft,
    keys_of,
    owner_of_keys,
    register,
    replace_keys,
)

__all__ = (
    "BadRegistration", "Registration", "deregister", "draft", "forwarding", "keys_of",
    "owner_of_keys", "register", "replace_keys",
)  # fmt: skip
