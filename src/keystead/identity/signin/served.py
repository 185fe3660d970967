"""Which operations has sign-in?  They are on the console's listener alone.

So they are not in the registry of AWS's operations, which every listener of the API serves: no
signature and no header leads to them.
"""

from collections.abc import Mapping

from keystead.identity.signin import logins
from keystead.identity.signin.asked import broker_shapes, directory_shapes, role_shapes, shapes
from keystead.identity.signin.outside import FEDERATED, brokers, directories, entering
from keystead.identity.signin.sessions import ending
from keystead.identity.signin.steps import destinations, operations, passkeys, switching
from keystead.registry import Implementation

IMPLEMENTATIONS: Mapping[str, Implementation] = {
    implementation.operation.name: implementation
    for implementation in (
        Implementation(shapes.CHANGE_ROOT_PASSWORD, operations.change_root_password),
        Implementation(shapes.CONSOLE_LOGIN, operations.console_login),
        Implementation(shapes.CHECK_MFA, operations.check_mfa),
        Implementation(shapes.CHECK_PASSKEY, passkeys.check_passkey),
        Implementation(shapes.ENABLE_PASSKEY, passkeys.enable_passkey),
        Implementation(shapes.START_PASSKEY_CHECK, passkeys.start_passkey_check),
        Implementation(shapes.START_PASSKEY_TOUCH, passkeys.start_passkey_touch),
        Implementation(shapes.TOUCH_PASSKEY, passkeys.touch_passkey),
        Implementation(shapes.START_PASSKEY_REGISTRATION, passkeys.start_passkey_registration),
        Implementation(shapes.UPDATE_PASSWORD, operations.update_password),
        Implementation(shapes.DESCRIBE_STEP, operations.describe_step),
        Implementation(shapes.DESCRIBE_SESSION, operations.describe_session),
        Implementation(shapes.CONSOLE_LOGOUT, operations.console_logout),
        Implementation(shapes.END_SESSION, ending.end_session),
        Implementation(shapes.KEEP_DESTINATION, destinations.keep_destination),
        Implementation(shapes.TAKE_DESTINATION, destinations.take_destination),
        Implementation(broker_shapes.GET_SIGNIN_TOKEN, brokers.get_signin_token),
        Implementation(broker_shapes.DESCRIBE_SIGNIN_TOKEN, brokers.describe_signin_token),
        Implementation(broker_shapes.BROKER_LOGIN, brokers.broker_login),
        Implementation(role_shapes.SWITCH_ROLE, switching.switch_role),
        Implementation(role_shapes.RENEW_ROLE, switching.renew_role),
        Implementation(role_shapes.EXIT_ROLE, switching.exit_role),
        Implementation(role_shapes.LIST_SWITCHED_ROLES, switching.list_switched_roles),
        Implementation(directory_shapes.DIRECTORY_LOGIN, directories.directory_login),
        Implementation(role_shapes.DESCRIBE_ROLES, entering.describe_roles),
        Implementation(role_shapes.CHOOSE_ROLE, entering.choose_role),
        *FEDERATED,
    )
} | {**logins.BY_PERSONS, **logins.BY_PROGRAMS}
"""By name."""
