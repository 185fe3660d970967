"""Why was it decided so, and what would change it?  Explanations, changes and possibilities."""

from keystead.policy.reasons import cross_account
from keystead.policy.reasons.cross_account import Match, refusal
from keystead.policy.reasons.explain import Explanation, explain
from keystead.policy.reasons.possibility import Possibility, Supposed, Verdict, possible
from keystead.policy.reasons.scenario import (
    BadScenario,
    decide_line,
    owner_of,
    principal_named,
    resource_document,
)
from keystead.policy.reasons.screen import render
from keystead.policy.reasons.simulation import (
    Simulated,
    combined,
    could_apply,
    dialect_of,
    distinct,
    keys_asked,
    simulate,
)
from keystead.policy.reasons.unknown_keys import Unknown

__all__ = (
    "BadScenario", "Explanation", "Match", "Possibility", "Simulated", "Supposed", "Unknown",
    "Verdict", "combined", "could_apply", "cross_account", "decide_line", "dialect_of", "distinct",
    "explain", "keys_asked", "owner_of", "possible", "principal_named", "refusal",
    "render", "resource_document", "simulate",
)  # fmt: skip
