"""A small client of Keystead for services that act for accounts (docs/services.md).

It needs Python's standard library alone, and nothing of the server.
"""

from keystead_service.client import ForwardedAccess, Refused, ServiceClient
from keystead_service.request import CallerRequest
from keystead_service.signing import Credentials

__all__ = ("CallerRequest", "Credentials", "ForwardedAccess", "Refused", "ServiceClient")
