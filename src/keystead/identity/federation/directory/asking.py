"""What does a directory say of a person or a group?  A process that asks one question over LDAP.

    standard input    one JSON object: the question, with its secrets
    standard output   one JSON object: the steps that were taken, and what was found

This file is a program. It imports nothing of ours, and its process holds no key. The library is C,
and reads what strangers send. It knows no time limit for TLS: during a handshake it holds the
interpreter's lock, for ever if the server is silent. So the server starts this program, and ends
it in time (`proof`). Nothing but this process waits. (decision 0061)

The numbers are those of `proof.ask_directory`.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

_MOST_MEMORY = 128 << 20  # bytes that are written: an answer without end ends here
_MOST_NAMED = 1 << 30  # bytes, with libraries and what allocators only set aside
_LONGEST_WHY = 300
_LONGEST_VALUE = 256  # bytes of an id or a name, which records show
_LONGEST_DN = 2048  # characters
_BATCH = 50  # groups that one search asks about
_MODERN_TLS = "[overrides]\ndisabled-version = tls1.0\ndisabled-version = tls1.1\n"
_OF_SYSTEM = "/etc/gnutls/config"
_DISABLED = 2  # of userAccountControl: ACCOUNTDISABLE

_PR_SET_DUMPABLE = 4
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4

PASSED, REFUSED, FAILED = "passed", "refused", "failed"
"""How a step ended. REFUSED is about the person, and FAILED about the directory."""


class Ended(Exception):
    """A step did not pass, so there is no next one."""


class Asking:
    """One question, and its steps."""

    def __init__(self, bonsai: Any, asked: dict[str, Any], ca_file: str) -> None:
        self._bonsai = bonsai
        self._asked = asked
        self._ca_file = ca_file
        self.steps: list[dict[str, str]] = []
        self.found: dict[str, Any] = {}

    def person(self) -> None:
        """Steps 4 to 8."""
        asked = self._asked
        directory = self._bound(4, asked["bind_dn"], asked["bind_password"], FAILED)
        entry = self._one(5, directory, asked["person_bases"], self._filter(asked["person_filter"]))
        self._facts(6, entry)
        if asked["password"] is not None:
            self._themselves(7, str(entry.dn), asked["password"])
        self.found["groups"] = self._groups(8, directory, str(entry.dn))

    def group(self) -> None:
        """Steps 4 to 6, about a group."""
        asked = self._asked
        directory = self._bound(4, asked["bind_dn"], asked["bind_password"], FAILED)
        if "=" in asked["name"]:  # a DN
            entry = self._one(5, directory, [asked["name"]], "(objectClass=*)", is_dn=True)
        else:
            wanted = self._filter(asked["group_filter"])
            entry = self._one(5, directory, asked["group_bases"], wanted)
        self._facts(6, entry)

    def _bound(self, number: int, name: str, password: str, otherwise: str) -> Any:
        """A connection of this name; the directory's certificate is proved before it is said."""
        bonsai, asked = self._bonsai, self._asked
        client = bonsai.LDAPClient(asked["url"], asked["start_tls"])
        client.set_cert_policy("demand")
        client.set_ca_cert(self._ca_file)
        client.set_ca_cert_dir("")
        client.set_ignore_referrals(True)
        client.set_server_chase_referrals(False)
        client.set_auto_page_acquire(False)
        client.set_password_policy(True)
        client.set_raw_attributes([asked["id_attribute"], asked["name_attribute"]])
        if not name or not password:  # would be a bind of nobody, which succeeds
            self._end(number, otherwise, "the name or the password is empty")
        client.set_credentials("SIMPLE", user=name, password=password)
        try:
            connection, _ = client.connect(timeout=asked["seconds"])
        except bonsai.LDAPError as error:
            self._end(number, self._kind(error, otherwise), _why(error))
        self._pass(number, "")
        return connection

    def _themselves(self, number: int, name: str, password: str) -> None:
        """The password is this entry's, and the directory lets its person do more than bind.

        Who must change a password first is bound as well. The library drops the directory's warning
        about it, but the directory refuses whatever follows.
        """
        bonsai, seconds = self._bonsai, self._asked["seconds"]
        person = self._bound(number, name, password, REFUSED)
        self.steps.pop()  # it is not over
        try:
            who = person.whoami(timeout=seconds)
            if not who or who.lower() == "dn:":
                self._end(number, REFUSED, "the directory bound nobody")
        except bonsai.errors.ProtocolError:
            pass  # it does not know the question, which is optional (RFC 4532)
        except bonsai.LDAPError as error:
            self._end(number, self._kind(error, REFUSED), _why(error))
        try:
            person.search(name, 0, "(objectClass=*)", ["1.1"], timeout=seconds, sizelimit=1)
        except bonsai.errors.NoSuchObjectError:
            pass  # it may not read its own entry
        except bonsai.LDAPError as error:
            self._end(number, self._kind(error, REFUSED), _why(error))
        self._pass(number, "")
        person.close()

    def _kind(self, error: Any, otherwise: str) -> str:
        """Is this refusal about the person, or is the directory not well?"""
        bonsai = self._bonsai
        away = (bonsai.errors.ConnectionError, bonsai.errors.TimeoutError)
        return FAILED if isinstance(error, away) else otherwise

    def _filter(self, template: str) -> str:
        from bonsai.utils import escape_filter_exp  # noqa: PLC0415  # this program alone has it

        return template.replace("{name}", escape_filter_exp(self._asked["name"]))

    def _one(
        self, number: int, directory: Any, bases: Sequence[str], wanted: str, *, is_dn: bool = False
    ) -> Any:
        """The one entry that a filter finds: none and several are refused alike.

        `is_dn`: the base is the DN of the entry that is wanted, as somebody wrote it.
        """
        found: dict[str, Any] = {}
        for base in bases:
            for entry in self._search(number, directory, base, wanted, 2, is_dn=is_dn):
                found[str(entry.dn).lower()] = entry
        if len(found) != 1:
            why = "no entry matches" if not found else "several entries match"
            self._end(number, REFUSED, why)
        [(name, entry)] = found.items()
        if not 0 < len(name) <= _LONGEST_DN:
            self._end(number, REFUSED, "the entry has no name, or a very long one")
        self._pass(number, str(entry.dn))
        return entry

    def _search(
        self, number: int, directory: Any, base: str, wanted: str, most: int, *, is_dn: bool = False
    ) -> Any:
        bonsai, asked = self._bonsai, self._asked
        attributes = [asked["id_attribute"], asked["name_attribute"], asked["flags_attribute"]]
        try:
            return directory.search(
                base, 0 if is_dn else 2, wanted, [name for name in attributes if name],
                timeout=asked["seconds"], sizelimit=most,
            )  # fmt: skip
        except bonsai.errors.SizeLimitError:
            self._end(number, REFUSED, "several entries match")
        except (bonsai.errors.NoSuchObjectError, bonsai.errors.InvalidDN):
            self._end(number, REFUSED if is_dn else FAILED, f"there is no {base}")
        except (bonsai.LDAPError, ValueError) as error:
            self._end(number, FAILED, _why(error))

    def _facts(self, number: int, entry: Any) -> None:
        """The immutable id and the canonical name.

        What is wrong with an entry is refused as a wrong password is: another answer would tell
        that somebody has the name.
        """
        asked = self._asked
        try:
            shown = self._id(entry)
            name = _only(entry, asked["name_attribute"]).decode()
            flags = entry.get(asked["flags_attribute"], []) if asked["flags_attribute"] else []
            is_disabled = any(int(flag) & _DISABLED for flag in flags)
        except ValueError as error:
            self._end(number, REFUSED, _why(error))
        if is_disabled:
            self._end(number, REFUSED, f"{asked['flags_attribute']} says that it is disabled")
        self.found.update(dn=str(entry.dn), id=shown, name=name)
        self._pass(number, f"{shown} {name}")

    def _id(self, entry: Any) -> str:
        """The immutable id of an entry; raises ValueError."""
        value = _only(entry, self._asked["id_attribute"])
        if not self._asked["id_is_guid"]:
            return value.decode().lower()
        from uuid import UUID  # noqa: PLC0415  # for Active Directory alone

        return str(UUID(bytes_le=value))  # as it writes them: three fields are little-endian

    def _groups(self, number: int, directory: Any, name: str) -> list[str]:
        """Those of the groups that are asked about of which the person is a member."""
        from bonsai.utils import escape_filter_exp  # noqa: PLC0415  # as above

        asked = self._asked
        member: list[str] = []
        escaped = escape_filter_exp(name)
        members = "".join(f"({each}={escaped})" for each in asked["member_attributes"])
        wanted: list[str] = asked["groups"]
        for start in range(0, len(wanted), _BATCH):
            batch = wanted[start : start + _BATCH]
            ids = "".join(self._is(group) for group in batch)
            for base in asked["group_bases"]:
                text = f"(&(|{ids})(|{members}))"
                found = self._search(number, directory, base, text, len(batch) + 1)
                try:
                    member += [self._id(entry) for entry in found]
                except ValueError as error:
                    self._end(number, FAILED, _why(error))
        known = sorted(set(member) & set(wanted))
        self._pass(number, f"{len(known)} of {len(wanted)}")
        return known

    def _is(self, group: str) -> str:
        """The part of a filter that finds the group with this id."""
        from bonsai.utils import escape_filter_exp  # noqa: PLC0415  # as above

        attribute = self._asked["id_attribute"]
        if not self._asked["id_is_guid"]:
            return f"({attribute}={escape_filter_exp(group)})"
        from uuid import UUID  # noqa: PLC0415  # for Active Directory alone

        octets = "".join(f"\\{octet:02x}" for octet in UUID(group).bytes_le)
        return f"({attribute}={octets})"

    def _pass(self, number: int, what: str) -> None:
        self.steps.append({"step": str(number), "ended": PASSED, "why": what[:_LONGEST_WHY]})

    def _end(self, number: int, ended: str, why: str) -> NoReturn:
        self.steps.append({"step": str(number), "ended": ended, "why": why[:_LONGEST_WHY]})
        raise Ended


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _only(entry: Any, attribute: str) -> bytes:
    """The one value of an attribute; raises ValueError."""
    values = entry.get(attribute, [])
    if len(values) != 1:
        raise ValueError(f"the entry has {len(values)} values of {attribute}")
    value: bytes = values[0]
    if len(value) > _LONGEST_VALUE:
        raise ValueError(f"the value of {attribute} has {len(value)} bytes")
    return value


