"""One example for each request of the table of condition keys: what it sends, and what it asks.

The table is `tests/condition_keys.py`. An operation that is served joins the matrix by its rows
there; one that is refused to nobody by its line in `OPEN`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keystead.identity.analyzer
import keystead.identity.iam
import keystead.identity.instances
import keystead.identity.organizations
import keystead.identity.sts
import keystead.kms.operations
import keystead.network
import keystead.trails
from keystead.registry import implemented
from keystead.rules import CredentialKind, Rules
from tests.condition_keys import BY_PROOF, FOR_SERVICES, OF_USERS, OPEN, TABLES, On, Row
from tests.rules import RULES

# The operations register themselves when their modules are imported.
REGISTERED = (
    keystead.identity.analyzer,
    keystead.identity.iam,
    keystead.identity.instances,
    keystead.identity.organizations,
    keystead.identity.sts,
    keystead.kms.operations,
    keystead.network,
    keystead.trails,
)
SERVED = [
    called
    for one in implemented()
    if (called := (one.operation.service.name, one.operation.name)) not in BY_PROOF + FOR_SERVICES
]

MISSING = (
    "{service}:{name} is served, and has no example. Add what it asks as "
    '`Row("{name}", {{members of a good request}}, On.<what it acts on>, {{its condition keys}})` '
    "to the table of its service in tests/condition_keys.py, one row for each action and resource "
    "(if nobody is ever refused it: a line in OPEN there). What the request names by `@…` is made "
    "in tests/setting.py."
)


USERS = frozenset(
    {
        CredentialKind.USER_KEY,
        CredentialKind.SESSION,
        CredentialKind.SESSION_WITH_MFA,
        CredentialKind.LOGIN,
    }
)


@dataclass(frozen=True, slots=True)
class Example:
    """One request, and the actions that it asks about, with their services."""

    service: str
    operation: str
    request: Mapping[str, Any]
    actions: tuple[str, ...]
    about: frozenset[On]

    @property
    def rules(self) -> Rules:
        return RULES[self.service][self.operation]

    @property
    def credentials(self) -> frozenset[CredentialKind]:
        """Those that may ask, if their policies allow it."""
        taken = self.rules.credentials
        return taken & USERS if str(self) in OF_USERS else taken

    def __str__(self) -> str:
        return f"{self.service}:{self.operation}"


def _examples() -> list[Example]:
    found: dict[tuple[str, str, str], list[Row]] = {}
    for service, rows in TABLES.items():
        for row in rows:
            found.setdefault((service, row.operation, repr(row.request)), []).append(row)
    asking = [
        Example(
            service,
            name,
            rows[0].request,
            tuple(dict.fromkeys(row.action_of(service) for row in rows)),
            frozenset(row.on for row in rows),
        )
        for (service, name, _), rows in found.items()
    ]
    return asking + [Example(*called, {}, (), frozenset()) for called in OPEN]


EXAMPLES = _examples()
ASKING = [one for one in EXAMPLES if one.actions]
"""Those that a policy decides about."""
