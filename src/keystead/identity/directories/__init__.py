"""Directories of people: how they come and go, and which roles their people have."""

from keystead.identity.directories import operations
from keystead.identity.directories.registration import (
    PASSED_TO,
    RESOURCE_TYPE,
    arn_of,
    assigned,
    changed,
    created,
    groups_of,
    of_person,
    question,
    role_of,
    service_principal,
    settings_in,
)

__all__ = (
    "PASSED_TO", "RESOURCE_TYPE", "arn_of", "assigned", "changed", "created", "groups_of",
    "of_person", "operations", "question", "role_of", "service_principal", "settings_in",
)  # fmt: skip
