"""The pages of sign-in: password, second factor, providers, directories, brokers, roles."""

from keystead.console.signing_in.brokers import broker_routes
from keystead.console.signing_in.directories import PATH as DIRECTORY
from keystead.console.signing_in.directories import DirectoryPages
from keystead.console.signing_in.federated import routes as federated_routes
from keystead.console.signing_in.following import ROLE
from keystead.console.signing_in.passkeys import PATH as PASSKEY
from keystead.console.signing_in.passkeys import PasskeyPages
from keystead.console.signing_in.roles import RolePages
from keystead.console.signing_in.signing_in import SigningIn

__all__ = (
    "DIRECTORY",
    "PASSKEY",
    "ROLE",
    "DirectoryPages",
    "PasskeyPages",
    "RolePages",
    "SigningIn",
    "broker_routes",
    "federated_routes",
)
