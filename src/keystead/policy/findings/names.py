"""Does what somebody asks about exist?  Actions and condition keys, as ValidatePolicy knows them.

A question about a misspelt action is answered with "may not", and so is one whose misspelt key no
policy asks for: a test that somebody may not would hold for the typing error. Of the services
that are served here every name is known. Any name of another service passes, but for a service
that there is not and whose name is nearly that of a served one.
"""

from keystead.policy.findings.checks import actions
from keystead.policy.findings.spelling import closest, misspelt
from keystead.policy.language import KNOWN, SERVED, family
from keystead.policy.text import ascii_lower


def action_problem(action: str) -> str:
    """Why nobody can ask for this action; "" when it may exist."""
    service, _, name = ascii_lower(action).partition(":")
    if meant := misspelt(service, actions.known()):
        return _unknown(action, "action", f"{meant}:{action.partition(':')[2]}")
    if not name or actions.exists(f"{service}:{name}"):
        return ""
    return _unknown(action, "action", actions.similar(action))


def key_problem(key: str) -> str:
    """Why no request can have this condition key; "" when it may exist."""
    name = ascii_lower(key)
    prefix, _, rest = name.partition(":")
    if meant := misspelt(prefix, SERVED):
        return _unknown(key, "condition key", f"{meant}:{key.partition(':')[2]}")
    if prefix not in SERVED:
        return ""
    fact = KNOWN.get(family(name))
    if fact is None:
        return _unknown(key, "condition key", _similar_key(name))
    if rest and ascii_lower(fact.name) == name and name.endswith(("/", ":")):
        return f"`{key}` is a family of condition keys: write {fact.name}NAME"
    return ""


def _similar_key(name: str) -> str:
    """The condition key that was meant, with its own member where it is one of a family."""
    prefix, _, rest = name.partition(":")
    head = next((rest.partition(mark)[0] for mark in "/:" if mark in rest), "")
    member = rest[len(head) + 1 :] if head else ""
    begins = f"{prefix}:"
    plain = {one.removeprefix(begins).rstrip("/:"): one for one in KNOWN if one.startswith(begins)}
    found = closest(head or rest, plain)
    if not found:
        return ""
    spelt = KNOWN[plain[found]].name
    return f"{spelt}{member or 'NAME'}" if spelt.endswith(("/", ":")) else spelt


def _unknown(name: str, what: str, meant: str) -> str:
    return f"there is no {what} `{name}`" + (f": did you mean {meant}?" if meant else "")
