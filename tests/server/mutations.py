"""Mutations of valid signed requests, and what a request says, told without our code.

A mutation that is accepted must say the same: method, path, query, the values of the signed
headers, body. Whatever it is, it is no failure of the server.
"""

import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any
from unittest.mock import patch
from urllib.parse import quote, unquote_to_bytes

from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from keystead.audit.records.event import Event
from keystead.wire.framing import BadFraming, HeadReader, read_head
from keystead.wire.http import Endpoint, HttpRequest
from tests.server.installations import ENDPOINT, REGION, Local

HOST = "127.0.0.1:8420"
EACH = 500  # mutations of one signature, which is good for five minutes
FORM = "application/x-www-form-urlencoded; charset=utf-8"
JSON = "application/x-amz-json-1.1"
STS = "Version=2011-06-15&Action=GetCallerIdentity"
POLICY = (
    rb'{"policyType":"RESOURCE_POLICY","policyDocument":"{\"Version\":\"2012-10-17\",'
    rb'\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Principal\":\"*\"}}"}'
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to say something: protocol, method, and where the signature stands."""

    service: str
    method: str = "POST"
    target: str = "/"
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    presigned: bool = False


KINDS = (
    Kind("kms", body=b'{"Limit": 5}',
         headers={"Content-Type": JSON, "X-Amz-Target": "TrentService.ListKeys"}),
    Kind("kms",
         body=b'{"KeyId":"alias/a b","Plaintext":"aA==","EncryptionContext":{"a":"\xc3\xa9"}}',
         headers={"Content-Type": JSON, "X-Amz-Target": "TrentService.Encrypt",
                  "X-Amz-Note": "one  two, three"}),
    Kind("iam", body=b"Action=ListUsers&Version=2010-05-08&PathPrefix=%2Fa%2B+b%2F",
         headers={"Content-Type": FORM}),
    Kind("sts", "GET", f"/?{STS}&Extra=a%20b%2Fc", headers={"X-Amz-Note": "a"}),
    Kind("sts", body=STS.encode(), headers={"Content-Type": FORM}),
    Kind("sts", "GET", f"/?{STS}", presigned=True),
    Kind("sts", "POST", f"/?{STS}&B=%C3%A9&A=%7E", presigned=True),
    Kind("access-analyzer", "POST", "/policy/validation?maxResults=10&locale=EN", body=POLICY,
         headers={"Content-Type": "application/json"}),
)  # fmt: skip


def signed(local: Local, kind: Kind) -> bytes:
    """A request of this kind, signed by botocore, as it goes over the wire."""
    headers = {"Host": HOST, **kind.headers}
    request = AWSRequest(kind.method, ENDPOINT + kind.target, data=kind.body, headers=headers)
    key = local.founded.access_key
    credentials = Credentials(key.access_key_id, key.secret)
    signer = SigV4QueryAuth if kind.presigned else SigV4Auth
    now = local.time.wall().replace(tzinfo=None)
    with patch("botocore.auth.get_current_datetime", lambda **_: now):
        signer(credentials, kind.service, REGION).add_auth(request)
    lines = [f"{kind.method} {request.url.removeprefix(ENDPOINT)} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    lines += ["User-Agent: mutations", f"Content-Length: {len(kind.body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + kind.body


# ── What a request says ───────────────────────────────────────────────────────────────────


def meaning(raw: bytes) -> tuple[Any, ...]:
    """Method, path, query, signed headers and body, read by nothing of ours."""
    head, _, rest = raw.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    method, target, _ = first.split(b" ")
    path, _, query = target.partition(b"?")
    headers: dict[bytes, list[bytes]] = {}
    for line in lines:
        name, _, value = line.partition(b":")
        headers.setdefault(name.lower(), []).append(b" ".join(value.split()))
    pairs = sorted(_pair(part) for part in query.split(b"&") if part)
    names = {*_signed_headers(headers, dict(pairs))}
    names |= {name for name in headers if name.startswith(b"x-amz-")}  # AWS's own say something
    length = int(headers.get(b"content-length", [b"0"])[0])
    said = {name: b",".join(headers.get(name, [])) for name in sorted(names)}
    return method, path, pairs, said, rest[:length]


def _pair(part: bytes) -> tuple[bytes, bytes]:
    name, _, value = part.replace(b"+", b" ").partition(b"=")  # a form: a plus is a blank
    return unquote_to_bytes(name), unquote_to_bytes(value)


def _signed_headers(headers: dict[bytes, list[bytes]], query: dict[bytes, bytes]) -> list[bytes]:
    stated = query.get(b"X-Amz-SignedHeaders")
    if stated is None:
        found = re.search(rb"SignedHeaders=([^, ]*)", headers[b"authorization"][0])
        assert found is not None
        stated = found[1]
    return stated.split(b";")


# ── Mutations ─────────────────────────────────────────────────────────────────────────────

Mutation = Callable[[Random, bytes], bytes]
SOME_BYTES = b" \t\r\n\0%&=+;:,/?#~.-_aAzZ09\"'\\\x7f\x80\xc3\xff"
ADDED = (
    "X-Amz-Target: TrentService.ListAliases", "X-Amz-Date: 20200101T000000Z",
    "Date: Wed, 01 Jan 2020 00:00:00 GMT", "X-Amz-Security-Token: AAAA", f"Host: {HOST}",
    "Host: elsewhere", "X-HTTP-Method-Override: DELETE", "X-Forwarded-Host: elsewhere",
    "X-Amz-Content-Sha256: UNSIGNED-PAYLOAD", "Content-Type: application/json",
    "Transfer-Encoding: chunked", "Expect: 100-continue", "Content-Length: 0", "Cookie: a=b",
    "X-Amz-Note: other", "X-Amz-Expires: 604800", "Content-Encoding: gzip", "X_Amz_Target: a",
    "Authorization: AWS4-HMAC-SHA256 Credential=a", "X-Original-URL: /other",
)  # fmt: skip
QUERIES = (
    b"Action=ListUsers", b"action=ListUsers", b"Version=2010-05-08", b"X-Amz-Expires=604800",
    b"X-Amz-Signature=00", b"X-Amz-Algorithm=AWS4-HMAC-SHA256", b"X-Amz-Security-Token=a", b"",
    b"a", b"=", b"X-Amz-SignedHeaders=host", b"maxResults=1", b"%00=1", b"Action", b"x=%zz",
)  # fmt: skip
METHODS = (b"GET", b"POST", b"PUT", b"HEAD", b"DELETE", b"OPTIONS", b"post", b"Get")
PATHS = (b"//", b"/./", b"/%2F", b"/a/..", b"/%2e", b"/;a", b"/index", b"", b"*", b"/ ", b"/\\")


def flip(random: Random, raw: bytes) -> bytes:
    place = random.randrange(len(raw))
    return raw[:place] + bytes([raw[place] ^ 1 << random.randrange(8)]) + raw[place + 1 :]


def put(random: Random, raw: bytes) -> bytes:
    place = random.randrange(len(raw))
    return raw[:place] + bytes([random.choice(SOME_BYTES)]) + raw[place + 1 :]


def insert(random: Random, raw: bytes) -> bytes:
    place = random.randrange(len(raw) + 1)
    return raw[:place] + bytes([random.choice(SOME_BYTES)]) + raw[place:]


def delete(random: Random, raw: bytes) -> bytes:
    place = random.randrange(len(raw))
    return raw[:place] + raw[place + random.choice((1, 1, 1, 2, 8)) :]


def repeat(random: Random, raw: bytes) -> bytes:
    start = random.randrange(len(raw))
    end = start + random.choice((1, 2, 4, 16, 64))
    return raw[:end] + raw[start:end] + raw[end:]


def swap(random: Random, raw: bytes) -> bytes:
    place = random.randrange(len(raw) - 1)
    return raw[:place] + raw[place : place + 2][::-1] + raw[place + 2 :]


def encode(random: Random, raw: bytes) -> bytes:
    """One byte of target or body percent-encoded, or one encoding in another case or undone."""
    encodings = [found.start() for found in re.finditer(rb"%[0-9A-Fa-f]{2}", raw)]
    if encodings and random.random() < 0.5:
        place = random.choice(encodings)
        found = raw[place : place + 3]
        new = random.choice(
            (found.lower(), found.upper(), unquote_to_bytes(found), b"%25" + found[1:], b"+")
        )
        return raw[:place] + new + raw[place + 3 :]
    place = random.randrange(len(raw))
    return raw[:place] + b"%%%02X" % raw[place] + raw[place + 1 :]


def line(random: Random, raw: bytes) -> bytes:
    """One header line in another case or place, with other blanks, twice, folded, or gone."""
    head, _, rest = raw.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    place = random.randrange(1, len(lines))
    name, _, value = lines[place].partition(b": ")
    new: list[bytes] = random.choice([
        [name.upper() + b": " + value], [name.lower() + b": " + value], [name + b":" + value],
        [name + b":  \t" + value + b" \t"], [name + b" : " + value], [b" " + lines[place]],
        [lines[place], lines[place]], [lines[place], name + b": "], [name + b": ", lines[place]],
        [name.replace(b"-", b"_") + b": " + value], [], [name + b": "], [b"X-" + lines[place]],
        [name + b": " + value.upper()], [name + b": " + value.lower()],
        [name + b": " + value.replace(b" ", b"  ")], [name + b": " + value.replace(b"  ", b" ")],
        [name + b": " + value.replace(b" ", b"\t")], [name + b": " + value.replace(b" ", b"")],
        [name + b": " + value.replace(b" ", b"\r\n ", 1)], [name + b': "' + value + b'"'],
        [name + b": " + part for part in value.split(b", ")],
        [lines[place], random.choice(ADDED).encode()],
        [lines[place], random.choice(ADDED).encode()],
    ])  # fmt: skip
    lines[place : place + 1] = new
    if random.random() < 0.1:
        lines[1:] = lines[:0:-1]
    return b"\r\n".join(lines) + b"\r\n\r\n" + rest


def target(random: Random, raw: bytes) -> bytes:
    """Another method or path, another order of the query, one more or one less parameter."""
    first, _, rest = raw.partition(b"\r\n")
    method, where, version = first.split(b" ")
    path, mark, query = where.partition(b"?")
    parts = query.split(b"&")
    match random.randrange(8):
        case 0:
            method = random.choice(METHODS)
        case 1:
            path = random.choice((*PATHS, path + random.choice(PATHS), path.upper()))
        case 2:
            random.shuffle(parts)
        case 3 | 4:
            parts.insert(random.randrange(len(parts) + 1), random.choice(QUERIES))
        case 5:
            parts.append(random.choice(parts))
        case 6:
            parts.pop(random.randrange(len(parts)))
        case _:
            version = random.choice((b"HTTP/1.0", b"HTTP/2", b"HTTP/1.2", b"http/1.1", b""))
    new = b"&".join(parts)
    mark = b"?" if new else random.choice((b"", mark))
    return b" ".join((method, path + mark + new, version)) + b"\r\n" + rest


def authorization(random: Random, raw: bytes) -> bytes:
    """One part of the signature's own statement."""
    old, new = random.choice([
        (b"host;", b""), (b";host", b""), (b";x-amz-date", b""),
        (b"SignedHeaders=", b"SignedHeaders=user-agent;"), (b"/us-east-1", b""),
        (b"host", b"Host"), (b"content-type;", b""), (b"SignedHeaders=", b"SignedHeaders=host;"),
        (b"AWS4-HMAC-SHA256", b"aws4-hmac-sha256"), (b"AWS4-HMAC-SHA256", b"AWS4-HMAC-SHA512"),
        (b"AWS4-HMAC-SHA256 ", b"AWS4-HMAC-SHA256"), (b"AWS4-HMAC-SHA256 ", b"AWS4-HMAC-SHA256  "),
        (b", ", b","), (b", ", b" ,  "), (b", ", b"; "), (b", ", b" "),
        (b"aws4_request", b"aws4_Request"), (b"Signature=", b"signature="),
        (b"us-east-1", b"eu-west-1"), (b"us-east-1", b"US-EAST-1"), (b"/kms/", b"/sts/"),
        (b"/sts/", b"/iam/"), (b"/iam/", b"/sts/"),
        (b"Signature=", b"Signature=0"), (b"Signature=", b"Signature=a, Signature="),
        (b"Credential=", b"Credential=/"), (b"Credential=AKIA", b"Credential=akia"),
        (b"X-Amz-Date", b"x-amz-date"), (b"X-Amz-Expires=3600", b"X-Amz-Expires=3601"),
        (b"X-Amz-Expires=3600", b"X-Amz-Expires=03600"), (b"%2F", b"/"), (b"%2F", b"%2f"),
        (b"%3B", b";"), (b"TrentService", b"trentservice"), (b"Z\r\n", b"\r\n"), (b"Z&", b"&"),
    ])  # fmt: skip
    if random.random() < 0.3:  # the case of the signature's digits
        return re.sub(rb"(Signature=)([0-9a-f]+)", lambda m: m[1] + m[2].upper(), raw)
    return raw.replace(old, new, 1)


def body(random: Random, raw: bytes) -> bytes:
    """A body that a lenient reader would take for the same."""
    head, end, rest = raw.partition(b"\r\n\r\n")
    new = random.choice([
        rest + b" ", b" " + rest, rest + b"\r\n", rest.replace(b":", b": "),
        rest.replace(b'"a"', b'"\\u0061"'),
        rest[::-1], rest + rest, b"", rest.replace(b"+", b"%20"), b"&".join(rest.split(b"&")[::-1]),
        rest + b"&" + random.choice(QUERIES), b"\xef\xbb\xbf" + rest, quote(rest).encode(),
    ])  # fmt: skip
    if random.random() < 0.5:
        head = re.sub(rb"Content-Length: \d+", b"Content-Length: %d" % len(new), head)
    return head + end + new


SINGLE: tuple[Mutation, ...] = (
    flip, flip, put, insert, delete, repeat, swap, encode, line, line, target, authorization, body,
)  # fmt: skip


def several(random: Random, raw: bytes) -> bytes:
    """Two to four at once, as far as the later ones still find what they change."""
    for _ in range(random.choice((2, 2, 3, 4))):
        with suppress(ValueError, IndexError):
            raw = random.choice(SINGLE)(random, raw)
    return raw


MUTATIONS = (*SINGLE, several)


# ── What becomes of them ──────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Proof:
    """Mutates, asks, and judges."""

    local: Local
    random: Random
    outcomes: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)  # by mutation
    wrong: list[str] = field(default_factory=list)
    _heads: HeadReader = field(default_factory=HeadReader)

    def run(self, count: int) -> None:
        """So many mutations, each of a request of a random kind."""
        for number in range(0, count, EACH):
            kind = self.random.choice(KINDS) if number else KINDS[0]
            self.mutate(signed(self.local, kind), min(EACH, count - number))
            self.local.installation.commit()

    def mutate(self, raw: bytes, count: int) -> None:
        said, told = meaning(raw), self.ask(raw)
        assert told is not None, "the request itself is refused"
        for _ in range(count):
            mutation = self.random.choice(MUTATIONS)
            changed = mutation(self.random, raw)
            event = self.ask(changed)
            if event is None:
                continue
            self.outcomes["accepted"] += 1
            self.accepted[mutation.__name__] += changed != raw
            says, tells = meaning(changed), said
            if event.error_code == told.error_code:  # else: known, and refused unread
                says, tells = says + _asked(event), tells + _asked(told)
            different = [pair for pair in zip(says, tells, strict=True) if pair[0] != pair[1]]
            if different:
                self.wrong.append(f"{mutation.__name__}: {different}\n{changed!r}")

    def ask(self, raw: bytes) -> Event | None:
        """The event of a request that was accepted as the administrator's."""
        head, end, rest = raw.partition(b"\r\n\r\n")
        try:
            read = (self._heads.read if self.random.random() < 0.5 else read_head)(head)
        except BadFraming:
            self.outcomes["refused by framing"] += 1
            return None
        if not end or len(rest) < read.length:
            self.outcomes["waited for"] += 1
            return None
        request = HttpRequest(
            read.method, read.path, read.query, read.headers, rest[: read.length],
            "127.0.0.1", False, Endpoint(),
        )  # fmt: skip
        self.local.events.clear()
        answer = self.local.installation.pipeline.answer(request)
        if answer.response.status >= 500:
            self.wrong.append(f"{answer.response.status}:\n{raw!r}")
        known = [event for event in self.local.events if event.principal is not None]
        if not known:
            self.outcomes["refused"] += 1
            return None
        return known[0]


def _asked(event: Event) -> tuple[Any, ...]:
    """What the server understood."""
    return event.source, event.name, event.region, event.access_key_id, event.request_parameters
