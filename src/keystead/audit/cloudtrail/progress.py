"""Where does the next export go on?  The file `keystead-export.json` of its directory."""

from pathlib import Path

import msgspec

from keystead.audit.cloudtrail.layout import ExportRefused, write

NAME = "keystead-export.json"
VERSION = 1


class Chain(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """The last digest of one account and Region, to which the next one is chained."""

    end: str
    object: str
    hash: str
    signature: str


class Progress(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What was exported, and with which choices: they are those of every later run."""

    version: int
    bucket: str
    since: str
    accounts: tuple[str, ...]  # () = all
    log: str = ""  # the id of the key that signs the log's checkpoints
    home: str = ""  # the Region of events that have none
    next: int = -1  # the first record that was not exported; -1 = none was yet
    last: str = ""  # the hash of the record before it, so that another log is noticed
    until: str = ""  # the end of the last hour that was exported
    chains: dict[str, Chain] = {}  # by "account/region"

    def save(self, directory: Path) -> None:
        """Keep it, in one step."""
        text = msgspec.json.format(msgspec.json.encode(self, order="sorted"), indent=1)
        write(directory / NAME, text + b"\n")


def opened(directory: Path, wanted: Progress) -> Progress:
    """The progress of earlier runs, or `wanted` if there is none; raises ExportRefused.

    A directory keeps its choices. With others, records would be missing between the two.
    """
    path = directory / NAME
    try:
        known = msgspec.json.decode(path.read_bytes(), type=Progress)
    except FileNotFoundError:
        return wanted
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ExportRefused(
            f"`{path}` cannot be read", "export to another directory; this one can be removed"
        ) from None
    if known.log != wanted.log:
        raise ExportRefused(
            f"`{directory}` has the export of another installation", "name another directory"
        )
    for name in ("version", "bucket", "home", "since", "accounts"):
        if getattr(known, name) != getattr(wanted, name):
            raise ExportRefused(
                f"`{directory}` was exported with another choice of `{name}`:"
                f" {getattr(known, name) or 'none'}",
                "give the same options again, or name another directory",
            )
    return known
