"""Which names do identities have, and which ARNs?  (iam.md 2.2, 2.3)

Two names of one account are the same when their canonical forms are (IA-5). The canonical form
folds ASCII only (PA-4); the name keeps the case in which it was given.
"""

import string

from keystead.arns import Arn, iam_arn

AWS_ACCOUNT = "aws"  # the account field of AWS-managed policies
SERVICE_LINKED = "/aws-service-role/"  # where the paths of service-linked roles and policies begin
RESERVED = "/aws-reserved/"  # where those of other roles of AWS's services begin

_FOLD = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def canonical(name: str) -> str:
    """The form in which names (and tag keys) are compared and stored as keys."""
    return name.translate(_FOLD)


def root_arn(account: str) -> str:
    return iam_arn(account, "root")


class NotAProviderArn(ValueError):
    """An ARN, but not of a provider of this kind."""


def split_provider_arn(text: str, noun: str) -> tuple[str, str]:
    """Account and name of a provider's ARN; `noun` is that of its kind.

    Raises NotAnArn or NotAProviderArn.
    """
    arn = Arn.parse(text)
    kind, _, name = arn.resource.partition("/")
    named = arn.service == "iam" and not arn.region and kind == noun and name
    if not named or iam_arn(arn.account, arn.resource) != text or arn.account == AWS_ACCOUNT:
        raise NotAProviderArn(text)
    return arn.account, name


class NotAPolicyArn(ValueError):
    """An ARN, but not of a managed policy."""


def split_policy_arn(text: str) -> tuple[str, str, str]:
    """Account ("aws" for AWS's own), path and name of a managed policy's ARN.

    Raises NotAnArn or NotAPolicyArn.
    """
    arn = Arn.parse(text)
    kind, _, rest = arn.resource.partition("/")
    path, _, name = rest.rpartition("/")
    if arn.service != "iam" or arn.region or not arn.account or kind != "policy" or not name:
        raise NotAPolicyArn(text)
    return arn.account, f"/{path}/" if path else "/", name
