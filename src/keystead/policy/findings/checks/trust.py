"""Does a role trust policy admit the callers that its author means?  (iam.md 4.3, 4.4, 6.7)"""

from collections.abc import Iterator
from itertools import islice

from keystead.pauses import pausing
from keystead.policy.findings.checks.operands import text_of
from keystead.policy.findings.json_tree import Node
from keystead.policy.findings.subject import Subject, WrittenStatement, texts
from keystead.policy.language import DocumentKind
from keystead.policy.text import action_glob, ascii_lower

_SAML = ":saml-provider/"
_OIDC = ":oidc-provider/"
_GITHUB = "token.actions.githubusercontent.com"
_ANYWHERE = "rolesanywhere.amazonaws.com"
_NEEDED_BY_ANYWHERE = ("sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession")
_ASSUMING = {"sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity"}
_SHOWN = 20  # principals of one finding
_NEEDED_BY_KEYS = {
    "sts:sourceidentity": "sts:SetSourceIdentity",
    "sts:transitivetagkeys": "sts:TagSession",
    "aws:tagkeys": "sts:TagSession",
    "aws:requesttag/": "sts:TagSession",
}


def check(subject: Subject) -> None:
    if subject.kind is not DocumentKind.TRUST:
        return
    for statement in pausing(subject.statements, after=4):
        if statement.allow:
            _mismatched(subject, statement)
            _missing_actions(subject, statement)
            _providers(subject, statement)
        _claims(subject, statement)


def _mismatched(subject: Subject, statement: WrittenStatement) -> None:
    """Note an action that is not for the kind of principal. Each kind has its own action."""
    named = {ascii_lower(node.scalar): node for node in reversed(statement.texts("Action"))}
    for name in _ASSUMING & named.keys():
        action, wrong = named[name], list(islice(_wrong(statement, name), _SHOWN))
        if wrong:
            names = ", ".join(node.scalar for node in wrong)
            code = "MISMATCHED_ACTION_FOR_PRINCIPAL"
            subject.add(code, action, *wrong, action=action.scalar, principals=names)


def _wrong(statement: WrittenStatement, action: str) -> Iterator[Node]:
    """The principals that cannot use this action of STS."""
    federated = statement.principals("Federated")
    if action == "sts:assumerole":
        yield from federated
        return
    saml = action.endswith("saml")
    yield from (node for node in federated if (_SAML in node.scalar) is not saml)
    yield from statement.principals("AWS")
    yield from statement.principals("Service")


def _missing_actions(subject: Subject, statement: WrittenStatement) -> None:
    """Note a condition key that only has a value if the statement names another action too."""
    actions = [action_glob(action) for action in set(statement.actions())]
    element = statement.get("Action")
    if element is None:
        return
    missing = {
        name
        for name in (*_NEEDED_BY_KEYS.values(), *_NEEDED_BY_ANYWHERE)
        if not any(matches(ascii_lower(name)) for matches in actions)
    }
    for _, key in statement.conditions():
        name = ascii_lower(key.name)
        for start, needed in _NEEDED_BY_KEYS.items():
            asked = name.startswith(start) if start.endswith("/") else name == start
            if asked and needed in missing:
                places = subject.text.of(element.node), subject.text.of_name(key)
                code = "MISSING_ACTION_FOR_CONDITION_KEY"
                subject.add(code, *places, action=needed, key=key.name)
    services = [node.scalar for node in statement.principals("Service")]
    if _ANYWHERE in services and not missing.isdisjoint(_NEEDED_BY_ANYWHERE):
        subject.add("MISSING_ACTION_FOR_ROLES_ANYWHERE_TRUST_POLICY", element.node)


def _providers(subject: Subject, statement: WrittenStatement) -> None:
    """Note an OIDC provider without a condition: everybody with an account there could come in."""
    keys = statement.keys()
    for node in statement.principals("Federated"):
        provider = ascii_lower(node.scalar.rpartition(_OIDC)[2])
        if _SAML in node.scalar or "." not in provider:
            continue
        if not any(key.startswith(f"{provider}:") for key in keys):
            subject.add("MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL", node)
        if provider == _GITHUB and f"{provider}:sub" not in keys:
            subject.add("MISSING_GITHUB_REPO_CONDITION_KEY", node)
    for _, key in statement.conditions():
        if ascii_lower(key.name) == f"{_GITHUB}:sub":
            for value in [*texts(key.node)]:
                if _is_broad(text_of(value)):
                    subject.add("SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED", value)


def _claims(subject: Subject, statement: WrittenStatement) -> None:
    """Note a claim with a colon in its name: it is no key, so a Deny on it never matches."""
    for _, key in statement.conditions():
        provider, _, claim = key.name.partition(":")
        if "." in provider and ":" in claim:
            subject.add("CLAIM_IS_NO_CONDITION_KEY", subject.text.of_name(key), key=key.name)


def _is_broad(sub: str) -> bool:
    """Does a pattern for GitHub's `repo:OWNER/NAME:…` leave owner, name or branch open?"""
    return "*" in sub or "?" in sub
