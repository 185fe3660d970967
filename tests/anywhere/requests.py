"""Requests for sessions, byte by byte, as aws_signing_helper makes them; nothing of ours signs."""

import base64
import hashlib
import http.client
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from tests.anywhere.authorities import Issued, now
from tests.conftest import REGION, Server
from tests.patience import PATIENCE
from tests.raw import Answer

RSA, ECDSA = "AWS4-X509-RSA-SHA256", "AWS4-X509-ECDSA-SHA256"


@dataclass(frozen=True, slots=True)
class Sent:
    """A signed request, before it is sent."""

    host: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    def but(self, **changed: Any) -> "Sent":
        """The same with other parts, and the old signature."""
        return replace(self, **changed)

    def with_header(self, name: str, value: str) -> "Sent":
        return replace(self, headers={**self.headers, name: value})


@dataclass(frozen=True, slots=True)
class Asking:
    """Somebody who asks for sessions with a certificate."""

    server: Server
    anchor: str
    profile: str
    role: str
    bearer: Issued
    chain: Sequence[Issued] = ()
    members: Mapping[str, Any] = field(default_factory=dict)  # of the body
    in_query: bool = True  # the three ARNs, as the helper has them

    def but(self, **changed: Any) -> "Asking":
        return replace(self, **changed)

    def signed(
        self, *, moment: datetime | None = None, algorithm: str = "", serial: int = 0,
        region: str = REGION, service: str = "rolesanywhere", leaf: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Sent:  # fmt: skip
        """The request, with what a test wants wrong about it."""
        arns = {"profileArn": self.profile, "roleArn": self.role, "trustAnchorArn": self.anchor}
        query = "&".join(f"{name}={quote(arns[name], safe='-_.~')}" for name in sorted(arns))
        given = dict(self.members) if self.in_query else {**arns, **self.members}
        body, host = json.dumps(given).encode(), f"127.0.0.1:{self.server.port}"
        query = query if self.in_query else ""
        stamp = (moment or now()).strftime("%Y%m%dT%H%M%SZ")
        every = {
            "content-type": "application/json",
            "host": host,
            "amz-sdk-invocation-id": str(uuid4()),  # as SDKs send it
            "x-amz-date": stamp,
            "x-amz-x509": base64.b64encode(self.bearer.der if leaf is None else leaf).decode(),
            **(headers or {}),
        }
        if self.chain:
            der = [base64.b64encode(each.der).decode() for each in self.chain]
            every["x-amz-x509-chain"] = ",".join(der)
        key = self.bearer.key
        name = algorithm or (RSA if isinstance(key, RSAPrivateKey) else ECDSA)
        names = sorted(every)
        lines = "".join(f"{each}:{every[each]}\n" for each in names)
        hashed = hashlib.sha256(body).hexdigest()
        canonical = f"POST\n/sessions\n{query}\n{lines}\n{';'.join(names)}\n{hashed}"
        scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"{name}\n{stamp}\n{scope}\n{digest}".encode()
        if isinstance(key, RSAPrivateKey):
            signature = key.sign(text, padding.PKCS1v15(), hashes.SHA256())
        else:
            signature = key.sign(text, ec.ECDSA(hashes.SHA256()))
        number = serial or self.bearer.certificate.serial_number
        every["authorization"] = (
            f"{name} Credential={number}/{scope}, SignedHeaders={';'.join(names)},"
            f" Signature={signature.hex()}"
        )
        return Sent(host, query, every, body)

    def send(self, sent: Sent) -> Answer:
        connection = http.client.HTTPConnection(sent.host, timeout=PATIENCE)
        try:
            path = f"/sessions?{sent.query}" if sent.query else "/sessions"
            connection.request("POST", path, sent.body, dict(sent.headers))
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, headers, answer.read())
        finally:
            connection.close()

    def ask(self, **wrong: Any) -> Answer:
        return self.send(self.signed(**wrong))

    def session(self, **wrong: Any) -> dict[str, Any]:
        """The only set of credentials in the answer to a right request."""
        answer = self.ask(**wrong)
        assert answer.status == 201, answer
        [only] = json.loads(answer.body)["credentialSet"]
        found: dict[str, Any] = only
        return found
