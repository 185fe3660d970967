"""The life of a key as a simple model tells it. It shares nothing with the code that it is held to.

A day is the smallest step of time. Each function gives the code of the refusal, or "ok" after it
has changed the model. Another feature adds its facts to `Life`, and its rules to `test_machine`.
"""

from dataclasses import dataclass, field

OK = "ok"
DISABLED, PENDING, GONE = "DisabledException", "KMSInvalidStateException", "NotFoundException"
NOT_YOURS, TAKEN, SOON = "AccessDeniedException", "AlreadyExistsException", "ConflictException"
MOST = "LimitExceededException"
ON_DEMAND_LIMIT = 25


@dataclass
class Life:
    """One key. Its generations are the ids of its materials, the oldest first."""

    state: str = "Enabled"
    until: int = 0  # the day of its destruction
    period: int = 0
    rotates: int = 0  # the day of its next rotation, with a period
    generations: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)  # of the rotations
    tags: dict[str, str] = field(default_factory=dict)
    used: str | None = None
    blobs: list[tuple[bytes, str]] = field(default_factory=list)  # and the material of each

    def _unless_ending(self) -> str:
        return {"PendingDeletion": PENDING, "gone": GONE}.get(self.state, OK)

    def _if_enabled(self) -> str:
        return DISABLED if self.state == "Disabled" else self._unless_ending()

    def _becomes(self, outcome: str, state: str) -> str:
        if outcome == OK:
            self.state = state
        return outcome

    def disable(self) -> str:
        return self._becomes(self._unless_ending(), "Disabled")

    def enable(self) -> str:
        return self._becomes(self._unless_ending(), "Enabled")

    def schedule(self, day: int, days: int) -> str:
        outcome = self._becomes(self._unless_ending(), "PendingDeletion")
        if outcome == OK:
            self.until = day + days
        return outcome

    def cancel(self) -> str:
        if self.state == "PendingDeletion":
            return self._becomes(OK, "Disabled")
        return GONE if self.state == "gone" else PENDING

    def is_to_be_destroyed(self, day: int) -> bool:
        return self.state == "PendingDeletion" and self.until <= day

    def rotate_every(self, day: int, days: int) -> str:
        outcome = self._if_enabled()
        if outcome == OK and days != self.period:
            self.period, self.rotates = days, day + days
        return outcome

    def rotate_no_more(self) -> str:
        outcome = self._if_enabled()
        if outcome == OK:
            self.period = 0
        return outcome

    def is_to_be_rotated(self, day: int) -> bool:
        return self.state == "Enabled" and self.period > 0 and self.rotates <= day

    def rotated(self, day: int) -> None:
        """By the job."""
        following = self.rotates + self.period
        self.rotates = following if following > day else day + self.period
        self.kinds.append("AUTOMATIC")

    def rotate(self, day: int) -> str:
        """On demand."""
        outcome = self._if_enabled()
        if outcome != OK:
            return outcome
        if self.period and self.rotates <= day:
            return SOON
        if self.kinds.count("ON_DEMAND") >= ON_DEMAND_LIMIT:
            return MOST
        self.kinds.append("ON_DEMAND")
        return OK

    def use(self, operation: str) -> str:
        outcome = self._if_enabled()
        if outcome == OK:
            self.used = operation
        return outcome

    def open(self) -> str:
        """Decrypt without a key id: of a key that is gone nobody learns anything."""
        outcome = self.use("Decrypt")
        return NOT_YOURS if outcome == GONE else outcome

    def tag(self, name: str, value: str) -> str:
        outcome = self._unless_ending()
        if outcome == OK:
            self.tags[name] = value
        return outcome

    def untag(self, name: str) -> str:
        outcome = self._unless_ending()
        if outcome == OK:
            self.tags.pop(name, None)
        return outcome

    def be_named(self) -> str:
        """May an alias name it?"""
        return self._unless_ending()
