"""What may a service do for a caller whose request it forwards?  What its registration lists.

It is a policy that binds such a session whatever else allows, as a scope-down policy does. So there
is one evaluator, and a refusal names it.
"""

import msgspec

from keystead.identity.repository import ServiceRecord
from keystead.policy.evaluation import PolicySource
from keystead.policy.language import VERSION_2008, DocumentKind, own_policy

_WEIGHT = 4000  # bytes of the compiled policy, beside its text
_NOTHING = "kms:NothingIsForwarded"


def within(service: ServiceRecord) -> tuple[PolicySource, ...]:
    """The policy of one service, as a level of its own."""
    statement = {
        "Effect": "Allow",
        "Action": [*service.forwarded_actions] or _NOTHING,
        "Resource": "*",
    }
    text = msgspec.json.encode({"Version": VERSION_2008, "Statement": [statement]}).decode()
    policy = own_policy(text, DocumentKind.SESSION, {}, _WEIGHT + 4 * len(text))
    return (PolicySource(policy, f"registration of {service.name}"),)
