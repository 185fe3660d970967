"""Which changes do keys get without a request, when a date has come?"""

from keystead.kms.schedule.dated import DatedWork, Done, due, first, one_by_one
from keystead.kms.schedule.deletion import DESTRUCTION, Destroyed, schedule_deletion
from keystead.kms.schedule.expiry import EXPIRY, Expired
from keystead.kms.schedule.rotation import (
    DEFAULT_PERIOD_DAYS,
    ROTATION,
    Rotated,
    rotate,
    rotate_to_imported,
)
from keystead.kms.schedule.works import DATED

__all__ = (
    "DATED", "DEFAULT_PERIOD_DAYS", "DESTRUCTION", "EXPIRY", "ROTATION", "DatedWork", "Destroyed",
    "Done", "Expired", "Rotated", "due", "first", "one_by_one", "rotate", "rotate_to_imported",
    "schedule_deletion",
)  # fmt: skip
