"""May they?  The policy language, conditions, evaluation and reasons: pure.

Here is no clock, no store, no network and no randomness. Everything that a decision depends on is
in its arguments.
"""
