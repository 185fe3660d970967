"""Which work does an installation do on its own, now and then?

Each job does a slice of its work and says whether there is more (`jobs.periodic`). The loop that
serves callers runs it between their turns.
"""

from contextlib import suppress
from functools import partial
from math import inf

from keystead.identity.iam import continue_report
from keystead.kms.keys import Place
from keystead.kms.schedule import DESTRUCTION, EXPIRY, DatedWork, one_by_one
from keystead.server.installation.jobs import SLICE_SECONDS, Job, Outcome
from keystead.server.installation.rooms import KEY_USES, Rooms
from keystead.server.pipeline import new_request_id
from keystead.server.telemetry import logs
from keystead.store.protocol import StoreUnavailable
from keystead.times import microseconds

POLICIES_AT_ONCE = 32
"""The policies that one step moves: they take some five milliseconds."""

_FIRST: Place = ("", "", "")
EQUAL_POLICIES = "equal policies"  # the job that stores them once


class Upkeep:
    """The work that one installation does on its own."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self.outcomes: dict[str, Outcome] = {}  # of the jobs, by their names
        self._to_purge = True  # a crash may have come between a destruction and its purge
        self._policies_after = _FIRST  # where the next step goes on
        self._policies_moved = 0  # since the job began to move some

    def jobs(self) -> list[Job]:
        """The periodic work of this installation."""
        return [
            Job("checkpoint", 1.0, self._rooms.trail.tick),
            Job("room", 1.0, self.look_for_room),
            Job("clock", 60.0, self.remember_time),
            Job("last used", 60.0, self.write_last_used),
            Job("credential reports", 0.25, self.continue_report),
            Job("accesses", 5.0, self.write_accesses),
            Job("refusals", 0.5, self.write_refusals),
            Job("counted refusals", 1.0, self.write_counted),
            Job(KEY_USES, 1.0, self.write_key_uses),
            Job("forget opened keys", 60.0, self._rooms.custody.expire),
            Job("removal of grants", 5.0, self.remove_doomed_grants),
            Job(EQUAL_POLICIES, 60.0, self.store_policies_once),
            Job("purge", 60.0, self.purge),
            *(
                Job(
                    work.name,
                    60.0 if work.irreversible else 1.0,
                    partial(self.do_due, work, SLICE_SECONDS),
                )
                for work in self._rooms.agenda.works
            ),
        ]

    def remember_time(self) -> None:
        """Store the newest time, and how long irreversible work still waits."""
        rooms = self._rooms
        known = rooms.clock.known()
        with rooms.store.write(quiet=True) as transaction:
            rooms.clocks.put(transaction, known)
        rooms.commit()

    def look_for_room(self) -> None:
        """While nothing can be stored, try again: a proxy may send callers elsewhere until then."""
        if not self._rooms.trouble or self._rooms.failed:
            return
        with suppress(StoreUnavailable):  # the turns that failed have told of it
            self.remember_time()  # a commit of the store, and a checkpoint in the log
            logs.info("changes can be stored again, and calls are served")

    def write_last_used(self) -> bool:
        """Store some of the times at which access keys and roles were last used; are there more?"""
        rooms = self._rooms
        return rooms.last_used.flush(rooms.identities, rooms.store, rooms.commit)

    def write_key_uses(self, most: int = 50, *, at_once: bool = False) -> bool:
        """Store some of the last uses of keys that are due (`LastUses.due`); are there more?"""
        rooms = self._rooms
        since_us = microseconds(rooms.last_uses.since)
        some = rooms.last_uses.due(rooms.clock.now(), most, at_once=at_once)
        if not some and rooms.job_records.get(rooms.store.read(), KEY_USES) is not None:
            return False
        with rooms.store.write(quiet=True) as transaction:
            rooms.job_records.add(transaction, KEY_USES, since_us)
            for use in some.values():
                rooms.keys.record_use(transaction, use)
        rooms.commit()
        return rooms.last_uses.written(some)

    def write_accesses(self, most: int = 50) -> None:
        """Store some of the last accesses of identities, and forget those of long ago."""
        rooms = self._rooms
        now = rooms.clock.now()
        rooms.last_used.write_accesses(rooms.identities, rooms.store, rooms.commit, now, most)

    def continue_report(self) -> None:
        """Put the next users into a credential report that is being made."""
        rooms = self._rooms
        if continue_report(rooms.identities, rooms.store, rooms.clock.now()):
            rooms.commit()

    def write_counted(self) -> None:
        """Make a record of the refusals that were only counted."""
        rooms = self._rooms
        for counted in (rooms.unknown, rooms.throttled):
            counted.write(new_request_id(), rooms.clock.now(), rooms.commit)

    def write_refusals(self) -> None:
        """Store the refusals that wait to be written."""
        rooms = self._rooms
        rooms.refusals.write(rooms.store, rooms.commit, rooms.clock.now())

    def do_due(self, work: DatedWork, seconds: float = inf) -> bool:
        """Do the dated work that is due, for so many seconds; is there more?

        What cannot be undone is not done while the clock may be wrong (TM-4).
        """
        rooms = self._rooms
        if rooms.agenda.holds(work):
            self._tell_of_jump()
            return False
        done = rooms.agenda.run(work, seconds)
        more = rooms.agenda.is_behind(work)
        if done and work.purged:
            self._to_purge = True
            if not more:
                self.purge()
        return more

    def destroy_due(self) -> None:
        """Destroy all keys whose deletion date has come."""
        self.do_due(DESTRUCTION)

    def expire_due(self) -> None:
        """Destroy all imported material that is expired."""
        self.do_due(EXPIRY)

    def _tell_of_jump(self) -> None:
        """Irreversible work waits. Tell of it now and then."""
        self.remember_time()
        self._rooms.metrics.alarm("clock jump")
        logs.warning(
            "the clock jumped ahead: no key and no key material is destroyed until it has been"
            " right for a day; if it is right, run `keystead clock acknowledge`"
        )

    def remove_doomed_grants(self) -> bool:
        """Remove some grants of a destroyed key that had many; may there be more?"""
        rooms = self._rooms
        place = rooms.keys.grants.doomed(rooms.store.read())
        if place is not None:
            with rooms.store.write() as transaction:
                rooms.keys.grants.remove_doomed(transaction, place)
            rooms.commit()
        return place is not None

    def store_policies_once(self) -> bool:
        """Store some policies of keys of older versions with equal ones; may there be more?

        Each is a transaction of its own, so that a stop at any moment leaves every key its policy.
        """
        rooms = self._rooms
        some = rooms.keys.policies.to_move(
            rooms.store.read(), self._policies_after, POLICIES_AT_ONCE
        )
        if not some:
            if self._policies_moved:
                logs.info("the policies of these keys were stored anew", count=self._policies_moved)
            self._policies_after, self._policies_moved = _FIRST, 0
            return False
        if self._policies_after == _FIRST:
            logs.info("the policies of keys of an older version are being stored anew")
        moved = one_by_one(rooms.store, some, rooms.keys.move_policy, self._policy_stays)
        rooms.commit()
        self._policies_after = some[-1]
        self._policies_moved += len(moved)
        return True

    def _policy_stays(self, place: Place, error: Exception) -> None:
        self._rooms.metrics.alarm(f"job {EQUAL_POLICIES}")
        logs.alarm("the policy of a key was not moved", error, key_id=place[2])

    def purge(self) -> None:
        """Remove every trace of destroyed material from the store's files, also of the last run."""
        rooms = self._rooms
        if self._to_purge or rooms.custody.imports.to_purge:
            rooms.store.purge()
            self._to_purge = rooms.custody.imports.to_purge = False
