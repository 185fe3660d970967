"""What would policies know of a session that has the name of an instance?"""

from collections.abc import Mapping

from keystead.identity.authentication import delivery_keys
from keystead.identity.instances.credentials import delivery
from keystead.identity.repository import IdentityRepository, Role
from keystead.policy.evaluation import NO_KEYS, ContextValue
from keystead.store.protocol import Reader


def instance_keys(
    repository: IdentityRepository, reader: Reader, role: Role, session: str
) -> Mapping[str, ContextValue]:
    """The condition keys of this instance, if its profile holds the role; none for any other name.

    Somebody who assumes the role under the name of an instance has a session without them: a
    question that means such a session cannot name it so.
    """
    account = role.account
    instance = repository.instances.get(reader, account, session)
    association = repository.instances.association_of(reader, account, session)
    if instance is None or association is None:
        return NO_KEYS
    profile = repository.instance_profiles.get(reader, account, association.profile_id)
    held = profile is not None and profile.role_id == role.role_id
    return delivery_keys(delivery(instance)) if held else NO_KEYS
