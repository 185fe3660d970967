"""May they?  The policy language, conditions, evaluation and reasons: pure.

No clock, no store, no network, no randomness: everything that a decision depends on is in its
arguments.
"""
