"""Which grants has a caller on the key that a question is about?

Enforcement reads the grants that this request may use. A person wants to see also those whose
constraints are not met. So up to `SHOWN` grants of the caller are added: they change no decision,
because their conditions decide. For kms:RetireGrant they are the grants that could be retired.
"""

from collections.abc import Iterator
from itertools import chain

import msgspec

from keystead.arns import partition_of
from keystead.call import Resource
from keystead.identity.authentication import Caller
from keystead.inquiry.view import InstallationView
from keystead.kms import key_policies
from keystead.kms.grants import as_statement, names_of, parts, retiring
from keystead.kms.keys import Key
from keystead.policy.evaluation import NO_KEYS, Keys, PolicySource
from keystead.policy.text import ascii_lower

SHOWN = 100
"""The grants that are shown beside those that a request may use."""

_RETIRES = "kms:retiregrant"


def with_grants(
    installation: InstallationView,
    resource: Resource,
    action: str,
    caller: Caller,
    given: Keys = NO_KEYS,
) -> Resource:
    """The resource, if it is a key with the caller's grants on it. `given` are known facts."""
    if not isinstance(resource, Key):
        return resource
    if ascii_lower(action) == _RETIRES:
        retirable = tuple(_retirable(installation, resource))
        return key_policies.only_denying(installation.keys.preparations, resource, retirable)
    if not resource.is_granted:
        return resource
    reader = installation.store.read()
    usable = installation.keys.granted.of(reader, resource, caller.principal, given, given).grants
    known = {(source.id, source.policy.id) for source in usable}
    others = (
        source
        for source in _held(installation, resource, caller)
        if (source.id, source.policy.id) not in known
    )
    return msgspec.structs.replace(resource, grants=(*usable, *others))


def _held(installation: InstallationView, key: Key, caller: Caller) -> Iterator[PolicySource]:
    """The statements of grants of which the caller is the grantee."""
    reader, place = installation.store.read(), (key.account, key.region, key.key_id)
    listed = installation.keys.grants.after
    names = names_of(caller.principal)
    for grant in chain.from_iterable(listed(reader, place, "", SHOWN, name) for name in names):
        for part in parts(grant):
            yield as_statement(grant, part, key.arn_text)


def _retirable(installation: InstallationView, key: Key) -> Iterator[PolicySource]:
    """Who may retire the first grants of a key."""
    reader, place = installation.store.read(), (key.account, key.region, key.key_id)
    partition = partition_of(key.region).name
    for grant in installation.keys.grants.after(reader, place, "", SHOWN):
        yield from retiring(grant, key.arn_text, partition)
