"""Markers: where the next page begins, for the same caller and the same question only."""

from typing import Any

import pytest

from keystead.wire.models import iam as api
from keystead.wire.operation import Operation
from tests.identity.refusals import refused
from tests.identity.world import Person, Tenant, World


@pytest.fixture
def marker(admin: Person) -> str:
    """The marker of a first page of ListUsers."""
    for name in ("a", "b", "c"):
        admin(api.CreateUser, user_name=name)
    page = admin(api.ListUsers, max_items=2)
    assert [user.user_name for user in page.users] == ["a", "admin"]
    assert page.is_truncated
    assert page.marker is not None
    return page.marker


def test_next_page(admin: Person, marker: str) -> None:
    """A marker continues, also with another page size, and also after changes."""
    admin(api.CreateUser, user_name="aa")
    admin(api.CreateUser, user_name="bb")

    page = admin(api.ListUsers, marker=marker, max_items=10)

    assert [user.user_name for user in page.users] == ["b", "bb", "c"]
    assert (page.is_truncated, page.marker) == (False, None)


def test_pages_have_a_longest(admin: Person) -> None:
    """A page has at most a hundred items, whatever is asked for, and the next goes on."""
    for number in range(105):
        admin(api.CreateUser, user_name=f"u{number:03}")
    first = admin(api.ListUsers, max_items=1000)
    second = admin(api.ListUsers, max_items=1000, marker=first.marker)

    assert (len(first.users), first.is_truncated) == (100, True)
    assert (len(second.users), second.is_truncated) == (6, False)
    details = admin(api.GetAccountAuthorizationDetails, max_items=1000, filter=["User"])
    assert (len(details.user_detail_list or ()), details.is_truncated) == (100, True)


def test_bound_to_the_question(world: World, tenant: Tenant, admin: Person, marker: str) -> None:
    """A marker is refused for other parameters, operations, callers, accounts, and when altered."""
    other = world.account("other@example.com").administrator()
    refusals: tuple[tuple[Person, Operation[Any, Any], dict[str, Any], str], ...] = (
        (admin, api.ListUsers, {"path_prefix": "/"}, marker),
        (admin, api.ListGroups, {}, marker),
        (tenant.root, api.ListUsers, {}, marker),
        (other, api.ListUsers, {}, marker),
        (admin, api.ListUsers, {}, marker[:-1]),
        (admin, api.ListUsers, {}, "x"),
        (admin, api.ListUsers, {}, "YWRtaW4"),
    )

    for person, operation, members, text in refusals:
        with refused("ValidationError", "Invalid Marker."):
            person(operation, marker=text, **members)
    admin(api.ListUsers, marker=marker)


def test_markers_fit(admin: Person) -> None:
    """The longest names still give markers that the model accepts: at most 320 characters."""
    for letter in "ab":
        admin(api.CreateGroup, group_name=letter * 128)

    page = admin(api.ListGroups, max_items=1)

    assert page.marker is not None
    assert len(page.marker) <= 320


def test_short_lists_page_too(admin: Person) -> None:
    """Lists that are read as a whole page like the long ones."""
    tags = [api.Tag(key=str(number), value="") for number in range(5)]
    admin(api.TagUser, user_name="admin", tags=tags)

    first = admin(api.ListUserTags, user_name="admin", max_items=3)
    second = admin(api.ListUserTags, user_name="admin", max_items=3, marker=first.marker)

    assert first.tags == tags[:3]
    assert second.tags == tags[3:]
    assert second.is_truncated is False
