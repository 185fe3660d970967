"""Whom does a resource policy mean, and how is it shown again?

The users and roles that a document names are resolved to their unique ids when it is written. It
means those ids for ever, so a user who is deleted and made again inherits nothing (threat-model
ST-8). The text is kept as it was written. Where it names somebody who is gone, it is shown with
the id; where a name has changed, with the name of today (iam.md 4.4).
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from keystead.policy.language.document import named_principals
from keystead.policy.language.kinds import DocumentKind


def resolved(
    text: str, kind: DocumentKind, unique_id: Callable[[str], str | None], partition: str
) -> dict[str, str]:
    """The unique id of each principal that a document names and that exists.

    Raises MalformedPolicy for a text that is no policy.
    """
    names = named_principals(text, kind, partition)
    meant = {name: unique_id(name) for name in names}
    return {name: found for name, found in meant.items() if found is not None}


def shown_again(text: str, meant: Mapping[str, str], arn_now: Callable[[str], str | None]) -> str:
    """The text of a policy as it is given back; `arn_now` knows the ARN of a unique id today."""
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
    # An id stands for one user or role, and then its name of today is shown. Sessions are written
    # with more than the id says, and accounts in two ways.
    return arn if written.startswith("arn:") and ":iam:" in written and "/" in written else written


def _renamed(element: Mapping[str, Any], changed: Mapping[str, str]) -> dict[str, Any]:
    named = {kind: [changed.get(n, n) for n in _listed(names)] for kind, names in element.items()}
    return {
        kind: names[0] if isinstance(element[kind], str) else names for kind, names in named.items()
    }


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
