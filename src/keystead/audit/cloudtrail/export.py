"""How do proved records become files of CloudTrail?  An hour at a time, with a digest at its end.

(1) `verify` walks through the log and shows each record. It waits here until a checkpoint has
    signed it. So nothing is exported that the log does not prove.
(2) A record is delivered in a window of five minutes: that of its time, or the current one if that
    is later. So a record that stands late in the log is delivered late, and none is lost.
(3) At the end of a window, or when they are long, the records of an account and a Region become a
    file.
(4) At the end of an hour each account and Region with new files gets a digest. It names the files,
    their hashes, and the digest before it, and is signed. Hours without records have none: the next
    digest begins where the one before it ended.
(5) Then the progress is kept. After an interruption the hour is exported again, to the same files.

Only hours are exported that are over. Their records cannot change any more.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from keystead.audit.cloudtrail.layout import (
    HOUR,
    WINDOW,
    ExportRefused,
    digest_name,
    end_of,
    log_name,
    write,
    write_packed,
)
from keystead.audit.cloudtrail.progress import Chain, Progress
from keystead.audit.cloudtrail.records import Delivered, delivered
from keystead.audit.records import jsontext, leaf_hash
from keystead.times import EPOCH, iso_seconds

FILE_BYTES = 8 << 20
"""The most bytes of one file, before it is compressed; but at least one record."""
MOST_BYTES = 128 << 20
"""The most bytes of records that wait for the end of their window, of all accounts."""
OVER = timedelta(minutes=5)
"""How long after its end an hour is over: what came in it has been recorded by then."""
ALGORITHM = "SHA256withRSA"


class ToSign(NamedTuple):
    """What the signature of a digest covers."""

    end: str
    bucket: str
    object: str
    hash: str  # SHA-256 of the digest, in hexadecimal
    previous: str  # the signature of the digest before it; "" for the first


class Signed(NamedTuple):
    """What signs digests."""

    fingerprint: str
    sign: Callable[[ToSign], str]


@dataclass(slots=True)
class _Waiting:
    """Records of one account and Region that wait for their file."""

    texts: list[bytes] = field(default_factory=list)
    times: list[str] = field(default_factory=list)
    bytes: int = 0


@dataclass(slots=True)
class Exported:
    """What a run wrote."""

    records: int = 0
    files: int = 0
    digests: int = 0
    first: int = -1  # of the records of the log
    until: str = ""  # the end of the last hour


class Export:
    """One run. It is the observer of a verification (`verify.Observer`)."""

    def __init__(self, directory: Path, progress: Progress, signer: Signed, now: datetime) -> None:
        self._directory = directory
        self._progress = progress
        self._signer = signer
        self._over = end_of(now - OVER, HOUR) - HOUR  # hours that end by then are over
        floor = progress.until or progress.since
        self._since = datetime.fromisoformat(progress.since) if progress.since else EPOCH
        self._window = datetime.fromisoformat(floor) + WINDOW if floor else EPOCH
        self._next = progress.next
        self._last = progress.last
        self._unproved: list[tuple[int, bytes]] = []
        self._waiting: dict[tuple[str, str], _Waiting] = {}
        self._bytes = 0  # of all that waits
        self._files: dict[tuple[str, str], list[dict[str, str]]] = {}  # of this hour
        self._span: tuple[int, int] | None = None  # the first and the last record of this hour
        self._seen = -1  # the last record that was shown; -1 = none
        self._ended = False
        self.exported = Exported(until=progress.until)

    def record(self, index: int, event: bytes) -> None:
        """(1) Wait with a record until it is proved; raises ExportRefused if some are missing."""
        if index == self._progress.next - 1 and _hash(event) != self._progress.last:
            raise _older(index)
        if index < self._next or self._ended:
            return
        expected = self._seen + 1 if self._seen >= 0 else self._next
        if 0 <= expected < index:
            raise ExportRefused(
                f"records {expected} to {index - 1} are not in the log",
                "if they were archived, name their directory by --archive",
            )
        self._seen = index
        self._unproved.append((index, event))

    def proved(self, size: int) -> None:
        """(1) A checkpoint has signed the records before this number."""
        waiting, self._unproved = self._unproved, []
        for index, event in waiting:
            if index < size and not self._ended:
                self._deliver(index, event)

    def finish(self, size: int) -> Exported:
        """The whole log of so many records was examined, and holds: end the last hour.

        Raises ExportRefused if it has fewer records than were exported.
        """
        if size < self._progress.next:
            raise _older(size)
        self._end_hour()
        return self.exported

    def _deliver(self, index: int, event: bytes) -> None:
        """(2) Give a record to its window, and end windows and hours before it."""
        records = delivered(event, self._progress.home)
        time = datetime.fromisoformat(records[0].time)
        if time < self._since:
            self._next, self._last = index + 1, _hash(event)
            return
        window = max(end_of(time, WINDOW), self._window)
        hour = _hour(window)
        if hour > self._over:
            self._ended = True
            return
        if hour != _hour(self._window):
            self._end_hour()
        elif window != self._window:
            self._end_window()
        self._window = window
        for record in records:
            self._keep(record)
        self._span = (self._span[0] if self._span else index, index)
        self._next, self._last = index + 1, _hash(event)

    def _keep(self, record: Delivered) -> None:
        accounts = self._progress.accounts
        if accounts and record.account not in accounts:
            return
        place = (record.account, record.region)
        waiting = self._waiting.setdefault(place, _Waiting())
        text = jsontext.encode(record.fields)
        if waiting.texts and waiting.bytes + len(text) > FILE_BYTES:
            self._write(place)
            waiting = self._waiting.setdefault(place, _Waiting())
        waiting.texts.append(text)
        waiting.times.append(record.time)
        waiting.bytes += len(text)
        self._bytes += len(text)
        if self._bytes > MOST_BYTES:
            self._write(max(self._waiting, key=lambda each: self._waiting[each].bytes))

    def _write(self, place: tuple[str, str]) -> None:
        """(3) Write the file of one account and Region."""
        waiting = self._waiting.pop(place)
        self._bytes -= waiting.bytes
        content = b'{"Records":[' + b",".join(waiting.texts) + b"]}"
        name = log_name(*place, self._window, content)
        write_packed(self._directory, name, content)
        self._files.setdefault(place, []).append(
            {
                "s3Bucket": self._progress.bucket,
                "s3Object": name,
                "hashValue": hashlib.sha256(content).hexdigest(),
                "hashAlgorithm": "SHA-256",
                "newestEventTime": max(waiting.times),
                "oldestEventTime": min(waiting.times),
            }
        )
        self.exported.files += 1
        self.exported.records += len(waiting.texts)

    def _end_window(self) -> None:
        for place in sorted(self._waiting):
            self._write(place)

    def _end_hour(self) -> None:
        """(4), (5)"""
        self._end_window()
        if self._span is None:
            return
        end = _hour(self._window)
        for place in sorted(self._files):
            self._write_digest(place, end, self._span)
        if self.exported.first < 0:
            self.exported.first = self._span[0]
        self._files, self._span = {}, None
        self._progress.next, self._progress.last = self._next, self._last
        self._progress.until = self.exported.until = iso_seconds(end)
        self._progress.save(self._directory)

    def _write_digest(self, place: tuple[str, str], end: datetime, span: tuple[int, int]) -> None:
        """(4) Write the digest of one account and Region, and its signature beside it."""
        account, region = place
        bucket, files = self._progress.bucket, self._files[place]
        before = self._progress.chains.get("/".join(place))
        name = digest_name(account, region, self._progress.home, end)
        members: dict[str, Any] = {
            "awsAccountId": account,
            "digestStartTime": before.end if before else iso_seconds(end - HOUR),
            "digestEndTime": iso_seconds(end),
            "digestS3Bucket": bucket,
            "digestS3Object": name,
            "digestPublicKeyFingerprint": self._signer.fingerprint,
            "digestSignatureAlgorithm": ALGORITHM,
            "newestEventTime": max(each["newestEventTime"] for each in files),
            "oldestEventTime": min(each["oldestEventTime"] for each in files),
            "previousDigestS3Bucket": bucket if before else None,
            "previousDigestS3Object": before.object if before else None,
            "previousDigestHashValue": before.hash if before else None,
            "previousDigestHashAlgorithm": "SHA-256" if before else None,
            "previousDigestSignature": before.signature if before else None,
            "logFiles": files,
            "keystead": {"firstRecord": span[0], "lastRecord": span[1]},
        }
        content = msgspec.json.encode(members)
        hashed = hashlib.sha256(content).hexdigest()
        previous = before.signature if before else ""
        signature = self._signer.sign(ToSign(iso_seconds(end), bucket, name, hashed, previous))
        write_packed(self._directory, name, content)
        metadata = {"signature": signature, "signature-algorithm": ALGORITHM}
        write(self._directory / "metadata" / f"{name}.json", msgspec.json.encode(metadata))
        chain = Chain(end=iso_seconds(end), object=name, hash=hashed, signature=signature)
        self._progress.chains["/".join(place)] = chain
        self.exported.digests += 1


def _hash(event: bytes) -> str:
    return leaf_hash(event).hex()


def _older(index: int) -> ExportRefused:
    return ExportRefused(
        f"the log does not have record {index} as it was exported:"
        " an older state or another history was put in its place",
        "run `keystead audit verify` with checkpoints that you kept elsewhere",
    )


def _hour(window_end: datetime) -> datetime:
    """The end of the hour to which a window belongs."""
    return end_of(window_end - WINDOW, HOUR)
