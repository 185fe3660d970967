"""Which files may a folder of policies have?  They are read strictly (docs/simulate.md).

    DIR/scps/*.json  DIR/rcps/*.json                 over every account
    DIR/ACCOUNT/scps/*.json  rcps/*.json             over this account
               /users/NAME/*.json  user.toml         inline policies; path, tags, attached, boundary
               /roles/NAME/*.json  role.toml         inline policies; path, tags, attached, boundary
               /roles/NAME/trust.json                the trust policy
               /groups/NAME/*.json  group.toml       inline policies; path, members, attached
               /managed/NAME.json                    customer managed policies
               /keys/KEY-ID.json  KEY-ID.toml        key policies; region, aliases, tags, …

README.md and names that begin with a `.` are skipped. Every other name that is not listed above is
an error: a policy that is not read would not be tested.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from keystead.failures import Failure

WRONG = 2
HINT = "see docs/simulate.md for the layout of the folder"

TRUST = "trust.json"
"""The trust policy of a role; every other policy beside it is an inline policy."""

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


class RoleFacts(UserFacts, frozen=True, forbid_unknown_fields=True):
    """`role.toml`"""


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


def wrong(path: Path, what: str, hint: str = HINT) -> Failure:
    """The Failure that says `what` is wrong at this path of the folder."""
    return Failure(f"`{path}`: {what}", hint, status=WRONG)


def inside(folder: Path) -> Iterator[Path]:
    """The entries of a folder, by name; none when there is no such folder."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise wrong(folder, "it is not a folder")
    for entry in sorted(folder.iterdir()):
        if not entry.name.startswith(".") and entry.name != _NOT_OURS:
            yield entry


def folders(folder: Path) -> Iterator[Path]:
    """The folders in a folder. It must not have other entries."""
    seen: dict[str, Path] = {}
    for entry in inside(folder):
        if not entry.is_dir():
            raise wrong(entry, "it is not a folder, and only folders may be here")
        _require_name(entry, entry.name, seen)
        yield entry


def documents(folder: Path, *besides: str) -> Iterator[tuple[Path, str]]:
    """The policies in a folder, by name. It must not have other entries, except for `besides`."""
    seen: dict[str, Path] = {}
    for entry in inside(folder):
        if entry.name in besides or (entry.suffix == ".toml" and "*.toml" in besides):
            continue
        if entry.suffix != ".json" or not entry.is_file():
            raise wrong(entry, "it is not a policy: the names of policies end in .json")
        _require_name(entry, entry.stem, seen)
        yield entry, entry.stem


def require_path(file: Path, path: str) -> None:
    """Refuse a text that cannot be the path of a user, role or group."""
    if not _PATH.fullmatch(path):
        raise wrong(file, f"the path `{path}` does not begin and end with `/`")


def require_apart(file: Path, tags: Mapping[str, str]) -> None:
    """Refuse tags that policies cannot tell apart."""
    if len({key.lower() for key in tags}) != len(tags):
        raise wrong(file, "two tags have names that differ only by case")


def _require_name(path: Path, name: str, seen: dict[str, Path]) -> None:
    """Refuse a text that cannot be a name, and names that differ only by case."""
    if not _NAME.fullmatch(name):
        raise wrong(path, "the name has characters that a name cannot have")
    other = seen.setdefault(name.lower(), path)
    if other != path:
        raise wrong(path, f"its name and that of `{other.name}` differ only by case")


def text(file: Path) -> str:
    """The text of a file."""
    try:
        return file.read_bytes().decode()
    except UnicodeDecodeError:
        raise wrong(file, "it is not a text file in UTF-8") from None
    except OSError as error:
        raise wrong(file, (error.strerror or "it cannot be read").lower()) from None


def facts(file: Path, kind: type[F]) -> F:
    """The facts in a TOML file. Facts that are left out, or the whole file, have defaults."""
    if not file.exists():
        return kind()
    try:
        return msgspec.toml.decode(text(file), type=kind)
    except msgspec.MsgspecError as error:
        problem = str(error).replace(" - at `$.", " - at `").replace("Object", "it", 1)
        raise wrong(file, f"{problem[:1].lower()}{problem[1:]}") from None
