"""The rows of the Access Analyzer operations."""

from keystead.rules import Rules, table
from keystead.wire.models import accessanalyzer as api

ANALYZER = table(
    Rules(api.ValidatePolicy),
)
