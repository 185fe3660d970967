"""Which condition keys tell who asks (iam.md 6.1): the same wherever it is asked."""

import dataclasses

import pytest

from keystead.policy.evaluation.principal_keys import principal_keys
from keystead.policy.evaluation.question import ContextValue, Principal, PrincipalType
from keystead.policy.reasons.scenario import principal_named
from tests.policy.support import ACCOUNT, ALICE, APP, BOB, LOGS, NOBODY, OWNER, ROLE, ROOT

USERS_AND_SESSIONS = {"aws:principalaccount": ACCOUNT, "aws:principalisawsservice": "false"}
BEARER = Principal(PrincipalType.FEDERATED, "arn:aws:iam::1:saml-provider/x", "", "sub")

KEYS: list[tuple[Principal, dict[str, ContextValue]]] = [
    (
        ALICE,
        {
            **USERS_AND_SESSIONS,
            "aws:principalarn": ALICE.arn,
            "aws:principaltype": "User",
            "aws:username": "alice",
            "aws:userid": ALICE.user_id,
        },
    ),
    (
        APP,
        {
            **USERS_AND_SESSIONS,
            "aws:principalarn": ROLE,
            "aws:principaltype": "AssumedRole",
            "aws:userid": APP.user_id,
        },
    ),
    (
        BOB,
        {
            **USERS_AND_SESSIONS,
            "aws:principalarn": BOB.arn,
            "aws:principaltype": "FederatedUser",
            "aws:userid": BOB.user_id,
        },
    ),
    (
        OWNER,
        {
            **USERS_AND_SESSIONS,
            "aws:principalarn": ROOT,
            "aws:principaltype": "Account",
            "aws:userid": ACCOUNT,
        },
    ),
    (
        LOGS,
        {
            "aws:principalisawsservice": "true",
            "aws:principalservicename": LOGS.arn,
            "aws:principalservicenameslist": LOGS.service_names,
        },
    ),
    (NOBODY, {"aws:principaltype": "Anonymous", "aws:userid": "anonymous"}),
    (BEARER, {"aws:principalisawsservice": "false", "aws:userid": "sub"}),
]


@pytest.mark.parametrize(("who", "keys"), KEYS, ids=lambda one: getattr(one, "type", ""))
def test_the_keys_of_each_kind_of_principal(who: Principal, keys: dict[str, ContextValue]) -> None:
    """What does not apply is absent, never empty."""
    assert principal_keys(who) == keys


def test_tags_of_the_principal_are_keys() -> None:
    """The key part of a tag is in lower case, its value is as it is; and nothing else changes."""
    tagged = dataclasses.replace(ALICE, tags={"Team": "Red"})
    assert principal_keys(tagged) == {**principal_keys(ALICE), "aws:principaltag/team": "Red"}


@pytest.mark.parametrize("who", [ALICE, APP, OWNER])
def test_an_arn_tells_the_same_but_for_ids(who: Principal) -> None:
    """A user's unique id is not in the ARN; an account's number is."""
    named = principal_named(who.arn, who.principal_arn if who is APP else "", "kms:Encrypt")
    live = principal_keys(who)
    if who is not OWNER:
        del live["aws:userid"]
    assert principal_keys(named) == live
