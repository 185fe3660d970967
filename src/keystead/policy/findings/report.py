"""Which findings has a document?  Each has an issue, a sentence and locations."""

import msgspec

from keystead.policy.findings.json_tree import Location
from keystead.policy.findings.messages import ISSUES, Type

MOST = 1000
"""The greatest number of findings of one document."""

MOST_PLACES = 20
"""The greatest number of locations of one finding."""


class EnoughFound(Exception):
    """The report is full and has an error, so no further finding would change it."""


_LINK = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html"
    "#access-analyzer-reference-policy-checks"
)
_IN_LINKS = {
    Type.ERROR: "error",
    Type.SECURITY_WARNING: "security-warning",
    Type.WARNING: "general-warning",
    Type.SUGGESTION: "suggestion",
}


class PolicyFinding(msgspec.Struct, frozen=True):
    """One finding about a document (AWS's ValidatePolicyFinding)."""

    code: str
    type: Type
    details: str
    locations: tuple[Location, ...]

    @property
    def link(self) -> str:
        """The address where AWS explains the issue. It contains AWS's own type of the issue."""
        kind = _IN_LINKS[ISSUES[self.code].type]
        return f"{_LINK}-{kind}-{self.code.lower().replace('_', '-')}"


class Report:
    """Findings in the making."""

    def __init__(self) -> None:
        self._found: dict[PolicyFinding, None] = {}
        self.has_errors = False

    def add(
        self,
        code: str,
        *locations: Location,
        refused: bool = False,
        **words: object,
    ) -> None:
        """Note an issue. `refused`: such a document is not stored here, even if AWS stores it."""
        issue = ISSUES[code]
        kind = Type.ERROR if refused else issue.type
        if len(self._found) >= MOST and self.has_errors:
            raise EnoughFound
        # Findings that are no errors never push an error out of the report.
        if len(self._found) < MOST or kind is Type.ERROR:
            details = issue.details.format(**words)
            finding = PolicyFinding(code, kind, details, locations[:MOST_PLACES])
            self._found[finding] = None
            self.has_errors = self.has_errors or kind is Type.ERROR

    def sorted(self) -> list[PolicyFinding]:
        """Each finding once, in the order of the document."""
        return sorted(self._found, key=_order)


def _order(finding: PolicyFinding) -> tuple[int, str]:
    return finding.locations[0].start.offset, finding.code
