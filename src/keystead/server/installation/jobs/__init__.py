"""Which work does the server do on its own, and what became of it?"""

from keystead.server.installation.jobs.agenda import SLICE_SECONDS, Agenda, Failing
from keystead.server.installation.jobs.periodic import Job, Jobs, Outcome
from keystead.server.installation.jobs.repository import JobRecord, JobRepository
from keystead.server.installation.jobs.shown import shown

__all__ = (
    "SLICE_SECONDS", "Agenda", "Failing", "Job", "JobRecord", "JobRepository", "Jobs", "Outcome",
    "shown",
)  # fmt: skip
