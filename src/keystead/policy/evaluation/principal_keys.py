"""Which condition keys describe the caller?  Only this module decides it (iam.md 6.1).

A live call, a folder of policies, a simulation and `keystead decide` use it. Each of them gives the
facts that it knows about the principal. Keys of the request, as `aws:ViaAWSService`, are not here.
"""

from keystead.policy.evaluation.question import ContextValue, Principal, PrincipalType
from keystead.policy.text import ascii_lower


def principal_keys(who: Principal) -> dict[str, ContextValue]:
    """The condition keys of a principal. A key that does not apply or is not known is absent."""
    if who.type is PrincipalType.ANONYMOUS:
        return {"aws:principaltype": who.type.value, "aws:userid": who.user_id}
    if who.type is PrincipalType.SERVICE:
        return {
            "aws:principalisawsservice": "true",
            "aws:principalservicename": who.arn,
            "aws:principalservicenameslist": who.service_names or (who.arn,),
        }
    keys: dict[str, ContextValue] = {
        f"aws:principaltag/{ascii_lower(key)}": value for key, value in who.tags.items()
    }
    keys["aws:principalisawsservice"] = "false"
    if who.organization:
        keys["aws:principalorgid"] = who.organization
        keys["aws:principalorgpaths"] = (who.organization_path,)
    facts = {
        "aws:principalaccount": who.account,
        "aws:principalarn": _arn(who),
        "aws:principaltype": "" if who.type is PrincipalType.FEDERATED else who.type.value,
        "aws:username": "" if who.type is PrincipalType.FEDERATED else who.name,
        "aws:userid": who.user_id,
    }
    return keys | {name: value for name, value in facts.items() if value}


def _arn(who: Principal) -> str:
    """The ARN in `aws:PrincipalArn`: of a role session its role's ARN; of an assertion none."""
    if who.principal_arn or who.type is PrincipalType.FEDERATED:
        return who.principal_arn
    return who.arn
