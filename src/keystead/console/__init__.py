"""What does a person see?  The pages of sign-in and of a session: an ordinary ASGI application.

It has no powers of its own. Each fact and each change is an operation, called for the person
through the same pipeline as every call of an SDK, with the same policies and the same record.
"""

from keystead.console.app import application
from keystead.console.visits import Calls, Public, Visit

__all__ = ("Calls", "Public", "Visit", "application")