@contextmanager
def _file(text: str) -> Iterator[str]:
    """A file with this text, which the library reads by its name; in memory, where that can be."""
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("ca"), "w") as file:
            file.write(text)
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
        return
    import tempfile  # noqa: PLC0415  # for other systems than Linux

    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(text)
        file.flush()
        yield file.name


@contextmanager
def _careful(library: str) -> Iterator[Any]:
    """The library of this folder, with no settings but ours; this process may not be large.

    libldap has a least version of TLS, which it ignores with GnuTLS, as on Debian; and the library
    here does not pass it on. So GnuTLS is told in its own settings, after the machine's. OpenSSL
    refuses versions before TLS 1.2 by itself.
    """
    os.environ["LDAPNOINIT"] = "1"  # no ldap.conf, no .ldaprc, no variables: REQCERT never, …
    with suppress(ImportError, ValueError, OSError):  # not on this platform
        import resource  # noqa: PLC0415  # as said

        resource.setrlimit(resource.RLIMIT_AS, (_MOST_NAMED, _MOST_NAMED))
        resource.setrlimit(resource.RLIMIT_DATA, (_MOST_MEMORY, _MOST_MEMORY))
    of_system = ""
    with suppress(OSError), open(_OF_SYSTEM, encoding="utf-8") as file:  # noqa: PTH123  # pathlib is slow to load
        of_system = file.read()
    with _file(f"{of_system}\n{_MODERN_TLS}") as settings:
        os.environ["GNUTLS_SYSTEM_PRIORITY_FILE"] = settings
        sys.path.append(library)
        import bonsai  # noqa: PLC0415  # after the environment is ours

        yield bonsai


def hide() -> None:
    """Before a secret is read: no core dump, no debugger of the same user, and no swap if the
    system allows that to the server (threat-model RK-8). What is executed inherits none of it.
    """
    with suppress(ImportError):  # not on this platform
        import resource  # noqa: PLC0415  # as said

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if sys.platform == "linux":
            import ctypes  # noqa: PLC0415  # Linux only

            libc = ctypes.CDLL(None)
            libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
            if resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY:
                libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT)


def main() -> None:
    hide()
    asked: dict[str, Any] = json.load(sys.stdin)
    signal.alarm(int(asked["seconds"]) + 2)  # if the server has gone, nobody else ends this process
    with _careful(asked["library"]) as bonsai, _file(asked["ca"]) as own_file:
        asking = Asking(bonsai, asked, own_file if asked["ca"] else asked["ca_file"])
        ways: dict[str, Callable[[], None]] = {"person": asking.person, "group": asking.group}
        with suppress(Ended):
            ways[asked["kind"]]()
    json.dump({"steps": asking.steps, **asking.found}, sys.stdout)


if __name__ == "__main__":
    main()
