"""Which role does a request to assume one mean?  In whichever account it is."""

from keystead.arns import Arn, NotAnArn, spoken
from keystead.call import Resource, Target
from keystead.errors import ValidationException
from keystead.identity.call import AssumingCall
from keystead.identity.permissions import trust


def named(call: AssumingCall, text: str) -> Resource:
    """The role with this ARN, path and case included; or its ARN alone, with nobody's trust."""
    arn = parsed(text)
    name = arn.resource.rpartition("/")[2]
    role = call.repository.roles.named(call.transaction, arn.account, name)
    account = call.repository.accounts.get(call.transaction, arn.account)
    if role is None or role.arn != text or account is None or not account.is_open:
        return Target(text, arn.account, resource_policy_required=True)
    return trust.assumable(call.repository, role)


def parsed(text: str) -> Arn:
    """The parts of a role's ARN; refuses every other text."""
    try:
        arn = Arn.parse(text)
    except NotAnArn:
        raise ValidationException(f"{text} is invalid") from None
    kind, _, name = arn.resource.partition("/")
    ours = (arn.partition, arn.service, arn.region) == (spoken().name, "iam", "")
    if not ours or not arn.account.isdigit() or kind != "role" or not name:
        raise ValidationException(f"{text} is invalid")
    return arn
