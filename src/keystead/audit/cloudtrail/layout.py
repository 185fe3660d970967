"""Where do the files of an export stand, and how are they written?  (decision 0047)

    AWSLogs/ACCOUNT/CloudTrail/REGION/2026/11/30/
        ACCOUNT_CloudTrail_REGION_20261130T0645Z_0123456789abcdef.json.gz
    AWSLogs/ACCOUNT/CloudTrail-Digest/REGION/2026/11/30/
        ACCOUNT_CloudTrail-Digest_REGION_keystead_HOME_20261130T070000Z.json.gz
    metadata/AWSLogs/…/….json.gz.json       of each digest, what S3 keeps as metadata: its signature
    keystead-export.json                    where the next export goes on
    lock                                    held by the export that writes here

INVARIANT: a file has its name only when it is durable. Equal content gives equal bytes, so an
interrupted export writes the same files again. A file of that name with other content is refused.
"""

import gzip
import hashlib
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from keystead.store.disk import written_whole

TRAIL = "keystead"
"""The name of the trail, in the names of digests and in its ARN."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WINDOW = timedelta(minutes=5)
HOUR = timedelta(hours=1)


class ExportRefused(Exception):
    """The export cannot go on in this directory. The text says why, `hint` what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def end_of(time: datetime, step: timedelta) -> datetime:
    """The end of the window or of the hour in which a time is."""
    return time - (time - EPOCH) % step + step


def log_name(account: str, region: str, end: datetime, content: bytes) -> str:
    """The name of a file of records that was delivered at this time."""
    unique = hashlib.sha256(content).hexdigest()[:16]
    return (
        f"AWSLogs/{account}/CloudTrail/{region}/{end:%Y/%m/%d}/"
        f"{account}_CloudTrail_{region}_{end:%Y%m%dT%H%MZ}_{unique}.json.gz"
    )


def digest_name(account: str, region: str, home: str, end: datetime) -> str:
    """The name of the digest of the hour that ends at this time."""
    return (
        f"AWSLogs/{account}/CloudTrail-Digest/{region}/{end:%Y/%m/%d}/"
        f"{account}_CloudTrail-Digest_{region}_{TRAIL}_{home}_{end:%Y%m%dT%H%M%SZ}.json.gz"
    )


def write_packed(directory: Path, name: str, content: bytes) -> None:
    """Write a compressed file, unless it is there; raises ExportRefused if that is another."""
    path = directory / name
    if path.exists():
        if _unpacked(path, len(content)) != content:
            raise ExportRefused(
                f"`{path}` has other content than the log",
                "somebody changed it: look into that, and export to another directory",
            )
        return
    write(path, gzip.compress(content, mtime=0))


def _unpacked(path: Path, length: int) -> bytes:
    """The content of a file, as far as it is not longer than `length` and a byte."""
    try:
        with gzip.open(path) as file:
            return file.read(length + 1)
    except (OSError, EOFError, zlib.error):
        return b""


def write(path: Path, data: bytes) -> None:
    """Write a file in one step, durably. Only its owner may read it (DB-6)."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with written_whole(path) as file:
        file.write(data)
