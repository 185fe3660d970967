"""How are the declined operations of Organizations performed?  As their rows say (`rules`).

Only a caller who is allowed hears the answer of the row. Nothing is ever changed (threat-model 7).
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from keystead.call import Target
from keystead.identity.declined import not_implemented
from keystead.identity.organizations import tags
from keystead.identity.organizations.call import OrganizationsCall
from keystead.identity.organizations.resources import NO_ACCOUNT, NO_TARGET
from keystead.identity.repository import Organization
from keystead.identity.rules import (
    DECLINED_ORGANIZATIONS,
    DeclinedOrganizationsRules,
    EmptyList,
    Missing,
)
from keystead.registry import implements
from keystead.tags import request_keys


def _answer(row: DeclinedOrganizationsRules, call: OrganizationsCall, request: Any) -> Any:
    organization = call.organization()
    given = tags.requested(getattr(request, "tags", None))
    arn = _asked(row, call, organization, request, given)
    call.ask_to_tag(organization, arn, given)
    match row.answer:
        case EmptyList(member):
            members = {name: getattr(request, name, None) for name in ("account_id", "policy_type")}
            known = {f.name for f in msgspec.structs.fields(row.operation.output)}
            shown = {name: value for name, value in members.items() if name in known}
            return row.operation.output(**{member: []}, **shown)
        case Missing(sentence, error):
            raise error(sentence)
        case _:
            raise not_implemented(call, call.action, Target(arn, call.account))


def _asked(
    row: DeclinedOrganizationsRules,
    call: OrganizationsCall,
    organization: Organization,
    request: Any,
    given: Mapping[str, str],
) -> str:
    """The ARN of what the caller was allowed to ask about."""
    if not row.target:
        call.ask_any(organization, request_keys(given))
        return "*"
    named = getattr(request, row.target) or call.account
    missing = NO_ACCOUNT if row.target == "account_id" else NO_TARGET
    part = call.node(organization, named, missing)
    call.ask(organization, part)
    part.existing()
    return part.arn_text


for _row in DECLINED_ORGANIZATIONS:
    implements(_row.operation)(partial(_answer, _row))
