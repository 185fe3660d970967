"""When did users and roles last use a service, and which of its actions?

No decision depends on it.

A row is written at most every quarter of an hour, and goes after 400 days. What is asked about many
identities is counted by the store; the rows that are shown are authenticated.
"""

from collections.abc import Sequence

import msgspec

from keystead.custody.rows import Record, RowSeals, SealedTable
from keystead.store.protocol import Reader, Transaction

A_SERVICE = ""  # the action that stands for a service as a whole
COARSE = 900  # seconds: a later use is not written before
KEPT = 400 * 86_400  # seconds, AWS's tracking period
MOST_JOBS = 100  # reports of an account that can be read
MOST_REMEMBERED = 20  # reports about an organization, of each management account
_PURGED_AT_ONCE = 200

_USERS_OR_ROLES = "substr(entity_id, 1, 4) IN ('AIDA', 'AROA')"


class Access(Record, frozen=True, kw_only=True, gc=False):
    """The last use of a service, or of one of its actions, by one identity."""

    account: str
    entity_id: str
    service: str
    action: str
    used: int
    region: str


class AccessJob(Record, frozen=True, kw_only=True, gc=False):
    """A report that was asked for: about whom, and how detailed."""

    account: str
    job_id: str
    subject: str
    granularity: str
    created: int


class OrganizationReport(msgspec.Struct, frozen=True, gc=False):
    """A report about an organization that was asked for."""

    job_id: str
    path: str
    policy: str  # the id of an SCP, or ""
    created: int


class Whose(msgspec.Struct, frozen=True):
    """The identities that a report is about, as a SELECT of their ids."""

    sql: str
    values: tuple[str, ...]

    @classmethod
    def one(cls, entity_id: str) -> "Whose":
        """One user or role."""
        return cls("SELECT ? AS entity_id", (entity_id,))

    @classmethod
    def of_group(cls, account: str, group_id: str) -> "Whose":
        """The members of a group."""
        sql = "SELECT user_id AS entity_id FROM iam_membership WHERE account = ? AND group_id = ?"
        return cls(sql, (account, group_id))

    @classmethod
    def of_policy(cls, account: str, policy_arn: str) -> "Whose":
        """The users and roles that have a policy, and the members of the groups that have it."""
        sql = (
            "SELECT entity_id FROM iam_attachment WHERE account = ? AND policy_arn = ?"  # noqa: S608  # ours
            f" AND {_USERS_OR_ROLES} UNION"
            " SELECT m.user_id AS entity_id FROM iam_membership m JOIN iam_attachment a"
            " ON a.account = m.account AND a.entity_id = m.group_id"
            " WHERE a.account = ? AND a.policy_arn = ?"
        )
        return cls(sql, (account, policy_arn, account, policy_arn))


class Accesses:
    """The last uses of every account, and the reports about them."""

    __slots__ = ("_jobs", "_remembered", "_table")

    def __init__(self, seals: RowSeals) -> None:
        key = ("account", "entity_id", "service", "action")
        self._table = SealedTable(seals, "iam_service_use", Access, key, ())
        self._remembered: dict[str, dict[str, OrganizationReport]] = {}
        job_key = ("account", "job_id")
        self._jobs = SealedTable(seals, "iam_access_report", AccessJob, job_key, ())

    def remember(self, account: str, report: OrganizationReport) -> None:
        """Remember a report about an organization; the oldest goes."""
        reports = self._remembered.setdefault(account, {})
        reports[report.job_id] = report
        if len(reports) > MOST_REMEMBERED:
            del reports[next(iter(reports))]

    def remembered(self, account: str, job_id: str) -> OrganizationReport | None:
        """The report with this id, or None."""
        return self._remembered.get(account, {}).get(job_id)

    def last_in(self, reader: Reader, account: str, service: str, since: int) -> Access | None:
        """The last use of a service by anybody in an account, or None."""
        where = "account = ? AND service = ? AND action = '' AND used >= ?"
        order = "ORDER BY used DESC, entity_id LIMIT 1"
        found = self._table.find(reader, f"{where} {order}", (account, service, since))
        return found[0] if found else None

    def record(self, transaction: Transaction, access: Access) -> None:
        """Keep a use, unless the one before it is hardly older."""
        key = (access.account, access.entity_id, access.service, access.action)
        known = self._table.get(transaction, *key)
        if known is None:
            self._table.insert(transaction, access)
        elif known.used <= access.used - COARSE:
            versioned = msgspec.structs.replace(access, row_version=known.row_version)
            self._table.update(transaction, versioned)

    def purge(self, transaction: Transaction, now: int) -> None:
        """Remove some of the uses that are older than the tracking period."""
        where = "used < ? ORDER BY used LIMIT ?"
        for access in self._table.find(transaction, where, (now - KEPT, _PURGED_AT_ONCE)):
            self._table.delete(
                transaction, access.account, access.entity_id, access.service, access.action
            )

    def latest(
        self, reader: Reader, account: str, whose: Whose, service: str, since: int
    ) -> dict[str, tuple[Access, int]]:
        """The last use of each action by any of these identities, and how many have used it."""
        sql = (
            "SELECT entity_id, action, total FROM (SELECT entity_id, action,"  # noqa: S608  # ours
            " ROW_NUMBER() OVER (PARTITION BY action ORDER BY used DESC, entity_id) AS place,"
            " COUNT(*) OVER (PARTITION BY action) AS total FROM iam_service_use"
            f" WHERE account = ? AND service = ? AND used >= ? AND entity_id IN ({whose.sql})"
            ") AS ranked WHERE place = 1"
        )
        found: dict[str, tuple[Access, int]] = {}
        for entity_id, action, total in reader.all(sql, (account, service, since, *whose.values)):
            access = self._table.get(reader, account, entity_id, service, action)
            if access is not None:
                found[action] = (access, total)
        return found

    def users_of(
        self, reader: Reader, account: str, whose: Whose, service: str, since: int
    ) -> list[str]:
        """These identities by their last use of a service, the latest first, and then by id."""
        sql = (
            f"SELECT e.entity_id FROM ({whose.sql}) AS e LEFT JOIN iam_service_use AS a"  # noqa: S608  # as above
            " ON a.account = ? AND a.entity_id = e.entity_id AND a.service = ? AND a.action = ''"
            " AND a.used >= ? ORDER BY COALESCE(a.used, 0) DESC, e.entity_id"
        )
        rows = reader.all(sql, (*whose.values, account, service, since))
        return [entity_id for (entity_id,) in rows]

    def of(self, reader: Reader, account: str, entity_id: str, service: str) -> Access | None:
        """The last use of a service by one identity, or None."""
        return self._table.get(reader, account, entity_id, service, A_SERVICE)

    def job(self, reader: Reader, account: str, job_id: str) -> AccessJob | None:
        """The report with this id, or None."""
        return self._jobs.get(reader, account, job_id)

    def begin(self, transaction: Transaction, job: AccessJob) -> None:
        """Keep a report; the oldest go, and never this one: many may begin in one second."""
        self._jobs.insert(transaction, job)
        where = "account = ? AND job_id <> ? ORDER BY created DESC, job_id LIMIT ? OFFSET ?"
        older: Sequence[AccessJob] = self._jobs.find(
            transaction, where, (job.account, job.job_id, _PURGED_AT_ONCE, MOST_JOBS - 1)
        )
        for each in older:
            self._jobs.delete(transaction, each.account, each.job_id)
