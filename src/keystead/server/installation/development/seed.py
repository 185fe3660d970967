"""What does a seed file say?  An account, users with access keys, and keys with their material.

    version = 1
    [account]
    id = "111122223333"
    [[users]]
    name = "app"
    [[keys]]
    id = "1234abcd-12ab-34cd-56ef-1234567890ab"
    material = "000102…1f"

The file is TOML. It is read whole and checked before anything is made: an unknown field, a wrong
type or a secret that is none of the key's spec is refused, with its place in the file. What AWS
would refuse (a policy, an alias, a tag) is refused when it is planted, in AWS's words.
"""

import base64
import binascii
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from keystead.arns import is_account_id
from keystead.custody.backends import GIVEN_SPECS, GivenSecret, given
from keystead.failures import Failure
from keystead.identity import identifiers
from keystead.wire.models import kms as api

LONGEST = 1 << 20  # bytes of a seed file
MOST_DOTS = 64
"""Of a line. A dotted key costs the library time and memory in the square of its parts."""
_GUIDE = "docs/dev.md describes the fields"
_KEY_ID = re.compile(r"\A(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})\Z")
_SECRET = re.compile(r"\A[!-~]{1,128}\Z")
_HEX = re.compile(r"\A(?:[0-9A-Fa-f]{2})+\Z")
_PEM = re.compile(
    r"\A\s*-----BEGIN PRIVATE KEY-----\s+([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----\s*\Z"
)
_WHERE = re.compile(r"(.*) - at `(?:key in )?\$\.?(.*)`\Z", re.DOTALL)


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file. A field that is not below is an error."""


class AccountSeed(_Strict, frozen=True, kw_only=True):
    """The account of the installation."""

    id: str  # twelve digits
    email: str = "root@localhost"


class AccessKeySeed(_Strict, frozen=True, kw_only=True):
    """An access key of a user."""

    id: str
    secret: str


class UserSeed(_Strict, frozen=True, kw_only=True):
    """A user, with its policies."""

    name: str
    access_keys: tuple[AccessKeySeed, ...] = ()
    managed_policies: tuple[str, ...] = ()  # their ARNs
    policies: dict[str, str] = {}  # inline policies: name -> document
    tags: dict[str, str] = {}


class MemberSeed(_Strict, frozen=True, kw_only=True):
    """What a key has of its own, and each replica of it."""

    region: str = ""  # "" = the first Region of the server, for a key
    description: str = ""
    policy: str = ""  # "" = the default policy
    bypass_policy_lockout_safety_check: bool = False
    aliases: tuple[str, ...] = ()
    tags: dict[str, str] = {}
    enabled: bool = True


class KeySeed(MemberSeed, frozen=True, kw_only=True):
    """A key: of imported material if the seed has some, else of material that is made."""

    id: str
    spec: api.KeySpec = "SYMMETRIC_DEFAULT"
    usage: api.KeyUsageType | None = None
    material: str | tuple[str, ...] = ()  # hexadecimal digits, or a private key in PEM
    replicas: tuple[MemberSeed, ...] = ()

    @property
    def materials(self) -> tuple[str, ...]:
        """Its materials, the oldest first; the last one encrypts."""
        return (self.material,) if isinstance(self.material, str) else self.material


class Seed(_Strict, frozen=True, kw_only=True):
    """A whole seed file."""

    version: Literal[1]
    account: AccountSeed
    users: tuple[UserSeed, ...] = ()
    keys: tuple[KeySeed, ...] = ()


_TABLES: Mapping[str, type[msgspec.Struct]] = {
    "": Seed,
    "account": AccountSeed,
    "users[]": UserSeed,
    "users[].access_keys[]": AccessKeySeed,
    "keys[]": KeySeed,
    "keys[].replicas[]": MemberSeed,
}


def read_seed(file: Path) -> Seed:
    """The content of a seed file; raises Failure, which says what is wrong, and where."""
    seed = _converted(file, _parsed(file))
    for complaint in _complaints(seed):
        raise Failure(f"`{file}`: {complaint}", _GUIDE)
    return seed


def secrets_of(key: KeySeed) -> list[GivenSecret]:
    """The secrets of a key; raises ValueError for a text that is no secret of its spec."""
    return [_secret(key.spec, text) for text in key.materials]


def _parsed(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            content = opened.read(LONGEST + 1)
    except OSError as error:
        raise Failure(
            f"cannot read the seed `{file}`: {(error.strerror or '').lower()}",
            "name a file with --seed",
        ) from None
    if len(content) > LONGEST:
        raise Failure(f"the seed `{file}` is longer than {LONGEST} bytes", "make it shorter")
    for number, line in enumerate(content.split(b"\n"), 1):
        if line.count(b".") > MOST_DOTS:
            raise Failure(
                f"line {number} of the seed `{file}` has more than {MOST_DOTS} dots",
                "write a long policy in several lines",
            )
    try:
        return tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, and numbers without an end
        raise Failure(f"`{file}` is not TOML: {error}", _GUIDE) from None


def _converted(file: Path, tables: dict[str, Any]) -> Seed:
    try:
        return msgspec.convert(tables, Seed)
    except msgspec.ValidationError as error:
        told = _WHERE.match(str(error))
        what, where = (told[1], told[2]) if told else (str(error), "")
        what = what.replace("Object contains", "The table has an")
        what = what[:1].lower() + what[1:]
        fields = _TABLES.get(re.sub(r"\[\d+\]|\[\.\.\.\]", "[]", where))
        hint = _GUIDE
        if fields is not None:
            hint = "the fields there are " + ", ".join(
                f"`{name}`" for name in fields.__struct_fields__
            )
        raise Failure(f"`{file}`: {what}{f', in `{where}`' if where else ''}", hint) from None


def _complaints(seed: Seed) -> Iterator[str]:
    """What is wrong with a seed whose fields are those of a seed."""
    if not is_account_id(seed.account.id):
        yield f"`{seed.account.id}` is not an account id, which has twelve digits, in `account`"
    yield from _repeated("users", [user.name for user in seed.users])
    yield from _repeated("keys", [key.id for key in seed.keys])
    for number, user in enumerate(seed.users):
        yield from _of_user(f"users[{number}]", seed.account.id, user)
    yield from _repeated("users", [key.id for user in seed.users for key in user.access_keys])
    for number, key in enumerate(seed.keys):
        yield from _of_key(f"keys[{number}]", key)


def _repeated(where: str, names: list[str]) -> Iterator[str]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"`{name}` stands twice, in `{where}`"


def _of_user(where: str, account: str, user: UserSeed) -> Iterator[str]:
    for key in user.access_keys:
        if identifiers.account_of(key.id) != account or not key.id.startswith(
            identifiers.LONG_TERM_KEY
        ):
            yield (
                f"`{key.id}` is not an access key id of account {account}, which its first 13"
                f" characters name: `{identifiers.example_key_id(account)}` is one, in `{where}`"
            )
        if _SECRET.match(key.secret) is None:
            yield (
                "a secret has 1 to 128 visible ASCII characters, unlike that of"
                f" `{key.id}`, in `{where}`"
            )


def _of_key(where: str, key: KeySeed) -> Iterator[str]:
    if _KEY_ID.match(key.id) is None:
        yield (
            f"`{key.id}` is not a key id: a UUID in lower case, or `mrk-` and 32 hexadecimal"
            f" digits for a multi-Region key, in `{where}`"
        )
    if key.replicas and not key.id.startswith("mrk-"):
        yield f"only a key whose id begins with `mrk-` has replicas, in `{where}`"
    if not all(replica.region for replica in key.replicas):
        yield f"a replica needs its `region`, in `{where}`"
    if len(key.materials) > 1 and key.spec != "SYMMETRIC_DEFAULT":
        yield f"only a symmetric key has several materials, in `{where}`"
    if key.materials and key.spec not in GIVEN_SPECS:
        yield f"material of the spec {key.spec} cannot be given, in `{where}`"
        return
    try:
        secrets_of(key)
    except ValueError as error:
        yield f"{error}, in `{where}`"


def _secret(spec: str, text: str) -> GivenSecret:
    private = _PEM.match(text)
    try:
        if private is not None:
            material = base64.b64decode("".join(private[1].split()), validate=True)
        else:
            material = bytes.fromhex(text) if _HEX.match(text) else b""
    except (ValueError, binascii.Error):
        material = b""
    secret = given(spec, material)
    if secret is None:
        raise ValueError(
            f"the material is no secret of the spec {spec}: give the bytes of a symmetric or HMAC"
            " key as hexadecimal digits, a private key as PEM (PKCS#8, `openssl pkcs8 -topk8"
            " -nocrypt`)"
        )
    return secret
