"""Do the actions of a statement ever have the keys of its conditions?  (kms.md 11, iam.md 6.4)

Only actions that are written out are checked. An action with a wildcard may mean others as well.
"""

from collections.abc import Mapping

from keystead.policy.findings.checks.actions import known
from keystead.policy.findings.json_tree import Member, Node
from keystead.policy.findings.subject import Subject, WrittenStatement
from keystead.policy.language import Usage, family
from keystead.policy.text import ascii_lower

_CRYPTOGRAPHY = """
encrypt decrypt reencryptfrom reencryptto generatedatakey generatedatakeypair
generatedatakeypairwithoutplaintext generatedatakeywithoutplaintext
"""
_RECIPIENTS = "decrypt derivesharedsecret generatedatakey generatedatakeypair generaterandom"
_BY_ALIAS = f"""
{_CRYPTOGRAPHY} sign verify generatemac verifymac derivesharedsecret describekey getpublickey
encapsulate decapsulate
"""
_CONTEXTS = f"{_CRYPTOGRAPHY} creategrant retiregrant"
_OF_KMS = {
    "kms:encryptionalgorithm": _CRYPTOGRAPHY,
    "kms:encryptioncontext:": _CONTEXTS,
    "kms:encryptioncontextkeys": _CONTEXTS,
    "kms:requestalias": _BY_ALIAS,
    "kms:recipientattestation:": _RECIPIENTS,
    "kms:bypasspolicylockoutsafetycheck": "createkey putkeypolicy",
    "kms:datakeypairspec": "generatedatakeypair generatedatakeypairwithoutplaintext",
    "kms:expirationmodel": "importkeymaterial",
    "kms:validto": "importkeymaterial",
    "kms:grantconstraintsourcearn": "creategrant",
    "kms:grantconstrainttype": "creategrant retiregrant",
    "kms:grantisforawsresource": "creategrant listgrants revokegrant",
    "kms:grantoperations": "creategrant",
    "kms:granteeprincipal": "creategrant",
    "kms:granteeserviceprincipal": "creategrant",
    "kms:retiringprincipal": "creategrant",
    "kms:retiringserviceprincipal": "creategrant",
    "kms:keyagreementalgorithm": "derivesharedsecret",
    "kms:macalgorithm": "generatemac verifymac",
    "kms:messagetype": "sign verify",
    "kms:signingalgorithm": "sign verify",
    "kms:policyname": "getkeypolicy putkeypolicy",
    "kms:primaryregion": "updateprimaryregion",
    "kms:replicaregion": "replicatekey",
    "kms:reencryptonsamekey": "reencryptfrom reencryptto",
    "kms:rotationperiodindays": "enablekeyrotation",
    "kms:schedulekeydeletionpendingwindowindays": "schedulekeydeletion",
    "kms:trailingdayswithoutkeyusage": "disablekey schedulekeydeletion",
    "kms:wrappingalgorithm": "getparametersforimport",
    "kms:wrappingkeyspec": "getparametersforimport",
}
_OF_TAGS = {
    "aws:requesttag/": "createkey tagresource",
    "aws:tagkeys": "createkey tagresource untagresource",
}
_OF_IAM = {
    "iam:passedtoservice": "passrole",
    "iam:associatedresourcearn": "passrole",
    "iam:awsservicename": "createservicelinkedrole",
}
_WEB_IDENTITY = "cognito-identity.amazonaws.com:"

ACTIONS: Mapping[tuple[str, str], frozenset[str]] = {
    (key, service): frozenset(names.split())
    for service, table in (("kms", _OF_KMS), ("kms", _OF_TAGS), ("iam", _OF_IAM))
    for key, names in table.items()
}
"""Some keys exist for some actions of a service only: (key, service) -> actions, in lower case."""


Named = Mapping[str, Node]
"""The actions that a statement writes out: name in lower case -> its first node."""


def named(statement: WrittenStatement) -> Named:
    """The existing actions that a statement writes out."""
    actions: dict[str, Node] = {}
    for node in statement.texts("Action"):
        service, _, name = ascii_lower(node.scalar).partition(":")
        if name in known().get(service, ()):
            actions.setdefault(f"{service}:{name}", node)
    return actions


def check(subject: Subject, actions: Named, used: Usage, key: Member) -> None:
    """Note the actions under a condition that can never hold for them."""
    if used.when_absent or used.operator.family == "Null":
        return
    name = ascii_lower(key.name)
    nodes = [node for action, node in actions.items() if _never_has(action, name)]
    if nodes:
        names = ", ".join(node.scalar for node in nodes)
        code = "UNSUPPORTED_ACTION_FOR_CONDITION_KEY"
        subject.add(code, *nodes, key.node, actions=names, key=key.name)


def _never_has(action: str, key: str) -> bool:
    if key.startswith(_WEB_IDENTITY):
        return action == "sts:tagsession"
    service, _, name = action.partition(":")
    having = ACTIONS.get((family(key), service))
    return having is not None and name not in having
