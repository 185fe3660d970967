"""Which permissions reach further than their author may think?

`iam:PassRole` gives a role to a service. `iam:CreateServiceLinkedRole` makes a role for a service.
Both should be allowed on named resources only.
"""

from keystead.pauses import pausing
from keystead.policy.findings.json_tree import Member, Node
from keystead.policy.findings.subject import Subject, texts
from keystead.policy.language import DocumentKind
from keystead.policy.text import action_glob, ascii_lower

_CODES = {  # (how the action is named, is the element NotResource?) -> end of the code
    ("named", True): "WITH_NOT_RESOURCE",
    ("star", True): "WITH_STAR_IN_ACTION_AND_NOT_RESOURCE",
    ("not", True): "WITH_NOT_ACTION_AND_NOT_RESOURCE",
    ("named", False): "WITH_STAR_IN_RESOURCE",
    ("star", False): "WITH_STAR_IN_ACTION_AND_RESOURCE",
    ("not", False): "WITH_STAR_IN_RESOURCE_AND_NOT_ACTION",
}
_ACTIONS = (  # prefix of the code, action, and the keys that confine it as named resources would
    ("PASS_ROLE", "iam:passrole", {"iam:passedtoservice", "iam:associatedresourcearn"}),
    ("CREATE_SLR", "iam:createservicelinkedrole", {"iam:awsservicename"}),
)


def check(subject: Subject) -> None:
    if subject.kind is not DocumentKind.IDENTITY:
        return
    for statement in pausing(subject.statements, after=4):
        actions, resources = statement.either("Action"), statement.either("Resource")
        if not statement.allow or actions is None or resources is None:
            continue
        for prefix, action, confining in _ACTIONS:
            if confining.isdisjoint(statement.keys()):
                _unconfined(subject, prefix, action, actions, resources)


def _unconfined(
    subject: Subject, prefix: str, action: str, actions: Member, resources: Member
) -> None:
    how, node = _how(actions, action)
    excepted = resources.name == "NotResource"
    open_ended = [text for text in texts(resources.node) if not text.scalar.strip("*")]
    if node is not None and (excepted or open_ended):
        second = resources.node if excepted else open_ended[0]
        subject.add(f"{prefix}_{_CODES[how, excepted]}", node, second)


def _how(element: Member, action: str) -> tuple[str, Node | None]:
    """How an element allows an action ("" if it does not), and the node that allows it."""
    matching = [text for text in pausing(texts(element.node)) if action_glob(text.scalar)(action)]
    if element.name == "NotAction":
        return ("", None) if matching else ("not", element.node)
    for text in matching:
        if ascii_lower(text.scalar) == action:
            return "named", text
    return ("star", matching[0]) if matching else ("", None)
