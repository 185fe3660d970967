"""Which issues can be found, of which type, and in which words?  AWS's codes (iam.md 1.13).

A code is the title of one of AWS's checks. The types are AWS's; what AWS only warns of and we do
not store is reported as an error where it is found.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from keystead.policy.findings.messages.advice_texts import SECURITY_WARNINGS, SUGGESTIONS, WARNINGS
from keystead.policy.findings.messages.error_texts import ERRORS


class Type(StrEnum):
    """How bad is it?"""

    ERROR = "ERROR"  # a part of the policy does not work
    SECURITY_WARNING = "SECURITY_WARNING"  # it allows more than it should
    WARNING = "WARNING"
    SUGGESTION = "SUGGESTION"


class Issue(msgspec.Struct, frozen=True):
    """One kind of issue; `details` is what a finding says, with its words left open."""

    code: str
    type: Type
    details: str


ISSUES: Mapping[str, Issue] = {
    code: Issue(code, kind, details)
    for kind, table in (
        (Type.ERROR, ERRORS),
        (Type.SECURITY_WARNING, SECURITY_WARNINGS),
        (Type.WARNING, WARNINGS),
        (Type.SUGGESTION, SUGGESTIONS),
    )
    for code, details in table.items()
}
"""Every issue that is looked for, by its code."""
