"""Would this decision take too long?  That is known before anything is compared (PE-5).

The work of the documents is added up for this action and for texts of these lengths (`costs`). A
decision that exceeds the budget is refused explicitly, and its documents are not compared. So the
same question has the same answer in enforcement, in its compiled form, in a simulation and in an
explanation.

Every document counts, even one without a say for this caller. So the sum does not depend on the
caller. Grants do not count: they compare texts only with the few texts of the grant.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from keystead.policy.evaluation.question import ApplicablePolicies, PolicySource, Question
from keystead.policy.evaluation.service_rules import open_to_everybody
from keystead.policy.language import ACTION, RESOURCE, Keys, Search, Searches, Statement
from keystead.policy.text import ascii_lower

MOST_STEPS: Final = 2_000_000
"""The most steps of one decision: a tenth of a second.

Enforcement compares a refused request twice. With the reading of the longest documents this stays
within a quarter of a second.
"""

LONGEST_TEXT: Final = 8192
"""The longest text, in characters, that may be searched or read from end to end.

A pattern takes at most a millisecond for it. No value of an encryption context is longer.
"""


class Work(msgspec.Struct, frozen=True, gc=False):
    """The work of a decision's documents."""

    steps: int = 0  # the steps that every request takes
    searches: Searches = ()

    @property
    def is_hopeless(self) -> bool:
        """Is it too much for every request?"""
        return self.steps > MOST_STEPS

    def exceeds(self, resource: str, keys: Keys) -> bool:
        """Is it too much for a request about this resource with these condition keys?"""
        steps = self.steps
        for search in self.searches:
            subject = search.subject
            value = resource if subject == RESOURCE else keys.get(subject, ())
            for text in (value,) if isinstance(value, str) else value:
                if search.passes and len(text) > LONGEST_TEXT:
                    return True
                steps += search.steps(text)
        return steps > MOST_STEPS


NO_WORK = Work()


def is_exceeded(question: Question) -> bool:
    """Would it take too long to decide this question?"""
    context = question.context
    return work(question.policies, context.action).exceeds(context.resource, context.keys)


def work(policies: ApplicablePolicies, action: str) -> Work:
    """The work of deciding on this action."""
    name = ascii_lower(action)
    sources: Iterable[PolicySource] = policies.every
    if open_to_everybody(name):
        sources = policies.of_way
    searching = [
        statement
        for source in sources
        for statement in source.policy.statements
        if statement.searches
    ]
    if not searching:
        return NO_WORK
    steps = sum(
        search.steps(name)
        for statement in searching
        for search in statement.searches
        if search.subject == ACTION
    )
    if steps > MOST_STEPS:
        return Work(steps)  # even to compare the actions would take too long
    return Work(steps, _together(s for s in searching if s.actions.matches(name)))


def _together(statements: Iterable[Statement]) -> Searches:
    """One search for each subject."""
    together: dict[str, Search] = {}
    for statement in statements:
        for search in statement.searches:
            if search.subject != ACTION:
                before = together.get(search.subject)
                together[search.subject] = search if before is None else before.and_(search)
    return tuple(together.values())
