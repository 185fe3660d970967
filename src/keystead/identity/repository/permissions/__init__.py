"""Roles, managed policies, and which policies an identity has."""

from keystead.identity.repository.permissions.attachments import (
    Attachment,
    Attachments,
    InlinePolicies,
    InlinePolicy,
)
from keystead.identity.repository.permissions.policies import ManagedPolicy, Policies, PolicyVersion
from keystead.identity.repository.permissions.roles import Role, RoleDeletions, Roles, RoleUse

__all__ = (
    "Attachment",
    "Attachments",
    "InlinePolicies",
    "InlinePolicy",
    "ManagedPolicy",
    "Policies",
    "PolicyVersion",
    "Role",
    "RoleDeletions",
    "RoleUse",
    "Roles",
)
