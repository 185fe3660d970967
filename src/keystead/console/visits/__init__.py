"""What every page stands on: the visit, its form and cookies, who it is, how a page looks."""

from keystead.console.visits import cookies
from keystead.console.visits.forms import BadForm, form_of, query_of, visit_of
from keystead.console.visits.guard import FEDERATION, OF_PROGRAMS, SCRIPTED, Guard
from keystead.console.visits.pages import (
    FILES,
    page,
    to,
)
from keystead.console.visits.visitor import (
    SignInFirst,
    again,
    current_session,
    fresh_session_of,
    is_signed_in,
    keep_page,
    own_session_of,
    session_of,
    touch_page,
)
from keystead.console.visits.visits import Calls, Public, ReadVisit, Visit

__all__ = (
    "FEDERATION",
    "FILES",
    "OF_PROGRAMS",
    "SCRIPTED",
    "BadForm",
    "Calls",
    "Guard",
    "Public",
    "ReadVisit",
    "SignInFirst",
    "Visit",
    "again",
    "cookies",
    "current_session",
    "form_of",
    "fresh_session_of",
    "is_signed_in",
    "keep_page",
    "own_session_of",
    "page",
    "query_of",
    "session_of",
    "to",
    "touch_page",
    "visit_of",
)
