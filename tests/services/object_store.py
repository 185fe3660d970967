"""A small object store that encrypts through Keystead: its server calls KMS, its clients do not.

It speaks the part of S3 that put, get and delete need, with SSE-KMS, and rests on the library of
services alone. Data keys are the caller's to ask for, by a forwarded request; but under the store's
own key the store asks in its own name, for the bucket. It is for tests: there is no such server in
the package registries that we looked through.
"""

import base64
import hashlib
import json
import secrets
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keystead_service import CallerRequest, ForwardedAccess, Refused, ServiceClient

SSE = "x-amz-server-side-encryption"
KEY_ID = f"{SSE}-aws-kms-key-id"
DEFAULT_KEY = "alias/aws/s3"
STATUS = {"AccessDenied": 403, "NoSuchKey": 404, "SlowDown": 503, "InvalidRequest": 400}


class S3Error(Exception):
    """An error as S3 tells it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class ObjectStore:
    """Objects in a directory, each sealed with a data key of its own."""

    directory: Path
    account: str  # that owns every bucket
    own_key: str = ""  # the store's own
    client: ServiceClient | None = None
    server: ThreadingHTTPServer = field(init=False)

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server.server_address[1]}"

    def start(self) -> None:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    # what is asked

    def caller(self, request: CallerRequest) -> ForwardedAccess:
        """Who asks; only the account of the buckets may."""
        assert self.client is not None
        try:
            access = self.client.forward(request, again=request.method == "GET")
        except Refused as refused:
            again = refused.code in ("AlreadyForwardedException", "ThrottlingException")
            raise S3Error("SlowDown" if again else "AccessDenied", refused.message) from None
        if access.caller_account != self.account:
            raise S3Error("AccessDenied", "Access Denied")
        return access

    def put(self, request: CallerRequest) -> dict[str, str]:
        """Seal an object under a new data key."""
        access, headers = self.caller(request), request.headers
        if headers.get(SSE) != "aws:kms":
            raise S3Error("InvalidRequest", "every object is encrypted with aws:kms")
        key_id = headers.get(KEY_ID, DEFAULT_KEY)
        made = self._kms(
            "GenerateDataKey", access, key_id, request.path,
            {"KeyId": key_id, "KeySpec": "AES_256"},
        )  # fmt: skip
        nonce = secrets.token_bytes(12)
        sealed = AESGCM(base64.b64decode(made["Plaintext"])).encrypt(nonce, request.body, None)
        kept = {
            "key": made["KeyId"],
            "by": key_id,
            "wrapped": made["CiphertextBlob"],
            "data": base64.b64encode(nonce + sealed).decode(),
        }
        self._file(request.path).write_text(json.dumps(kept), encoding="utf-8")
        return {SSE: "aws:kms", KEY_ID: made["KeyId"]}

    def get(self, request: CallerRequest) -> tuple[dict[str, str], bytes]:
        """Open an object."""
        access, kept = self.caller(request), self._kept(request.path)
        opened = self._kms(
            "Decrypt", access, kept["by"], request.path,
            {"KeyId": kept["key"], "CiphertextBlob": kept["wrapped"]},
        )  # fmt: skip
        data = base64.b64decode(kept["data"])
        try:
            plain = AESGCM(base64.b64decode(opened["Plaintext"])).decrypt(
                data[:12], data[12:], None
            )
        except InvalidTag:
            raise S3Error("InvalidRequest", "the object is damaged") from None
        return {SSE: "aws:kms", KEY_ID: kept["key"]}, plain

    def delete(self, request: CallerRequest) -> None:
        self.caller(request)
        self._file(request.path).unlink(missing_ok=True)

    def _kms(
        self, operation: str, access: ForwardedAccess, key_id: str, path: str, members: Any
    ) -> dict[str, Any]:
        """For the caller; under the store's own key in the store's name, for the bucket."""
        assert self.client is not None
        bucket = path.split("/")[1]
        context = {"EncryptionContext": {"aws:s3:arn": f"arn:aws:s3:::{path[1:]}"}}
        try:
            if key_id == self.own_key:
                return self.client.kms(
                    operation, {**members, **context}, source_arn=f"arn:aws:s3:::{bucket}",
                    source_account=self.account,
                )  # fmt: skip
            return self.client.kms(operation, {**members, **context}, access=access)
        except Refused as refused:
            raise S3Error("AccessDenied", refused.message) from None

    # where it is kept

    def _file(self, path: str) -> Path:
        return self.directory / hashlib.sha256(path.encode()).hexdigest()

    def _kept(self, path: str) -> dict[str, str]:
        try:
            kept: dict[str, str] = json.loads(self._file(path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise S3Error("NoSuchKey", "The specified key does not exist.") from None
        return kept


def _handler(store: ObjectStore) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

        def _request(self) -> CallerRequest:
            path, _, query = self.path.partition("?")
            length = int(self.headers.get("content-length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            return CallerRequest(self.command, path, query, headers, self.rfile.read(length))

        def _answer(self) -> None:
            request = self._request()
            headers: dict[str, str] = {}
            status, body = 200, b""
            try:
                if self.command == "PUT":
                    headers = store.put(request)
                elif self.command == "GET":
                    headers, body = store.get(request)
                else:
                    store.delete(request)
                    status = 204
            except S3Error as error:
                status = STATUS[error.code]
                body = (
                    f"<Error><Code>{error.code}</Code><Message>{escape(str(error))}</Message>"
                    "</Error>"
                ).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_PUT = do_GET = do_DELETE = _answer  # noqa: N815  # names of http.server

    return Handler
