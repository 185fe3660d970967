"""Which condition keys tell who asks?  The one place that says so, whatever is known (iam.md 6.1).

A live call, a folder of policies, a simulation and `keystead decide` ask here, each with what it
knows of the principal. Keys of the request, such as `aws:ViaAWSService`, are not among them.
"""

from keystead.policy.evaluation.question import ContextValue, Principal, PrincipalType
from keystead.policy.text import ascii_lower


def principal_keys(who: Principal) -> dict[str, ContextValue]:
    """The condition keys of a principal: what does not apply or is not known is absent."""
    if who.type is PrincipalType.ANONYMOUS:
        return {"aws:principaltype": who.type.value, "aws:userid": who.user_id}
    if who.type is PrincipalType.SERVICE:
        return {"aws:principalisawsservice": "true", "aws:principalservicename": who.arn}
    keys: dict[str, ContextValue] = {
        f"aws:principaltag/{ascii_lower(key)}": value for key, value in who.tags.items()
    }
    keys["aws:principalisawsservice"] = "false"
    facts = {
        "aws:principalaccount": who.account,
        "aws:principalarn": _arn(who),
        "aws:principaltype": "" if who.type is PrincipalType.FEDERATED else who.type.value,
        "aws:username": who.name,
        "aws:userid": who.user_id,
    }
    return keys | {name: value for name, value in facts.items() if value}


def _arn(who: Principal) -> str:
    """A role session's is its role's; a bearer of an assertion has none."""
    if who.principal_arn or who.type is PrincipalType.FEDERATED:
        return who.principal_arn
    return who.arn
