"""Does this action or condition key exist?  Its name is in a question that somebody asks.

No policy allows a misspelt action, so the answer would be "may not". A misspelt condition key has
the same effect. A test which expects "may not" would then hold only because of the typing error.

Every name of the services that are served here is known, as in ValidatePolicy. Any name of another
service passes, unless the service does not exist and its name is nearly that of a served service.
"""

from keystead.policy.findings.checks import actions
from keystead.policy.findings.spelling import closest, misspelt
from keystead.policy.language import KNOWN, SERVED, family
from keystead.policy.text import ascii_lower


def action_problem(action: str) -> str:
    """The sentence that says why no request can have this action; "" if the action may exist."""
    service, _, name = ascii_lower(action).partition(":")
    if meant := misspelt(service, actions.known()):
        return _unknown(action, "action", f"{meant}:{action.partition(':')[2]}")
    if not name or actions.exists(f"{service}:{name}"):
        return ""
    return _unknown(action, "action", actions.similar(action))


def key_problem(key: str) -> str:
    """The sentence that says why no request can have this condition key; "" if it may exist."""
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
    """The condition key that was probably meant, or "". A key of a family keeps its own member."""
    prefix, _, rest = name.partition(":")
    head = next((rest.partition(mark)[0] for mark in "/:" if mark in rest), "")
    member = rest[len(head) + 1 :] if head else ""
    begins = f"{prefix}:"
    plain = {key.removeprefix(begins).rstrip("/:"): key for key in KNOWN if key.startswith(begins)}
    match = closest(head or rest, plain)
    if not match:
        return ""
    spelt = KNOWN[plain[match]].name
    return f"{spelt}{member or 'NAME'}" if spelt.endswith(("/", ":")) else spelt


def _unknown(name: str, what: str, meant: str) -> str:
    return f"there is no {what} `{name}`" + (f": did you mean {meant}?" if meant else "")
