"""Which statements of a grantee's grants can matter to a request?

Somebody who makes grants may make very many that a request finds. To read a row costs little. To
compile its statement costs ten times as much. So statements are left out here that would change
nothing: the evaluator would find that they do not match, or that another one allows the same.

INVARIANT: the evaluator decides the same with all statements as with those that are needed. Nothing
here allows anything.
"""

from collections.abc import Iterable, Sequence

from keystead.kms.grants.grant import EQUALS, Part, actions_of, pairs_of
from keystead.kms.grants.holders import OF_CONTEXT
from keystead.kms.grants.records import NO_PAIR, GrantRecord, Pair

Statement = tuple[Part, GrantRecord]


def needed(
    statements: Iterable[Statement], pairs: Sequence[Pair], *, creates: bool
) -> list[Statement]:
    """The statements of one grantee that may allow a request with these pairs.

    With `creates`, the request is to create a grant; otherwise it is to use the key.
    """
    given = frozenset(pairs)
    kept: list[Statement] = []
    covered: set[str] = set()
    for part, grant in statements:
        if (part is Part.GRANT) is not creates or not _may_match(part, grant, given):
            continue
        if creates:
            if any(_is_wider(other, grant) for _, other in kept):
                continue
        elif covered.issuperset(actions := actions_of(grant, part)):
            continue
        else:
            covered.update(actions)
        kept.append((part, grant))
    return kept


def _may_match(part: Part, grant: GrantRecord, given: frozenset[Pair]) -> bool:
    """Has the request the pairs of the statement, and with Equals no others?

    These are all conditions of a statement about the use of a key.
    """
    own = frozenset(pairs_of(grant, part)) - {NO_PAIR}
    if not own <= given:
        return False
    if part is Part.VIEW or grant.context_type != EQUALS:
        return True
    return all(pair in own for pair in given if pair[0].startswith(OF_CONTEXT))


def _is_wider(one: GrantRecord, other: GrantRecord) -> bool:
    """Lets one grant, whose pairs a request has, create every grant that another one lets?"""
    return (
        one.context_type != EQUALS
        and not one.source_arn
        and frozenset(one.allowed).issuperset(other.allowed)
    )
