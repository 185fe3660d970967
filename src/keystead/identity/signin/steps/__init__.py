"""The steps of a person: password, second factor, passkey, destination, another role."""

from keystead.identity.signin.steps import destinations, operations, passkeys, switching, tries
from keystead.identity.signin.steps.destinations import is_destination
from keystead.identity.signin.steps.tries import Subject

__all__ = (
    "Subject",
    "destinations",
    "is_destination",
    "operations",
    "passkeys",
    "switching",
    "tries",
)
