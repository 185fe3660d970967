"""Pages of lists, and markers that go nowhere else."""

from collections.abc import Callable

import pytest

from tests.kms.world import OTHER_ACCOUNT, Kms, World, refused


def test_every_key_once(admin: Kms) -> None:
    """Reading page after page shows every key once."""
    keys = {admin.key() for _ in range(7)}
    seen: list[str] = []
    page = admin.list_keys(Limit=3)
    while True:
        seen += [entry.key_id for entry in page.keys]
        if not page.truncated:
            break
        page = admin.list_keys(Limit=3, Marker=page.next_marker)
    assert page.next_marker is None
    assert len(seen) == 7
    assert set(seen) == keys


def test_pages_of_aliases_and_tags(admin: Kms) -> None:
    """Aliases, of all keys or one, and tags come in pages too."""
    key = admin.key(Tags=[{"TagKey": f"k{n}", "TagValue": ""} for n in range(5)])
    for number in range(5):
        admin.create_alias(AliasName=f"alias/{number}", TargetKeyId=key)
    for filtered in ({}, {"KeyId": key}):
        first = admin.list_aliases(Limit=3, **filtered)
        rest = admin.list_aliases(Limit=3, Marker=first.next_marker, **filtered)
        names = [entry.alias_name for entry in first.aliases + rest.aliases]
        assert names == [f"alias/{number}" for number in range(5)]
        assert not rest.truncated
    tags = admin.list_resource_tags(KeyId=key, Limit=3)
    more = admin.list_resource_tags(KeyId=key, Limit=3, Marker=tags.next_marker)
    assert [tag.tag_key for tag in tags.tags + more.tags] == [f"k{n}" for n in range(5)]


def test_the_default_page(admin: Kms) -> None:
    """Without a limit a page of aliases has 50, and a larger limit gives at most 100."""
    keys = [admin.key() for _ in range(3)]
    for number in range(120):
        admin.create_alias(AliasName=f"alias/{number}", TargetKeyId=keys[number // 50])
    assert len(admin.list_aliases().aliases) == 50
    assert len(admin.list_aliases(Limit=1000).aliases) == 100


@pytest.mark.parametrize("marker", ["x", "AQIDBA", "é", "a" * 1024])
def test_invented_markers(admin: Kms, marker: str) -> None:
    """A marker that we did not make is refused."""
    with refused("InvalidMarkerException"):
        admin.list_keys(Marker=marker)


def test_markers_go_nowhere_else(admin: Kms, world: World) -> None:
    """A marker is for its operation, principal, account, Region and parameters."""
    one, other = admin.key(), admin.key()
    for number in range(4):
        admin.create_alias(AliasName=f"alias/{number}", TargetKeyId=one)
        admin.create_alias(AliasName=f"alias/other-{number}", TargetKeyId=other)
    keys = admin.list_keys(Limit=1).next_marker
    aliases = admin.list_aliases(Limit=1, KeyId=one).next_marker
    attempts: list[Callable[[], object]] = [
        lambda: admin.list_aliases(Marker=keys),
        lambda: admin.list_aliases(Marker=aliases),
        lambda: admin.list_aliases(Marker=aliases, KeyId=other),
        lambda: world.caller("alice").list_keys(Marker=keys),
        lambda: world.caller(region="eu-west-1").list_keys(Marker=keys),
        lambda: world.caller("admin", OTHER_ACCOUNT).list_keys(Marker=keys),
    ]
    for attempt in attempts:
        with refused("InvalidMarkerException"):
            attempt()
    assert len(admin.list_keys(Marker=keys).keys) == 1
    assert len(admin.list_aliases(Marker=aliases, KeyId=one).aliases) == 3
