"""Which changes do keys get without a request, when a date has come?"""

from keystead.kms.schedule.deletion import Destroyed, destroy_due
from keystead.kms.schedule.one_by_one import one_by_one
from keystead.kms.schedule.rotation import DEFAULT_PERIOD_DAYS, Rotated, rotate, rotate_due

__all__ = (
    "DEFAULT_PERIOD_DAYS", "Destroyed", "Rotated", "destroy_due", "one_by_one", "rotate",
    "rotate_due",
)  # fmt: skip
