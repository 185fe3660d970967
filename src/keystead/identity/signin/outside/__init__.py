"""The ways of people from outside: providers, directories, brokers, and the role they choose."""

from keystead.identity.signin.outside import brokers, directories, entering
from keystead.identity.signin.outside.entering import PAGE, outsider_signed_in
from keystead.identity.signin.outside.federated_served import FEDERATED

__all__ = ("FEDERATED", "PAGE", "brokers", "directories", "entering", "outsider_signed_in")
