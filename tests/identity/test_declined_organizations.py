"""The declined operations of Organizations, by the table of rows (threat-model 7)."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest

import keystead.identity.organizations
from keystead.errors import AwsError
from keystead.identity.rules import (
    DECLINED_ORGANIZATIONS,
    DeclinedOrganizationsRules,
    EmptyList,
    Missing,
)
from keystead.policy.evaluation import AccessDenied
from keystead.wire.models import organizations as api
from tests import setting
from tests.condition_keys import TABLES
from tests.identity.world import Tenant, World, allow, deny

REGISTERED = keystead.identity.organizations  # its operations, when the module is imported

each_row = pytest.mark.parametrize("row", DECLINED_ORGANIZATIONS, ids=lambda r: r.operation.name)


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    world = World.create(tmp_path_factory.mktemp("identity"))
    yield world.account("root@example.com", "111122223333")
    world.store.close()


@pytest.fixture(scope="module")
def made(tenant: Tenant) -> Mapping[str, Any]:
    return setting.organization(tenant.root)


def members(row: DeclinedOrganizationsRules, made: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a good request, from the table of condition keys."""
    rows = TABLES["organizations"]
    request = next(r.request for r in rows if r.operation == row.operation.name)
    fields = {f.encode_name.lower(): f for f in msgspec.structs.fields(row.operation.input)}
    return {
        fields[name.lower()].name: msgspec.convert(
            setting.filled(value, made), fields[name.lower()].type
        )
        for name, value in request.items()
    }


@each_row
def test_who_may_ask_hears_the_answer(
    tenant: Tenant, made: Mapping[str, Any], row: DeclinedOrganizationsRules
) -> None:
    """The own action alone is enough; without it, all others are not."""
    able = tenant.user(f"own-{row.operation.name}", allow(row.asks[0]))
    unable = tenant.user(f"not-{row.operation.name}", allow("*"), deny(row.asks[0]))
    asked = members(row, made)
    if isinstance(row.answer, EmptyList):
        assert getattr(able(row.operation, **asked), row.answer.member) == []
    else:
        with pytest.raises(AwsError) as caught:
            able(row.operation, **asked)
        if isinstance(row.answer, Missing):
            assert type(caught.value) is row.answer.error
        else:
            assert "because Keystead does not implement this operation" in str(caught.value)
    with pytest.raises(AccessDenied, match="with an explicit deny"):
        unable(row.operation, **asked)


def test_members_hear_nothing(tenant: Tenant, made: Mapping[str, Any]) -> None:
    """It is the management account's to ask; a target that does not exist is none."""
    account = tenant.world.repository.accounts.get(tenant.world.store.read(), made["@member"])
    assert account is not None
    member = Tenant(tenant.world, account, "").root
    for row in DECLINED_ORGANIZATIONS:
        with pytest.raises((AccessDenied, api.AccessDeniedException)):
            member(row.operation, **members(row, made))
    with pytest.raises(api.TargetNotFoundException):
        tenant.root(api.DescribeEffectivePolicy, policy_type="TAG_POLICY", target_id="r-none")
    with pytest.raises(api.EffectivePolicyNotFoundException):
        tenant.root(api.DescribeEffectivePolicy, policy_type="TAG_POLICY")
