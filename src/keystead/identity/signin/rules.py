"""The rows of the operations of sign-in. A person proves who it is, so few of them ask a policy.

But who comes from outside has a session of a role, and the role's trust policy is asked. What a
program may get is asked, too (`logins`).
"""

from keystead.identity.signin import logins
from keystead.identity.signin.asked import (
    broker_shapes,
    directory_shapes,
    federated_shapes,
    role_shapes,
    shapes,
)
from keystead.rules import IN_PERSON, CredentialKind, Rules, table

_OPEN = frozenset({CredentialKind.PROOF})
_OF_PERSONS = frozenset({CredentialKind.CONSOLE, CredentialKind.CONSOLE_ROOT})
ASSUMING = (
    "sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity",
    "sts:SetSourceIdentity", "sts:TagSession",
)  # fmt: skip
"""What the ways from outside ask (`outsiders.WAYS`)."""
_SWITCHING = IN_PERSON - {CredentialKind.CONSOLE_ROOT}
_SWITCH = ("sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession")

SIGNIN = table(
    Rules(
        shapes.CHANGE_ROOT_PASSWORD,
        asks=(),
        answer_recorded=False,
        credentials=frozenset({CredentialKind.CONSOLE_ROOT}),
    ),
    Rules(shapes.CHECK_MFA, asks=(), answer_recorded=False, credentials=_OPEN),
    Rules(role_shapes.CHOOSE_ROLE, asks=ASSUMING, answer_recorded=False, credentials=_OPEN),
    Rules(shapes.CONSOLE_LOGIN, asks=(), answer_recorded=False, credentials=_OPEN),
    Rules(shapes.CONSOLE_LOGOUT, asks=(), answer_recorded=False, credentials=IN_PERSON),
    Rules(role_shapes.DESCRIBE_ROLES, asks=ASSUMING, answer_recorded=False, credentials=_OPEN),
    Rules(
        directory_shapes.DIRECTORY_LOGIN, asks=ASSUMING, answer_recorded=False, credentials=_OPEN
    ),
    Rules(shapes.DESCRIBE_SESSION, asks=(), answer_recorded=False, credentials=IN_PERSON),
    Rules(shapes.DESCRIBE_STEP, asks=(), answer_recorded=False, credentials=_OPEN),
    Rules(shapes.CHECK_PASSKEY, asks=(), answer_recorded=False, credentials=_OPEN),
    Rules(
        shapes.ENABLE_PASSKEY,
        asks=("iam:EnableMFADevice",),
        answer_recorded=False,
        credentials=_OF_PERSONS,
    ),
    Rules(shapes.START_PASSKEY_CHECK, asks=(), answer_recorded=False, credentials=_OPEN),
    Rules(shapes.START_PASSKEY_TOUCH, asks=(), answer_recorded=False, credentials=_OF_PERSONS),
    Rules(shapes.TOUCH_PASSKEY, asks=(), answer_recorded=False, credentials=_OF_PERSONS),
    Rules(
        shapes.START_PASSKEY_REGISTRATION,
        asks=("iam:EnableMFADevice",),
        answer_recorded=False,
        credentials=_OF_PERSONS,
    ),
    Rules(role_shapes.EXIT_ROLE, asks=(), answer_recorded=False, credentials=_SWITCHING),
    Rules(role_shapes.LIST_SWITCHED_ROLES, asks=(), answer_recorded=False, credentials=_SWITCHING),
    Rules(
        role_shapes.RENEW_ROLE,
        asks=_SWITCH,
        across_accounts=True,
        answer_recorded=False,
        credentials=_SWITCHING,
    ),
    Rules(
        role_shapes.SWITCH_ROLE,
        asks=_SWITCH,
        across_accounts=True,
        answer_recorded=False,
        credentials=_SWITCHING,
    ),
    Rules(broker_shapes.BROKER_LOGIN, asks=(), answer_recorded=False, credentials=_OPEN),
    Rules(broker_shapes.DESCRIBE_SIGNIN_TOKEN, asks=(), answer_recorded=False, credentials=_OPEN),
    Rules(broker_shapes.GET_SIGNIN_TOKEN, asks=(), answer_recorded=False, credentials=_OPEN),
    Rules(shapes.END_SESSION, asks=(), answer_recorded=False, credentials=_OPEN),
    Rules(shapes.KEEP_DESTINATION, asks=(), answer_recorded=False, credentials=_OPEN),
    Rules(shapes.TAKE_DESTINATION, asks=(), answer_recorded=False, credentials=_OPEN),
    Rules(federated_shapes.CONTINUE, asks=ASSUMING, answer_recorded=False, credentials=_OPEN),
    Rules(federated_shapes.DESCRIBE_ARRIVAL, asks=(), answer_recorded=False, credentials=_OPEN),
    Rules(federated_shapes.START_OIDC, asks=(), answer_recorded=False, credentials=_OPEN),
    Rules(federated_shapes.START_SAML, asks=(), answer_recorded=False, credentials=_OPEN),
    Rules(federated_shapes.TAKE_OIDC_CODE, asks=ASSUMING, answer_recorded=False, credentials=_OPEN),
    Rules(federated_shapes.TAKE_SAML_RESPONSE, asks=(), answer_recorded=False, credentials=_OPEN),
    Rules(shapes.UPDATE_PASSWORD, asks=(), answer_recorded=False, credentials=_OPEN),
    *logins.OF_PERSONS.values(),
    *logins.OF_PROGRAMS.values(),
)
