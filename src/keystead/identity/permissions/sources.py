"""For which resource does a service act?  `aws:SourceArn` and its kind, which guard a deputy.

A service that acts for a resource of somebody names it, and its account, in two signed headers:

    X-Amz-Source-Arn: arn:aws:warehouse:eu-central-1:111122223333:shelf/7
    X-Amz-Source-Account: 111122223333

INVARIANT: only a service that signs with its own key has these condition keys, and only if its
registration covers what it names. The account is open, and is the account in the ARN. The
organization comes from the store. From any other caller the headers mean nothing (PE-3, iam.md
6.3).
"""

from collections.abc import Mapping
from functools import lru_cache

import msgspec

from keystead.arns import Arn, NotAnArn, is_account_id
from keystead.identity.permissions import ceilings
from keystead.identity.repository import EVERY, IdentityRepository, ServiceRecord
from keystead.policy.evaluation import ContextValue
from keystead.policy.text import Matcher, arn_glob, wildcards
from keystead.store.protocol import Reader

ARN_HEADER, ACCOUNT_HEADER = "x-amz-source-arn", "x-amz-source-account"
_LONGEST = 2048  # characters of an ARN


class Source(msgspec.Struct, frozen=True):
    """The facts about a source, or the reason why a service may not name it."""

    keys: Mapping[str, ContextValue] = {}
    problem: str = ""


NO_SOURCE = Source()


def named(headers: Mapping[str, str]) -> tuple[str, str]:
    """The ARN and the account that a request names; "" for what it does not."""
    return headers.get(ARN_HEADER, ""), headers.get(ACCOUNT_HEADER, "")


def source(
    repository: IdentityRepository, reader: Reader, service: ServiceRecord, arn: str, account: str
) -> Source:
    """The facts about the source that a service names.

    (1) An ARN, within the patterns. (2) The account: of the ARN, if it has one. (3) An open account
    of this installation that is covered. (4) Its organization.
    """
    if not arn and not account:
        return NO_SOURCE
    if arn:  # (1)
        try:
            owner = Arn.parse(arn).account
        except NotAnArn:
            return Source(problem=f"{_shown(arn)} is not an ARN")
        if len(arn) > _LONGEST or not any(_matcher(each)(arn) for each in service.arns_of_sources):
            return Source(problem=f"its registration does not cover the source {_shown(arn)}")
        if account and owner and account != owner:  # (2)
            return Source(problem=f"the source {_shown(arn)} is not of account {_shown(account)}")
        account = account or owner
    keys: dict[str, ContextValue] = {"aws:sourcearn": arn} if arn else {}
    if not account:  # as in the ARN of a bucket
        return Source(keys)
    known = repository.accounts.get(reader, account) if is_account_id(account) else None
    covered = {EVERY, account} & {*service.accounts_of_sources}
    if known is None or not known.is_open or not covered:  # (3)
        return Source(problem=f"its registration does not cover account {_shown(account)}")
    return Source({**keys, **of_account(repository, reader, account)})  # (4)


def of_account(
    repository: IdentityRepository, reader: Reader, account: str
) -> dict[str, ContextValue]:
    """The keys about the account of a source, and about its organization."""
    keys: dict[str, ContextValue] = {"aws:sourceaccount": account}
    over = ceilings.above(repository, reader, account)
    if over.organization:
        keys["aws:sourceorgid"] = over.organization
        keys["aws:sourceorgpaths"] = (over.path,)
    return keys


@lru_cache(maxsize=1024)
def _matcher(pattern: str) -> Matcher:
    return arn_glob(wildcards(pattern))


def _shown(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]}…"
