"""A reader of S3 over a directory: as much as `aws cloudtrail validate-logs` asks of a bucket.

The objects are the files under `AWSLogs`. What S3 keeps as their metadata is in files under
`metadata`, as an export writes it.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


class _Handler(BaseHTTPRequestHandler):
    directory: Path

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        asked = parse_qs(url.query, keep_blank_values=True)
        key = unquote(url.path).lstrip("/").partition("/")[2]
        if key:
            self._object(key)
        elif "location" in asked:
            self._answer(200, f'<LocationConstraint xmlns="{_NAMESPACE}"/>'.encode())
        else:
            self._list(asked.get("prefix", [""])[0], asked.get("marker", [""])[0])

    def _list(self, prefix: str, marker: str) -> None:
        names = sorted(
            path.relative_to(self.directory).as_posix()
            for path in (self.directory / "AWSLogs").rglob("*.json.gz")
        )
        listed = [name for name in names if name.startswith(prefix) and name > marker]
        contents = "".join(f"<Contents><Key>{escape(name)}</Key></Contents>" for name in listed)
        text = f'<ListBucketResult xmlns="{_NAMESPACE}"><IsTruncated>false</IsTruncated>{contents}'
        self._answer(200, f"{text}</ListBucketResult>".encode())

    def _object(self, key: str) -> None:
        path = self.directory / key
        if not path.is_file():
            self._answer(404, b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>")
            return
        beside = self.directory / "metadata" / f"{key}.json"
        kept = json.loads(beside.read_bytes()) if beside.exists() else {}
        self._answer(200, path.read_bytes(), {f"x-amz-meta-{n}": text for n, text in kept.items()})

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def bucket(directory: Path) -> Iterator[str]:
    """The address of a reader over this directory, whatever the bucket's name."""
    handler = type("Handler", (_Handler,), {"directory": directory})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
