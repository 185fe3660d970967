"""Every way in which a call can end: what is sent, what is answered, and what is broken meanwhile.

A new way to refuse a request belongs here.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import msgspec
from botocore.credentials import Credentials
from cryptography.hazmat.primitives.asymmetric import rsa

from keystead import registry
from keystead.custody import wrapping
from keystead.custody.rows.rows import RowIntegrityError
from keystead.registry import Implementation
from keystead.store.protocol import StoreCorrupt, StoreUnavailable
from keystead.wire.http import HttpRequest
from tests.importing import FOR_EVER, prepared
from tests.kms.importer import Client as Importer
from tests.memory.served import Served
from tests.server.installations import Local

JSON = "application/x-amz-json-1.1"
FORM = "application/x-www-form-urlencoded"
SMALL, LARGE = 0, 40_000  # bytes that a body is longer than it needs to be

Meanwhile = Callable[[Served], AbstractContextManager[object]]


def nothing(_: Served) -> AbstractContextManager[object]:
    """All is as it should be."""
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Way:
    """One way in which a call ends."""

    sent: bytes
    status: int  # 0: no answer comes
    closes: bool = False  # is the connection closed after it, by whomever?
    together: int = 20  # requests that are sent before the first answer is read
    meanwhile: Meanwhile = nothing


def raw(request: HttpRequest, **headers: str) -> bytes:
    """The bytes of a request, some of its headers changed after it was signed."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    every = {**request.headers, "content-length": str(len(request.body)), **named}
    lines = "".join(f"{name}: {value}\r\n" for name, value in every.items() if value)
    target = request.path + (f"?{request.query}" if request.query else "")
    return f"{request.method} {target} HTTP/1.1\r\n{lines}\r\n".encode() + request.body


@dataclass(frozen=True, slots=True)
class Caller:
    """Who signs, and how much longer the body is than it needs to be."""

    local: Local
    longer: int

    def json(self, operation: str, body: bytes, target: str = "TrentService") -> HttpRequest:
        return self.local.request(
            "kms", body + b" " * self.longer, Content_Type=JSON,
            X_Amz_Target=f"{target}.{operation}",
        )  # fmt: skip

    def kms(self, operation: str, **members: Any) -> HttpRequest:
        return self.json(operation, msgspec.json.encode(members))

    def form(self, service: str, body: str, **headers: str) -> HttpRequest:
        longer = f"{body}&Padding={'x' * self.longer}" if self.longer else body
        return self.local.request(service, longer.encode(), **{"Content_Type": FORM, **headers})

    def iam(self, action: str, more: str = "") -> HttpRequest:
        return self.form("iam", f"Action={action}&Version=2010-05-08{more}")

    def sts(self, action: str, more: str = "") -> HttpRequest:
        return self.form("sts", f"Action={action}&Version=2011-06-15{more}")


def in_place_of(operation: str, error: Callable[[], Exception]) -> Meanwhile:
    """A KMS operation does its work, and then raises this."""
    found = registry.implementation("kms", operation)
    assert found is not None

    def fails(call: Any, request: Any) -> Any:
        found.function(call, request)
        raise error()

    @contextmanager
    def meanwhile(_: Served) -> Iterator[None]:
        other = Implementation(found.operation, fails)
        with (
            patch.dict(registry._implementations, {("kms", operation): other}),
            patch("keystead.server.pipeline.routing._JSON", {}),
        ):
            yield

    return meanwhile


@contextmanager
def late(served: Served) -> Iterator[None]:
    """The clock is minutes behind what was recorded."""
    served.local.time.ahead -= timedelta(minutes=6)
    yield
    served.local.time.ahead += timedelta(minutes=6)


@contextmanager
def full(served: Served) -> Iterator[None]:
    """Nothing can be made durable."""
    commit = served.commit

    def fails() -> None:
        served.local.installation.trail.abandon()
        raise StoreUnavailable("the disk is full")

    served.commit = fails
    yield
    served.commit = commit


def stranger(local: Local) -> Local:
    """Who signs with a key that nobody has."""
    key = replace(local.founded.access_key, access_key_id="AKIAAAAAAAAAAAAAAAAA")
    return Local(local.installation, replace(local.founded, access_key=key), local.time)


def permitted_nothing(local: Local) -> Local:
    """A user who may nothing."""
    name = f"nobody-{local.installation.store.state}"
    assert local.iam("CreateUser", UserName=name).status == 200
    body = local.iam("CreateAccessKey", UserName=name).body.decode()
    key = replace(
        local.founded.access_key,
        access_key_id=body.split("<AccessKeyId>")[1].split("<")[0],
        secret=body.split("<SecretAccessKey>")[1].split("<")[0],
    )
    return Local(local.installation, replace(local.founded, access_key=key), local.time)


