"""Which work waits for a date?  The server does all of it (`server/installation/jobs`)."""

from keystead.kms.schedule.deletion import DESTRUCTION
from keystead.kms.schedule.expiry import EXPIRY
from keystead.kms.schedule.rotation import ROTATION

DATED = (ROTATION, DESTRUCTION, EXPIRY)
