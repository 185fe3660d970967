"""Would this decision take too long?  Known before anything is compared (threat-model PE-5).

What the documents may take for this action and for texts of these lengths is added up
(`costs`); a decision that exceeds the budget is refused explicitly, unread. So whoever asks
the same question hears the same: enforcement, its compiled form, a simulation, an explanation.

Every document counts, whether or not it has a say with this caller, so that the sum depends on
nothing else. Grants do not: they compare texts only with the few that they were made with.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from keystead.policy.evaluation.question import ApplicablePolicies, Question
from keystead.policy.evaluation.service_rules import open_to_everybody
from keystead.policy.language import ACTION, RESOURCE, Keys, Search, Searches, Statement
from keystead.policy.text import ascii_lower

MOST_STEPS: Final = 2_000_000
"""What one decision may take: a tenth of a second. Enforcement compares twice what it refuses, and
with reading the longest documents that stays within a quarter of a second.
"""

LONGEST_TEXT: Final = 8192
"""How long a text may be that is searched, or read from end to end: a pattern takes no more than
a millisecond for it. No value of an encryption context is longer.
"""


class Work(msgspec.Struct, frozen=True, gc=False):
    """What the documents of a decision may take."""

    steps: int = 0  # whatever else the request says
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
    """Would it take too long to decide this?"""
    context = question.context
    return work(question.policies, context.action).exceeds(context.resource, context.keys)


def work(policies: ApplicablePolicies, action: str) -> Work:
    """What it may take to decide on this action."""
    name = ascii_lower(action)
    searching = [
        one for source in policies.every for one in source.policy.statements if one.searches
    ]
    if not searching or open_to_everybody(name):
        return NO_WORK
    steps = sum(
        search.steps(name)
        for statement in searching
        for search in statement.searches
        if search.subject == ACTION
    )
    if steps > MOST_STEPS:
        return Work(steps)  # not even the actions are worth comparing
    return Work(steps, _together(one for one in searching if one.actions.matches(name)))


def _together(statements: Iterable[Statement]) -> Searches:
    """One search for each subject."""
    found: dict[str, Search] = {}
    for statement in statements:
        for one in statement.searches:
            if one.subject != ACTION:
                before = found.get(one.subject, Search(one.subject, 0, 0))
                found[one.subject] = Search(
                    one.subject, before.each + one.each, before.passes + one.passes
                )
    return tuple(found.values())
