"""The rule of tags that every service follows."""

from keystead.tags import (
    any_reserved,
    merged,
    request_keys,
    resource_keys,
    tag_keys,
    told_apart,
    without,
)

KNOWN = {"Team": "blue", "cost": "1"}


def test_keys_of_aws() -> None:
    """Keys that begin with `aws:` are AWS's in any case; others are not."""
    assert any_reserved(["x", "aws:x"])
    assert any_reserved(["AwS:"])
    assert not any_reserved(["aws", "xaws:", "a\u017f:", ""])
    assert not any_reserved([])


def test_keys_that_policies_tell_apart() -> None:
    """ASCII letters in another case make no other key; letters of other alphabets do."""
    assert told_apart(["Team", "Cost"])
    assert told_apart(["\u212a", "k"])
    assert not told_apart(["Team", "team"])
    assert not told_apart(["x", "x"])


def test_new_values_replace_old_ones() -> None:
    """A key that is set again has the new value, and where keys fold the new case."""
    assert merged(KNOWN, {"Team": "red"}, fold=False) == {"Team": "red", "cost": "1"}
    assert merged(KNOWN, {"TEAM": "red"}, fold=True) == {"TEAM": "red", "cost": "1"}
    assert merged(KNOWN, {"TEAM": "red"}, fold=False) == {**KNOWN, "TEAM": "red"}


def test_keys_are_removed() -> None:
    """What is not there is no error; another case removes a key where keys fold."""
    assert without(KNOWN, ["Team", "none"], fold=False) == {"cost": "1"}
    assert without(KNOWN, ["team"], fold=False) == KNOWN
    assert without(KNOWN, ["team"], fold=True) == {"cost": "1"}


def test_what_policies_see() -> None:
    """Condition keys are in lower case, values and `aws:TagKeys` as they were given."""
    assert request_keys(KNOWN) == {
        "aws:requesttag/team": "blue",
        "aws:requesttag/cost": "1",
        "aws:tagkeys": ("Team", "cost"),
    }
    assert request_keys({}) == tag_keys([]) == {}
    assert tag_keys(["Team"]) == {"aws:tagkeys": ("Team",)}
    assert resource_keys({"Team": "blue"}, "aws") == {"aws:resourcetag/team": "blue"}
    assert resource_keys({"Team": "blue"}, "aws", "iam") == {
        "aws:resourcetag/team": "blue",
        "iam:resourcetag/team": "blue",
    }