def session(local: Local) -> Credentials:
    """Temporary credentials of the administrator's."""
    body = local.sts("GetSessionToken").body.decode()
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    return Credentials(*(body.split(f"<{name}>")[1].split("<")[0] for name in names))


def served_calls(by: Caller, key_id: str, signing: str) -> Mapping[str, Way]:
    """Calls that succeed, over each protocol, that read and that change something.

    `signing` is the ARN of a key that signs.
    """
    text, root = "aGVsbG8=", f"arn:aws:iam::{signing.split(':')[4]}:root"
    grant = {"KeyId": key_id, "GranteePrincipal": root, **GRANT}
    return {
        "encrypt": Way(raw(by.kms("Encrypt", KeyId=key_id, Plaintext=text)), 200),
        "data key": Way(raw(by.kms("GenerateDataKey", KeyId=key_id, KeySpec="AES_256")), 200),
        "data key pair": Way(
            raw(by.kms("GenerateDataKeyPair", KeyId=key_id, KeyPairSpec="ML_KEM_768")),
            200,
        ),
        "signature": Way(raw(by.kms("Sign", KeyId=signing, Message=text, **ECDSA)), 200),
        "read by the strict reader": Way(raw(by.kms("ListKeys", Unknown=1)), 200),
        "a change": Way(raw(by.kms("UpdateKeyDescription", KeyId=key_id, Description="a")), 200),
        "a grant by its name": Way(raw(by.kms("CreateGrant", **grant)), 200),
        "a query": Way(raw(by.iam("ListUsers")), 200),
        "a change by a query": Way(raw(by.iam("TagUser", TAG)), 200),
        "who am I": Way(raw(by.sts("GetCallerIdentity")), 200),
        "one at a time": Way(raw(by.kms("ListKeys")), 200, together=1),
        "a session is issued": Way(raw(by.sts("GetSessionToken")), 200),
        "a federated user is": Way(raw(by.sts("GetFederationToken", "&Name=jim")), 200),
    }


ECDSA = {"SigningAlgorithm": "ECDSA_SHA_256"}
GRANT = {"Operations": ["Encrypt"], "Name": "kept"}
TAG = "&UserName=admin&Tags.member.1.Key=a&Tags.member.1.Value=b"


def forged(local: Local) -> Credentials:
    """The credentials of a session, with a token that was changed."""
    who = session(local)
    return Credentials(who.access_key, who.secret_key, f"{who.token[:-8]}AAAAAAAA")


