"""What is written in a folder of policies?  Its files, read strictly (docs/simulate.md).

    DIR/scps/*.json  DIR/rcps/*.json                 over every account
    DIR/ACCOUNT/scps/*.json  rcps/*.json             over this account
               /users/NAME/*.json  user.toml         inline policies; path, tags, attached, boundary
               /groups/NAME/*.json  group.toml       inline policies; path, members, attached
               /managed/NAME.json                    customer managed policies
               /keys/KEY-ID.json  KEY-ID.toml        key policies; region, aliases, tags, …

Names that begin with a `.` and README.md are not ours. Every other name that has no place here is
an error: a policy that is not read would be a policy that is not tested.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from keystead.failures import Failure

WRONG = 2
HINT = "see docs/simulate.md for the layout of the folder"

F = TypeVar("F")

_NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
_PATH = re.compile(r"/(?:[\x21-\x7e]*/)?")
_NOT_OURS = "README.md"


class UserFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`user.toml`"""

    path: str = "/"
    tags: dict[str, str] = {}
    attached: list[str] = []  # managed policies, by name or ARN
    boundary: str = ""


class GroupFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`group.toml`"""

    path: str = "/"
    members: list[str] = []
    attached: list[str] = []


class KeyFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`KEY-ID.toml`"""

    region: str = ""  # the first of the partition
    aliases: list[str] = []
    tags: dict[str, str] = {}
    spec: str = "SYMMETRIC_DEFAULT"
    usage: str = "ENCRYPT_DECRYPT"
    origin: str = "AWS_KMS"


def wrong(place: Path, what: str, hint: str = HINT) -> Failure:
    """The failure for something wrong at a place of the folder."""
    return Failure(f"`{place}`: {what}", hint, status=WRONG)


def inside(folder: Path) -> Iterator[Path]:
    """What is in a folder, by name; nothing when there is no such folder."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise wrong(folder, "it is not a folder")
    for entry in sorted(folder.iterdir()):
        if not entry.name.startswith(".") and entry.name != _NOT_OURS:
            yield entry


def folders(folder: Path) -> Iterator[Path]:
    """The folders in a folder, which has nothing else in it."""
    seen: dict[str, Path] = {}
    for entry in inside(folder):
        if not entry.is_dir():
            raise wrong(entry, "there should be nothing but folders beside it")
        _require_name(entry, entry.name, seen)
        yield entry


def documents(folder: Path, *besides: str) -> Iterator[tuple[Path, str]]:
    """The policies in a folder by name, which has nothing in it but those and `besides`."""
    seen: dict[str, Path] = {}
    for entry in inside(folder):
        if entry.name in besides or (entry.suffix == ".toml" and "*.toml" in besides):
            continue
        if entry.suffix != ".json" or not entry.is_file():
            raise wrong(entry, "it is no policy: their names end in .json")
        _require_name(entry, entry.stem, seen)
        yield entry, entry.stem


def require_path(file: Path, path: str) -> None:
    """Refuse what cannot be the path of a user or group."""
    if not _PATH.fullmatch(path):
        raise wrong(file, f"the path `{path}` does not begin and end with `/`")


def require_apart(file: Path, tags: Mapping[str, str]) -> None:
    """Refuse tags that policies cannot tell apart."""
    if len({key.lower() for key in tags}) != len(tags):
        raise wrong(file, "two tags have names that differ only by case")


def _require_name(place: Path, name: str, seen: dict[str, Path]) -> None:
    """Refuse what cannot be a name, and names that differ only by case."""
    if not _NAME.fullmatch(name):
        raise wrong(place, "the name has characters that a name cannot have")
    other = seen.setdefault(name.lower(), place)
    if other != place:
        raise wrong(place, f"its name and that of `{other.name}` differ only by case")


def text(file: Path) -> str:
    """The text of a file."""
    try:
        return file.read_bytes().decode()
    except UnicodeDecodeError:
        raise wrong(file, "it is not text in UTF-8") from None
    except OSError as error:
        raise wrong(file, (error.strerror or "it cannot be read").lower()) from None


def facts(file: Path, kind: type[F]) -> F:
    """What a TOML file says; what is left out, or the whole file, is as by default."""
    if not file.exists():
        return kind()
    try:
        return msgspec.toml.decode(text(file), type=kind)
    except msgspec.MsgspecError as error:
        found = str(error).replace(" - at `$.", " - at `").replace("Object", "it", 1)
        raise wrong(file, f"{found[:1].lower()}{found[1:]}") from None
