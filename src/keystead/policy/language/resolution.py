"""Which users and roles does a resource policy mean, and how is its text shown later?

The users and roles that a document names are resolved to their unique ids when it is written. It
means those ids for ever. So a user who is deleted and made again inherits nothing (threat-model
ST-8). The text is kept as it was written. When it is shown, a deleted user or role appears as the
unique id, and a renamed one with today's name (iam.md 4.4).
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from keystead.policy.language.document import named_principals
from keystead.policy.language.kinds import DocumentKind


def resolved(
    text: str, kind: DocumentKind, unique_id: Callable[[str], str | None], partition: str
) -> dict[str, str]:
    """The unique id of each existing principal that a document names.

    Raises MalformedPolicy for a text that is no policy.
    """
    return known_names(named_principals(text, kind, partition), unique_id)


def known_names(names: Iterable[str], unique_id: Callable[[str], str | None]) -> dict[str, str]:
    """The unique id of each of these principals that exists."""
    meant = {name: unique_id(name) for name in names}
    return {name: known for name, known in meant.items() if known is not None}


def shown_again(text: str, meant: Mapping[str, str], arn_now: Callable[[str], str | None]) -> str:
    """The text of a policy for its reader. `arn_now` gives today's ARN of a unique id."""
    changed = {
        written: now
        for written, unique_id in meant.items()
        if (now := _name_now(written, unique_id, arn_now)) != written
    }
    if not changed:
        return text
    document = json.loads(text)
    for statement in _listed(document["Statement"]):
        for element in ("Principal", "NotPrincipal"):
            if isinstance(statement.get(element), dict):
                statement[element] = _renamed(statement[element], changed)
    return json.dumps(document, indent=2, separators=(",", " : "), ensure_ascii=False)


def _name_now(written: str, unique_id: str, arn_now: Callable[[str], str | None]) -> str:
    arn = arn_now(unique_id)
    if arn is None:
        return unique_id
    # Only the name of a user or role is replaced by today's name. The name of a session has more
    # than the id tells, and an account may be written in two ways.
    return arn if written.startswith("arn:") and ":iam:" in written and "/" in written else written


def _renamed(element: Mapping[str, Any], changed: Mapping[str, str]) -> dict[str, Any]:
    named = {kind: [changed.get(n, n) for n in _listed(names)] for kind, names in element.items()}
    return {
        kind: names[0] if isinstance(element[kind], str) else names for kind, names in named.items()
    }


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