def strangers(by: Caller) -> Mapping[str, Way]:
    """Requests of nobody whom we know."""
    listing, users = by.kms("ListKeys"), by.iam("ListUsers")
    signature = listing.headers["authorization"]
    unknown = replace(by, local=stranger(by.local))
    unsigned = raw(listing, authorization="")
    return {
        "unsigned": Way(unsigned, 400),
        "unsigned query": Way(raw(users, authorization=""), 403),
        "unsigned, one at a time": Way(unsigned, 400, together=1),
        "unsigned for nobody": Way(raw(listing, authorization="", x_amz_target="A.B"), 400),
        "wrong signature": Way(raw(listing, authorization=f"{signature[:-64]}{'0' * 64}"), 400),
        "wrong signature of a query": Way(raw(users, user_agent="x", x_amz_date=OLD), 403),
        "unknown key": Way(raw(unknown.kms("ListKeys")), 400),
        "unknown key in a query": Way(raw(unknown.iam("ListUsers")), 403),
        "malformed authorization": Way(raw(listing, authorization="AWS4-HMAC-SHA256 what"), 400),
        "no date": Way(raw(listing, x_amz_date=""), 400),
        "no AWS scheme": Way(raw(listing, authorization="Basic eA=="), 400),
        "a token with a key that has none": Way(raw(listing, x_amz_security_token="x"), 400),
        "another scope": Way(
            raw(listing, authorization=signature.replace("us-east-1", "eu-west-9")), 400
        ),
        "another service": Way(raw(by.form("sts", "Action=ListUsers&Version=2010-05-08")), 403),
        "no protocol": Way(raw(by.form("iam", "x", Content_Type="text/plain")), 400),
        "no path": Way(b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        "no path, by POST": Way(raw(msgspec.structs.replace(users, path="/x")), 403),
    }


OLD = "20200101T000000Z"
NO_ROLE = "&RoleArn=arn:aws:iam::111122223333:role/none&RoleSessionName=me"


def refused_by_the_service(by: Caller, nobody: Caller, key_id: str) -> Mapping[str, Way]:
    """Requests of a caller whom we know, refused before, in, and by an operation."""
    other = "00000000-0000-4000-8000-000000000000"
    key = "&UserName=admin&Tags.member.1.Key=a"
    return {
        "unknown operation": Way(raw(by.kms("NoSuchThing")), 400),
        "unknown action": Way(raw(by.iam("NoSuchThing")), 400),
        "unknown version": Way(raw(by.form("iam", "Action=ListUsers&Version=2099-01-01")), 400),
        "no action": Way(raw(by.form("iam", "Version=2010-05-08")), 400),
        "a form that is none": Way(raw(by.iam("ListUsers", "&x=%zz")), 400),
        "a parameter twice": Way(raw(by.iam("ListUsers", "&a=1&A=2")), 400),
        "no JSON": Way(raw(by.json("ListKeys", b"{")), 400),
        "a grant token of nobody": Way(raw(by.kms("RetireGrant", GrantToken="abc")), 400),
        "a wrong type": Way(raw(by.kms("ListKeys", Limit="x")), 400),
        "no base64": Way(raw(by.kms("Encrypt", KeyId=key_id, Plaintext="a")), 400),
        "against the model": Way(raw(by.kms("ListKeys", Limit=0)), 400),
        "against the model, in a query": Way(raw(by.iam("TagUser", key)), 400),
        "a marker of nobody": Way(raw(by.kms("ListKeys", Marker="abc")), 400),
        "denied": Way(raw(nobody.kms("Encrypt", KeyId=key_id, Plaintext="YQ==")), 400),
        "denied a change": Way(raw(nobody.kms("CreateKey")), 400),
        "denied a query": Way(raw(nobody.iam("ListUsers")), 403),
        "no such key": Way(raw(by.kms("DescribeKey", KeyId=other)), 400),
        "no ciphertext": Way(raw(by.kms("Decrypt", CiphertextBlob="YWFhYQ==")), 400),
        "no such user": Way(raw(by.iam("GetUser", "&UserName=nobody")), 404),
        "no change": Way(raw(by.iam("CreateUser", "&UserName=admin")), 409),
        "no role": Way(raw(by.sts("AssumeRole", NO_ROLE)), 403),
        "no policy": Way(raw(by.kms("PutKeyPolicy", KeyId=key_id, Policy="{}")), 400),
    }


def temporary(local: Local) -> Mapping[str, Way]:
    """Requests with the token of a session, of a true one and of a changed one."""
    who = session(local)
    return {
        "a session": Way(raw(local.kms_request("ListKeys", who)), 200),
        "a session for a session": Way(raw(local.sts_request("GetSessionToken", who)), 403),
        "a token of nobody": Way(raw(local.kms_request("ListKeys", forged(local))), 400),
    }


@contextmanager
def one_wrapping_key(_: Served) -> Iterator[None]:
    """To make a key of RSA takes far longer than all else of its call: it is made once."""
    made = rsa.generate_private_key(65537, 2048)
    with patch.object(wrapping, "generate_private_key", lambda *_: made):
        yield


def imports(by: Caller) -> Mapping[str, Way]:
    """Imports of key material: what asks for one, the import, and each form that is refused."""
    importer = Importer(by.local, by.local.admin)
    key = importer.key()
    given = {**prepared(importer, key, bytes(32)), **FOR_EVER}
    importer.import_key_material(**given)
    sent = {**given, "ImportToken": _text(given["ImportToken"]),
            "EncryptedKeyMaterial": _text(given["EncryptedKeyMaterial"])}  # fmt: skip
    asked = {"KeyId": key, "WrappingKeySpec": "RSA_2048", "WrappingAlgorithm": OAEP}

    def way(status: int, **members: Any) -> Way:
        return Way(raw(by.kms("ImportKeyMaterial", **{**sent, **members})), status)

    return {
        "parameters for an import": Way(
            raw(by.kms("GetParametersForImport", **asked)), 200,
            meanwhile=one_wrapping_key,
        ),
        "an import": way(200),
        "an import that is not unwrapped": way(400, EncryptedKeyMaterial=_text(bytes(256))),
        "an import with a token of nobody": Way(
            raw(by.kms("ImportKeyMaterial", **{**sent, "ImportToken": "YQ=="})), 400
        ),
        "an import of other material": way(400, ImportType="NEW_KEY_MATERIAL"),
        "a deletion of no material": Way(
            raw(by.kms("DeleteImportedKeyMaterial", KeyId=importer.key())), 200
        ),
    }  # fmt: skip


OAEP = "RSAES_OAEP_SHA_256"


def _text(data: bytes) -> str:
    return b64encode(data).decode()


def failures(by: Caller, key_id: str) -> Mapping[str, Way]:
    """Requests that fail for a reason that is ours."""
    listing = raw(by.kms("ListKeys"))
    change = raw(by.kms("UpdateKeyDescription", KeyId=key_id, Description="b"))

    def fails(error: Callable[[], Exception], operation: str = "ListKeys") -> Meanwhile:
        return in_place_of(operation, error)

    return {
        "our bug": Way(listing, 500, meanwhile=fails(lambda: RuntimeError("ours"))),
        "our bug in a change": Way(
            change, 500, meanwhile=fails(lambda: RuntimeError("ours"), "UpdateKeyDescription")
        ),
        "a foreign row": Way(listing, 500, meanwhile=fails(lambda: RowIntegrityError("t", ("k",)))),
        "no store": Way(listing, 503, meanwhile=fails(lambda: StoreUnavailable("full"))),
        "a corrupt store": Way(listing, 503, meanwhile=fails(lambda: StoreCorrupt("a page"))),
        "a clock that is behind": Way(raw(by.kms("ListKeys")), 503, meanwhile=late),
        "no commit": Way(listing, 503, meanwhile=full),
        "no commit of a change": Way(change, 503, meanwhile=full),
        "no commit of a refusal": Way(raw(by.kms("NoSuchThing")), 503, meanwhile=full),
    }


def never_requests(by: Caller) -> Mapping[str, Way]:
    """What the door refuses, or what goes away before it is answered."""
    post = raw(by.kms("ListKeys"), authorization="")
    padding = b"x" * min(by.longer, 60_000)
    start = b"GET / HTTP/1.1\r\nHost: a\r\n"
    return {
        "no request line": Way(b"what " + padding + b"\r\n\r\n", 400, closes=True),
        "two lengths": Way(
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
            + padding, 400, closes=True,
        ),
        "no host": Way(b"GET / HTTP/1.1\r\nX: " + padding + b"\r\n\r\n", 400, closes=True),
        "a control character": Way(start + b"X: \0\r\n\r\n", 400, closes=True),
        "a head without end": Way(b"x" * 80_000, 400, closes=True),
        "a body too long": Way(start.replace(b"GET", b"POST") + TOO_LONG, 413, closes=True),
        "a body too long for JSON": Way(
            start.replace(b"GET", b"POST") + b"X-Amz-Target: TrentService.Encrypt\r\n" + TOO_LONG,
            413, closes=True,
        ),
        "a HEAD": Way(start.replace(b"GET /", b"HEAD /healthz") + b"\r\n", 0, closes=True),
        "a promise of a body": Way(
            start.replace(b"GET", b"POST") + b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n",
            100, closes=True,
        ),
        "a last request": Way(start + b"Connection: close\r\n\r\n", 400, closes=True),
        "half a request": Way(post[: len(post) - 1], 0, closes=True),
        "an answer that nobody reads": Way(post, 0, closes=True),
        "a page": Way(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    }  # fmt: skip


TOO_LONG = b"Content-Length: 999999\r\n\r\n"


SIGNS = {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}


def from_outside(by: Caller, nobody: Caller, key_id: str, signing: str) -> dict[str, Way]:
    """Every way that needs nothing but a client; `nobody` may do nothing."""
    return {
        **served_calls(by, key_id, signing),
        **strangers(by),
        **refused_by_the_service(by, nobody, key_id),
        **never_requests(by),
    }


def ways(local: Local, longer: int) -> dict[str, Way]:
    """Every way, with bodies that are so much longer than they need to be."""
    from tests.memory.proofs import proofs  # noqa: PLC0415  # it rests on this module
    from tests.memory.services import others, with_certificates  # noqa: PLC0415  # as above

    by = Caller(local, longer)
    nobody = Caller(permitted_nothing(local), longer)
    key_id = str(local.kms("CreateKey").json["KeyMetadata"]["KeyId"])
    signing = str(local.kms("CreateKey", **SIGNS).json["KeyMetadata"]["Arn"])
    return {**from_outside(by, nobody, key_id, signing), **temporary(local), **imports(by),
            **proofs(local, longer), **failures(by, key_id), **others(by),
            **({} if longer else with_certificates(local))}  # fmt: skip
