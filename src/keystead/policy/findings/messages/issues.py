"""Which issues can be found, of which type, and in which words?  AWS's codes (iam.md 1.13).

A code is the title of one of AWS's checks, but for one of ours. The types are AWS's. Some documents
only get a warning from AWS, but cannot be stored here. The check that finds such an issue reports
it as an error.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from keystead.policy.findings.messages.advice_texts import SECURITY_WARNINGS, SUGGESTIONS, WARNINGS
from keystead.policy.findings.messages.error_texts import ERRORS


class Type(StrEnum):
    """How serious is an issue?"""

    ERROR = "ERROR"  # a part of the policy does not work
    SECURITY_WARNING = "SECURITY_WARNING"  # it allows more than it should
    WARNING = "WARNING"
    SUGGESTION = "SUGGESTION"


class Issue(msgspec.Struct, frozen=True):
    """One kind of issue. `details` is the sentence of its findings, with gaps for their words."""

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
