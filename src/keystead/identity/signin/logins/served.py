"""Which operations have sessions for the command line?"""

from collections.abc import Mapping

from keystead.identity.signin.logins import allowing, shapes, tokens
from keystead.registry import Implementation


def _by_name(*served: Implementation) -> Mapping[str, Implementation]:
    return {each.operation.name: each for each in served}


BY_PERSONS = _by_name(
    Implementation(shapes.AUTHORIZE, allowing.authorize),
    Implementation(shapes.LIST_LOGINS, allowing.list_logins),
    Implementation(shapes.END_LOGIN, allowing.end_login),
)
"""By name: on the console's listener alone."""

BY_PROGRAMS = _by_name(
    Implementation(shapes.CREATE_TOKEN, tokens.create_token),
    Implementation(shapes.REVOKE_TOKEN, tokens.revoke_token),
)
"""By name: at `/v1/token` and `/v1/revoke`, of the API's listeners, too."""
