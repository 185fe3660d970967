"""Which directory, how is it asked, and which of its attributes say who a person is?

The secret of its bind name is not among these.

INVARIANT: no URL leads to a directory without TLS. `ldaps` begins with it, and `ldap` asks for it
(StartTLS) before anything else is said. (threat-model LD-2)
"""

import re
import ssl
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

MOST_CERTIFICATES = 32 * 1024  # characters
_MOST_URLS, _MOST_BASES, _LONGEST = 4, 8, 512
_URL = re.compile(
    r"(ldaps?)://([a-z0-9](?:[a-z0-9.-]{0,252})|\[[0-9a-f:.]{2,45}\])(?::([1-9][0-9]{0,4}))?/?"
)
_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_MEMBER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}(?::[0-9.]{1,64}:)?")
_USUAL_PORT = {"ldap": 389, "ldaps": 636}

IN_CHAIN = ":1.2.840.113556.1.4.1941:"
"""Active Directory's rule by which members of members are members."""

IDS = ("entryUUID", "nsUniqueId", "ipaUniqueID", "objectGUID")
"""Attributes that a directory sets itself, once for each entry, and never again for another (LD-4).
Any other attribute somebody could change, and be another person then."""


class BadDirectory(ValueError):
    """A directory cannot be asked so; the message says why."""


class Place(msgspec.Struct, frozen=True):
    """One server of a directory."""

    url: str
    host: str
    port: int
    start_tls: bool


class DirectorySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one directory is asked."""

    urls: tuple[str, ...]
    certificates: str = ""  # of its authorities, as PEM; "" = those that the system knows
    bind_dn: str
    person_bases: tuple[str, ...]
    person_filter: str
    group_bases: tuple[str, ...]
    group_filter: str
    member_attributes: tuple[str, ...]
    id_attribute: str
    name_attribute: str  # the canonical name, of which sessions are named
    flags_attribute: str = ""  # userAccountControl

    @property
    def places(self) -> Sequence[Place]:
        """Its servers, in the order in which they are tried."""
        return [_place(url) for url in self.urls]


_GROUP = "(&(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))(cn={name}))"
_LDAP: Mapping[str, Any] = {
    "person_filter": "(&(objectClass=person)(uid={name}))",
    "group_filter": _GROUP,
    "member_attributes": ("member", "uniqueMember"),
    "name_attribute": "uid",
}
DIRECTORY_KINDS: Mapping[str, Mapping[str, Any]] = {
    "openldap": {**_LDAP, "id_attribute": "entryUUID"},
    "389ds": {**_LDAP, "id_attribute": "nsUniqueId"},
    "freeipa": {**_LDAP, "id_attribute": "ipaUniqueID"},
    "active-directory": {
        "person_filter": "(&(objectCategory=person)(objectClass=user)"
        "(|(sAMAccountName={name})(userPrincipalName={name})))",
        "group_filter": "(&(objectClass=group)(|(cn={name})(sAMAccountName={name})))",
        "member_attributes": (f"member{IN_CHAIN}",),
        "id_attribute": "objectGUID",
        "name_attribute": "sAMAccountName",
        "flags_attribute": "userAccountControl",
    },
}
"""What the directories of each kind have by default."""


def settings_of_directory(kind: str, given: Mapping[str, Any]) -> DirectorySettings:
    """The settings of a directory of this kind; what is given stands before the kind's own.

    Raises BadDirectory.
    """
    if kind not in DIRECTORY_KINDS:
        raise BadDirectory(f"`{kind}` is no kind of directory: {', '.join(DIRECTORY_KINDS)}")
    said = {**DIRECTORY_KINDS[kind], **{name: value for name, value in given.items() if value}}
    said.setdefault("group_bases", said.get("person_bases"))
    try:
        settings = msgspec.convert(said, DirectorySettings)
    except msgspec.ValidationError as error:
        raise BadDirectory(f"the directory is not described completely: {error}") from None
    require_usable(settings)
    return settings


def require_usable(settings: DirectorySettings) -> None:
    """Is each part of it understood?  Raises BadDirectory."""
    if not 0 < len(settings.urls) <= _MOST_URLS:
        raise BadDirectory(f"a directory has 1 to {_MOST_URLS} URLs")
    for url in settings.urls:
        _place(url)
    _require_certificates(settings.certificates)
    for title, bases in (("people", settings.person_bases), ("groups", settings.group_bases)):
        if not 0 < len(bases) <= _MOST_BASES or any("=" not in base for base in bases):
            raise BadDirectory(f"{title} are searched below 1 to {_MOST_BASES} names of entries")
    for text in (settings.bind_dn, *settings.person_bases, *settings.group_bases):
        if not text or len(text) > _LONGEST or not text.isprintable():
            raise BadDirectory(f"`{text}` is not the name of an entry")
    for template in (settings.person_filter, settings.group_filter):
        _require_filter(template)
    if settings.id_attribute not in IDS:
        raise BadDirectory(
            f"`{settings.id_attribute}` may change: an immutable id is one of {', '.join(IDS)}"
        )
    for attribute in (settings.name_attribute, settings.flags_attribute):
        if attribute and not _ATTRIBUTE.fullmatch(attribute):
            raise BadDirectory(f"`{attribute}` is not an attribute")
    members = settings.member_attributes
    if not 0 < len(members) <= _MOST_BASES or not all(map(_MEMBER.fullmatch, members)):
        raise BadDirectory("members of groups are found by attributes such as `member`")


def _place(url: str) -> Place:
    match = _URL.fullmatch(url)
    if match is None or int(match[3] or 0) > 65535:
        raise BadDirectory(f"`{url}` is not `ldaps://host`, or `ldap://host` for StartTLS")
    if match[2] == "localhost":  # the library takes the machine's own name for it
        raise BadDirectory(f"`{url}`: write 127.0.0.1, or the name in the certificate")
    port = int(match[3] or _USUAL_PORT[match[1]])
    url = f"{match[1]}://{match[2]}:{port}"
    return Place(url, match[2].strip("[]"), port, match[1] == "ldap")


def _require_filter(template: str) -> None:
    """A filter asks for the name that was typed, as a whole value, and for nothing like it."""
    opened = template.count("(")
    usable = template.startswith("(") and opened == template.count(")") and template.isprintable()
    if len(template) > _LONGEST or not usable:
        raise BadDirectory(f"`{template}` is not a filter (RFC 4515)")
    named = template.count("{name}")
    if not named or named != len(re.findall(r"\([A-Za-z][A-Za-z0-9-]*=\{name\}\)", template)):
        raise BadDirectory(f"`{template}` does not ask for the name: `(uid={{name}})`")


def _require_certificates(pem: str) -> None:
    if not pem:
        return
    if len(pem) > MOST_CERTIFICATES:
        raise BadDirectory(f"the certificates have more than {MOST_CERTIFICATES} characters")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError) as error:
        raise BadDirectory(f"these are no certificates: {error}") from None
