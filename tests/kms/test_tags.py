"""Tags: which there may be, and who may set them."""

from collections.abc import Mapping

import pytest

from tests.kms.world import Kms, World, allow, refused


def tags(pairs: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"TagKey": key, "TagValue": value} for key, value in pairs.items()]


def listed(client: Kms, key: str) -> dict[str, str]:
    answer = client.list_resource_tags(KeyId=key)
    return {tag.tag_key: tag.tag_value for tag in answer.tags}


def test_tag_and_untag(admin: Kms) -> None:
    """New values replace old ones, and what is not there can be taken away."""
    key = admin.key(Tags=tags({"a": "1", "b": "2"}))
    admin.tag_resource(KeyId=key, Tags=tags({"b": "3", "c": ""}))
    assert listed(admin, key) == {"a": "1", "b": "3", "c": ""}
    admin.untag_resource(KeyId=key, TagKeys=["a", "never"])
    assert listed(admin, key) == {"b": "3", "c": ""}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([{"TagKey": "a", "TagValue": "1"}, {"TagKey": "a", "TagValue": "2"}],
         "Duplicate tag keys"),
        (tags({"aws:x": "1"}), "Tags beginning with aws: are reserved"),
        (tags({"AWS:x": "1"}), "Tags beginning with aws: are reserved"),
        (tags({f"k{n}": "" for n in range(51)}), "Too many tags"),
        (tags({"Team": "1", "team": "1"}), "Duplicate tag keys"),
        (tags({"a*": "1"}), None),
        (tags({"a": "<script>"}), None),
        (tags({"a": "x\n"}), None),
    ],
)  # fmt: skip
def test_tags_that_cannot_be(admin: Kms, given: list[dict[str, str]], message: str | None) -> None:
    """Bad tags are refused when a key is made and later, and change nothing."""
    key = admin.key(Tags=tags({"kept": "1"}))
    with refused("TagException", message):
        admin.tag_resource(KeyId=key, Tags=given)
    with refused("TagException", message):
        admin.create_key(Tags=given)
    assert listed(admin, key) == {"kept": "1"}
    assert len(admin.list_keys().keys) == 1


def test_letters_of_every_language(admin: Kms) -> None:
    """Letters, digits, spaces and eight signs are allowed."""
    good = {"Größe 漢字": "+ - = . _ : / @ 9"}
    assert listed(admin, admin.key(Tags=tags(good))) == good


def test_fifty_tags_in_all(admin: Kms) -> None:
    """The limit counts what is there already, and values that are replaced but once."""
    key = admin.key(Tags=tags({f"k{n}": "" for n in range(50)}))
    admin.tag_resource(KeyId=key, Tags=tags({"k1": "new"}))
    with refused("TagException", "Too many tags"):
        admin.tag_resource(KeyId=key, Tags=tags({"more": ""}))


def test_tags_in_the_request_can_be_conditions(admin: Kms, world: World) -> None:
    """Policies see aws:RequestTag and aws:TagKeys."""
    condition = {
        "StringEquals": {"aws:RequestTag/team": "red"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]},
    }
    untagging = {"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}
    alice = world.caller(
        "alice",
        policies=[
            allow("kms:TagResource", Condition=condition),
            allow("kms:UntagResource", Condition=untagging),
        ],
    )
    key = admin.key()
    alice.tag_resource(KeyId=key, Tags=tags({"team": "red"}))
    for other in ({"team": "blue"}, {"team": "red", "more": ""}):
        with refused("AccessDeniedException"):
            alice.tag_resource(KeyId=key, Tags=tags(other))
    with refused("AccessDeniedException"):
        alice.untag_resource(KeyId=key, TagKeys=["other"])
    alice.untag_resource(KeyId=key, TagKeys=["team"])


def test_tags_of_a_dying_key(admin: Kms) -> None:
    """A key pending deletion keeps its tags."""
    key = admin.key(Tags=tags({"a": "1"}))
    admin.schedule_key_deletion(KeyId=key)
    with refused("KMSInvalidStateException"):
        admin.tag_resource(KeyId=key, Tags=tags({"b": "1"}))
    with refused("KMSInvalidStateException"):
        admin.untag_resource(KeyId=key, TagKeys=["a"])
    assert listed(admin, key) == {"a": "1"}
