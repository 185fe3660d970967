"""The pages of a session: who am I, my credentials, other roles, and programs that act for me."""

from keystead.console.session.authorizing import routes_of_programs
from keystead.console.session.credentials import PATH as CREDENTIALS
from keystead.console.session.credentials import Credentials
from keystead.console.session.session import SessionPages
from keystead.console.session.switching import switching

__all__ = ("CREDENTIALS", "Credentials", "SessionPages", "routes_of_programs", "switching")
