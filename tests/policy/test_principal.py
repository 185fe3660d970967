"""Who can ask, and what callers of each kind have (iam.md 2.4, 6.1, 5.2)."""

import pytest

from keystead.policy.evaluation.principal_keys import principal_keys
from keystead.policy.evaluation.question import Principal, PrincipalType
from keystead.policy.language.principal import OUTSIDERS, UNBOUND
from tests.policy.support import (
    ALICE,
    APP,
    BOB,
    LOGS,
    NOBODY,
    OWNER,
    ROOT,
    about_key,
    allow,
    ask,
    ceiling,
    deny,
    evaluate,
    key_policy,
    to,
)

BEARER = Principal(PrincipalType.FEDERATED, "accounts.google.com", "", "accounts.google.com")


@pytest.mark.parametrize(
    ("who", "value"),
    [
        (OWNER, "Account"),
        (ALICE, "User"),
        (APP, "AssumedRole"),
        (BOB, "FederatedUser"),
        (NOBODY, "Anonymous"),
        (LOGS, None),
        (BEARER, None),
    ],
)
def test_the_value_of_the_key_for_the_type(who: Principal, value: str | None) -> None:
    """`aws:PrincipalType` has AWS's words, where AWS has one."""
    assert principal_keys(who).get("aws:principaltype") == value


@pytest.mark.parametrize(
    ("who", "account", "bound"),
    [
        (ALICE, True, True),
        (APP, True, True),
        (BOB, True, True),
        (OWNER, True, False),
        (LOGS, False, False),
        (NOBODY, False, False),
        (BEARER, False, False),
    ],
)
def test_who_has_an_account_and_policies(who: Principal, account: bool, bound: bool) -> None:
    """The root user has no policies of its own to be bound by; outsiders have no account either."""
    assert (who.type not in OUTSIDERS, who.type not in UNBOUND) == (account, bound)
    everybody = key_policy(allow(**to(ROOT)), allow(Principal="*"))
    refusing = ceiling(deny("*"))
    assert evaluate(ask(who), about_key((), (everybody,))).allowed
    assert evaluate(ask(who), about_key((), (everybody,), boundary=refusing)).allowed is not bound


def test_a_caller_has_no_names_but_its_own() -> None:
    """What is not said of a caller is empty, so that no policy can mean it by accident."""
    who = Principal(PrincipalType.SERVICE, "x.amazonaws.com", "", "x.amazonaws.com")
    names = (who.unique_id, who.name, who.principal_arn, who.issuer_arn, who.issuer_id)
    assert names == ("", "", "", "", "")
    assert (who.service_names, who.service_linked, dict(who.tags)) == ((), False, {})
