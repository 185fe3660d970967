"""The request of a caller, as a service received it."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

_SIGNED_HEADERS = re.compile(r"SignedHeaders=([^,\s]+)")
LONGEST_BODY = 131_072  # bytes; of a longer body the hash is sent


@dataclass(frozen=True, slots=True)
class CallerRequest:
    """One request, exactly as it was received: nothing decoded, nothing left out.

    Give either the body, or the SHA-256 of a body that was received in pieces.
    """

    method: str
    path: str  # percent-encoding untouched, without the query
    query: str  # without "?"
    headers: Mapping[str, str]
    body: bytes = b""
    body_sha256: str = ""  # lower-case hexadecimal digits

    def members(self) -> dict[str, object]:
        """The members of `Request` in ForwardAccess."""
        members: dict[str, object] = {
            "Method": self.method,
            "Path": self.path,
            "QueryString": self.query,
            "Headers": dict(self.headers),
        }
        if self.body_sha256 or len(self.body) > LONGEST_BODY:
            members["BodySha256"] = self.body_sha256 or hashlib.sha256(self.body).hexdigest()
        else:
            members["Body"] = base64.b64encode(self.body).decode()
        return members

    def signed_part(self) -> bytes:
        """A hash of all that the signature is over, and of the signature itself."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        signed = _SIGNED_HEADERS.search(headers.get("authorization", ""))
        names = ["authorization", *(signed[1].split(";") if signed else headers)]
        body = self.body_sha256 or hashlib.sha256(self.body).hexdigest()
        parts = [self.method, self.path, self.query, body, *(headers.get(n, "") for n in names)]
        return hashlib.sha256(json.dumps(parts).encode()).digest()
