"""Revoking calls against live sessions under load: none of them is answered before it holds."""
