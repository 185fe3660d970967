"""Of which services does a policy allow an action?  Of which of some actions?

Only what its Allow statements say counts: no Deny, resource or condition (AWS's access advisor).
"""

from collections.abc import Iterable

from keystead.policy.language.document import Policy
from keystead.policy.language.statements import ActionElement
from keystead.policy.text import wildly


def allows_of_service(policy: Policy, service: str) -> bool:
    """Does it allow an action of this service, whatever the action is called?"""
    start = f"{service.lower()}:"
    return any(
        one.allow and not one.void and _names_service(one.actions, start)
        for one in policy.statements
    )


def allowed_of(policy: Policy, actions: Iterable[str]) -> set[str]:
    """Those of these actions (`kms:Encrypt`) that a statement allows."""
    elements = [one.actions for one in policy.statements if one.allow and not one.void]
    return {action for action in actions if any(each.matches(action.lower()) for each in elements)}


def _names_service(element: ActionElement, start: str) -> bool:
    """Is an action that begins so among those that the element means?"""
    if element.negated:  # unless all of them are excepted
        whole = start.startswith(element.beginnings)
        return not (whole or any(wildly(text, start) for text in element.patterns))
    if any(text.startswith(start) for text in element.exact):
        return True
    if any(text.startswith(start) or start.startswith(text) for text in element.beginnings):
        return True
    return any(_could_begin(text, start) for text in element.patterns)


def _could_begin(pattern: str, start: str) -> bool:
    """Does this pattern match an action that begins so?"""
    head, colon, _ = pattern.partition(":")
    return wildly(f"{head}:" if colon else f"{pattern}*", start)
