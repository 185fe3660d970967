"""What remains to be fulfilled when a request is not known yet, and how it is told."""

from keystead.policy.evaluation.decision import PolicyKind
from keystead.policy.evaluation.question import PolicySource
from keystead.policy.language.document import DocumentKind
from keystead.policy.reasons.possibility import Route, Verdict
from keystead.policy.reasons.unknown_keys import KnownKeys
from tests.policy.support import (
    ACCOUNT,
    KEY,
    ROOT,
    USER,
    about_key,
    allow,
    ask,
    ceiling,
    deny,
    key_policy,
    own,
    policy,
    source,
    to,
)
from tests.policy.test_possibility import ANY, DELEGATING, FROM_TEN, conditions, could, when

# What is told of a statement that perhaps matches


def test_what_is_known_beside_a_variable() -> None:
    """Where only the variable is unknown, the value of the key is told."""
    named = when("StringEquals", "app:owner", "none", "${app:x}")
    policies = about_key((own(allow(**named)),), (DELEGATING,))
    found = could(policies, ask(app__owner="alice"))
    [left] = found.ways[0].needs[-1].statements[0].remaining
    assert (left.key, left.actual, left.has_variables) == ("app:owner", "alice", True)
    assert left.holds(KEY, {"app:owner": "alice", "app:x": "alice"})
    assert not left.holds(KEY, {"app:owner": "alice", "app:x": "bob"})
    [unknown] = could(policies).ways[0].needs[-1].statements[0].remaining
    assert unknown.actual is None

    apart = {"Effect": "Allow", "Action": "*", "NotResource": f"{KEY[:-1]}${{app:x}}"}
    found = could(about_key((own(apart),), (DELEGATING,)))
    [left] = found.ways[0].needs[-1].statements[0].remaining
    assert (left.operator, left.actual) == ("NotResource", None)
    assert left.holds(KEY, {"app:x": "x"})
    assert not left.holds(KEY, {"app:x": KEY[-1]})


def test_several_unknown_keys_of_one_text() -> None:
    """A text that asks for an unknown key and then for one that no request has still remains."""
    pattern = f"arn:aws:kms:*:{ACCOUNT}:key/${{app:x, 'a'}}${{s3:prefix, 'b'}}"
    found = could(about_key((own(allow(resource=pattern)),), (DELEGATING,)))
    assert conditions(found) == [[("Resource", "", (pattern,))]]


def test_where_a_statement_stands() -> None:
    """With the kind of its policy; in the organization with the level, from the root as 1."""
    scps = tuple(
        (ceiling(allow("*", **when("StringEquals", "app:x", name)), kind=DocumentKind.SCP),)
        for name in "ab"
    )
    granted = source(allow(**to(USER), **FROM_TEN), kind=DocumentKind.KEY, name="grant")
    [way] = could(about_key((), (DELEGATING,), scps=scps, grants=(granted,))).ways
    told = [(one.statement.kind, one.statement.policy, one.level)
            for need in way.needs for one in need.statements]  # fmt: skip
    assert way.route is Route.GRANT
    assert told == [
        (PolicyKind.SERVICE_CONTROL, "scp", 1),
        (PolicyKind.SERVICE_CONTROL, "scp", 2),
        (PolicyKind.RESOURCE, "grant", 0),
    ]
    [way] = could(about_key((own(allow(**FROM_TEN)),), (DELEGATING,))).ways
    told = [(one.statement.kind, one.statement.policy, one.level)
            for need in way.needs for one in need.statements]  # fmt: skip
    assert told == [(PolicyKind.RESOURCE, "default", 0), (PolicyKind.IDENTITY, "own", 0)]


def test_the_reason_of_a_refusal_names_the_policy() -> None:
    """What cannot be has the decision that says so, with the statement that decided."""
    found = could(about_key((own(allow(), deny(Sid="no")),), (DELEGATING,)))
    assert found.verdict is Verdict.CANNOT
    [statement] = found.decision.statements
    assert (statement.policy, statement.sid) == ("own", "no")


def test_the_best_way_is_told_first() -> None:
    """One certain way is enough, whatever others would need; and it comes first."""
    policies = about_key(
        (own(allow(**FROM_TEN)),), (key_policy(allow(**to(USER)), allow(**to(ROOT))),)
    )
    found = could(policies)
    assert [way.route for way in found.ways] == [Route.RESOURCE, Route.ACCOUNT]
    assert [way.certain for way in found.ways] == [True, False]
    assert found.verdict is Verdict.CAN


def test_grants_only_allow() -> None:
    """A Deny in a grant takes nothing, not even when it asks for what the Allow asks."""
    granted = key_policy(deny(**to(USER), **FROM_TEN))
    found = could(about_key((own(allow(**FROM_TEN)),), (DELEGATING,), grants=(granted,)))
    assert (found.verdict, found.unless) == (Verdict.CONDITIONS, ())
    unsafe = own(deny(**when("Bool", "aws:SecureTransport", "false")))
    allowing = key_policy(allow(**to(USER)))
    found = could(about_key((unsafe,), (DELEGATING,), grants=(allowing,)))
    assert [way.route for way in found.ways] == [Route.GRANT]


def test_the_same_text_in_another_version_is_another_condition() -> None:
    """In a document of 2008 `${aws:username}` is no variable: such a Deny does not take it all."""
    named = when("StringEquals", "app:owner", "${aws:username}")
    old = policy(deny(**to(USER), **named), kind=DocumentKind.KEY, version="2008-10-17")
    policies = about_key((own(allow(**named)),), (DELEGATING, PolicySource(old, "old")))
    found = could(policies, ask(aws__username="alice"))
    assert found.verdict is Verdict.CONDITIONS
    assert [one.statement.policy for one in found.unless] == ["old"]


# Keys of which some are unknown


def test_however_an_unknown_key_is_asked_for_it_is_noticed() -> None:
    """By name, in the names, by their number: a test that does so has no certain answer."""
    keys = KnownKeys({"app:a": "1"}, ANY.__contains__)
    for test in (
        lambda _, keys: keys.get("app:x") is None,
        lambda _, keys: "app:x" in keys,
        lambda _, keys: all(name == "app:a" for name in keys),
        lambda _, keys: len(keys) == 1,
        lambda _, keys: "app:x" in keys or "app:none" in keys,
    ):
        assert keys.certainly(test, KEY) is None
    for test in (
        lambda _, keys: keys["app:a"] == "1",
        lambda _, keys: "app:none" not in keys,
        lambda _, keys: "" not in keys,
    ):
        assert keys.certainly(test, KEY) is True
    assert (list(keys), len(keys)) == (["app:a"], 1)
