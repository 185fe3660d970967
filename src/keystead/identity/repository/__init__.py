"""Everything this room remembers, by entity."""

from keystead.identity.repository.access_keys import AccessKey, AccessKeys, AccessKeyUse
from keystead.identity.repository.accounts import Account
from keystead.identity.repository.attachments import Attachment, InlinePolicy
from keystead.identity.repository.entities import E, Entity, new
from keystead.identity.repository.groups import Group, Membership
from keystead.identity.repository.instance_profiles import InstanceProfile
from keystead.identity.repository.policies import ManagedPolicy, PolicyVersion
from keystead.identity.repository.repository import IdentityRepository
from keystead.identity.repository.roles import Role, RoleUse
from keystead.identity.repository.tags import packed
from keystead.identity.repository.users import User

__all__ = (
    "AccessKey", "AccessKeyUse", "AccessKeys", "Account", "Attachment", "E", "Entity", "Group",
    "IdentityRepository", "InlinePolicy", "InstanceProfile", "ManagedPolicy", "Membership",
    "PolicyVersion", "Role", "RoleUse", "User", "new", "packed",
)  # fmt: skip
