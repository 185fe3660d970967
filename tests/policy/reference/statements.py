"""Does a statement speak about a request?  (IAM: Action, Resource, Condition elements)

A statement matches when its principal, action, resource and every condition match. What a
principal means depends on the kind of policy, so it is asked separately (`named_forms`).
"""

from typing import Any

from tests.policy.reference import conditions, documents, patterns, principals
from tests.policy.reference.request import Document, Request

# These describe the key itself and count in identity policies only.
NOT_IN_KEY_POLICIES = ("aws:resourcetag/", "kms:resourcealiases")


def matching(document: Document, effect: str, request: Request, kind: str) -> list[dict[str, Any]]:
    """The statements of one effect that match; without looking at principals."""
    return [
        statement
        for statement in documents.statements(document)
        if statement["Effect"] == effect
        and _action_matches(statement, request)
        and _resource_matches(statement, document, request, kind)
        and _conditions_hold(statement, document, request, kind)
    ]


def named_forms(statement: dict[str, Any], request: Request) -> set[str]:
    """In which forms does a statement with principals name the caller? Nobody: empty."""
    caller = request.caller
    if "Principal" in statement:
        return principals.forms(statement["Principal"], caller)
    if "NotPrincipal" not in statement:
        return set()  # a statement of a resource policy without principal names nobody
    listed = statement["NotPrincipal"]
    if statement["Effect"] == "Deny":
        bounded = request.boundary is not None and caller.account is not None
        reached = principals.denied_by_not_principal(listed, caller, has_boundary=bounded)
    else:
        reached = principals.allowed_by_not_principal(listed, caller)
    return {"everyone"} if reached else set()


def _action_matches(statement: dict[str, Any], request: Request) -> bool:
    if "Action" in statement:
        return _any_action(statement["Action"], request.action)
    if "NotAction" in statement:
        return not _any_action(statement["NotAction"], request.action)
    return False  # a key policy may store such a statement; it has no effect


def _any_action(value: Any, action: str) -> bool:
    return any(
        patterns.matches(patterns.wildcards(patterns.ascii_lower(each)), action)
        for each in documents.as_list(value)
        if "," not in each and " " not in each
    )


def _resource_matches(
    statement: dict[str, Any], document: Document, request: Request, kind: str
) -> bool:
    if kind == "trust":
        return True  # a trust policy speaks about its role and names no resource
    if "Resource" in statement:
        return _any_resource(statement["Resource"], document, request, kind)
    if "NotResource" in statement:
        excluded = _any_resource(statement["NotResource"], document, request, kind)
        return not excluded and not _void(statement, document, request)
    return False


def _void(statement: dict[str, Any], document: Document, request: Request) -> bool:
    """An Allow whose NotResource has a variable without value is not in effect: what it meant
    to leave out cannot be known. A Deny is: it leaves out less.
    """
    if statement["Effect"] == "Deny":
        return False
    listed = documents.as_list(statement["NotResource"])
    return any(_parts(each, document, request) is None for each in listed)


def _any_resource(value: Any, document: Document, request: Request, kind: str) -> bool:
    return any(_one_resource(each, document, request, kind) for each in documents.as_list(value))


def _one_resource(value: str, document: Document, request: Request, kind: str) -> bool:
    if value == "*":
        return True
    if request.resource == "*":
        return False  # an operation without resource: only the lone `*` covers it
    if kind == "identity":
        value = ":".join(patterns.completed(value.split(":", 5)))
    wanted = _parts(value, document, request)
    if wanted is None:
        return False
    given = request.resource.split(":", 5)
    if len(wanted) < len(given) and value.endswith("*"):
        # A short pattern's last `*` takes the rest of the ARN.
        given = [*given[: len(wanted) - 1], ":".join(given[len(wanted) - 1 :])]
    return len(wanted) == len(given) and all(
        patterns.matches(want, part) for want, part in zip(wanted, given, strict=True)
    )


def _parts(value: str, document: Document, request: Request) -> list[patterns.Pattern] | None:
    """The pattern's parts; None if a variable has no value.

    Variables count in the sixth part only; the first five are read as they stand.
    """
    parts = value.split(":", 5)
    wanted = [patterns.wildcards(part) for part in parts]
    if len(parts) == 6 and document.get("Version") == "2012-10-17":
        lookup = conditions.single_value(request.context)
        try:
            wanted[5] = patterns.substituted(parts[5], patterns.wildcards, lookup)
        except patterns.Unresolved:
            return None
    return wanted


def _conditions_hold(
    statement: dict[str, Any], document: Document, request: Request, kind: str
) -> bool:
    context = {
        key: value
        for key, value in request.context.items()
        if kind != "key" or not key.startswith(NOT_IN_KEY_POLICIES)
    }
    question = conditions.Question(
        context=context,
        variables=document.get("Version") == "2012-10-17",
        effect=statement["Effect"],
    )
    return all(
        conditions.holds(operator, key, wanted, question)
        for operator, key, wanted in documents.conditions_of(statement)
    )
