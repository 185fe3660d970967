"""The requests of the load: shaped as boto3 shapes them, signed by botocore's own signer.

They are signed anew for each run, because a signature is good for five minutes. Each is different,
so that nothing can be answered from memory.
"""

import base64
import json
import os
from collections.abc import Iterator
from urllib.parse import urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bench.servers import REGION, Server

COUNT = 512
OPERATIONS = ("Encrypt", "Decrypt", "GenerateDataKey", "GetCallerIdentity")
USER_AGENT = "Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux md/arch#x86_64 lang/python#3.11"
CONTEXT = {"app": "bench", "purpose": "measuring"}

POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Use",
                "Effect": "Allow",
                "Action": ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey"],
                "Resource": "*",
                "Condition": {"StringEquals": {"kms:EncryptionContext:app": "bench"}},
            },
            {"Sid": "Look", "Effect": "Allow", "Action": "kms:DescribeKey", "Resource": "*"},
            {
                "Sid": "NeverHere",
                "Effect": "Deny",
                "Action": "kms:*",
                "Resource": "*",
                "Condition": {"StringNotEquals": {"aws:RequestedRegion": [REGION]}},
            },
        ],
    }
)
# moto refuses condition operators that it does not know; its user gets a plain permission, which
# is less work for it.
PLAIN_POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}],
    }
)


def bodies(server: Server, operation: str) -> Iterator[bytes]:
    """The bodies of a run."""
    if operation == "GetCallerIdentity":
        for _ in range(COUNT):
            yield b"Action=GetCallerIdentity&Version=2011-06-15"
        return
    kms = server.client("kms", server.access_key_id, server.secret)
    sealed = [
        kms.encrypt(KeyId=server.key_id, Plaintext=os.urandom(32), EncryptionContext=CONTEXT)[
            "CiphertextBlob"
        ]
        for _ in range(16 if operation == "Decrypt" else 0)
    ]
    for i in range(COUNT):
        members: dict[str, object] = {"EncryptionContext": {**CONTEXT}}
        if operation == "Decrypt":
            members["CiphertextBlob"] = base64.b64encode(sealed[i % len(sealed)]).decode()
        else:
            members["KeyId"] = server.key_id
        if operation == "Encrypt":
            members["Plaintext"] = base64.b64encode(os.urandom(32)).decode()
        if operation == "GenerateDataKey":
            members["KeySpec"] = "AES_256"
        yield json.dumps(members).encode()


def requests(server: Server, operation: str) -> bytes:
    """Signed requests, as wrk sends them, separated by NUL."""
    service = "sts" if operation == "GetCallerIdentity" else "kms"
    signer = SigV4Auth(Credentials(server.access_key_id, server.secret), service, REGION)
    return b"\0".join(
        _signed(signer, server, operation, body) for body in bodies(server, operation)
    )


def encrypts(server: Server, users: list[tuple[str, str]], keys: list[str]) -> bytes:
    """Encrypts with every key, by one user after the other."""
    signers = [SigV4Auth(Credentials(*user), "kms", REGION) for user in users]
    return b"\0".join(
        _signed(signers[number % len(signers)], server, "Encrypt", _encrypt(key))
        for number, key in enumerate(keys)
    )


def _encrypt(key: str) -> bytes:
    text = base64.b64encode(os.urandom(32)).decode()
    return json.dumps({"KeyId": key, "EncryptionContext": CONTEXT, "Plaintext": text}).encode()


def form(members: dict[str, str]) -> bytes:
    """The body of a request to IAM."""
    return urlencode(members).encode()


def signed(
    server: Server, who: tuple[str, str], service: str, operation: str, body: bytes
) -> bytes:
    """One request, as it is sent."""
    return _signed(SigV4Auth(Credentials(*who), service, REGION), server, operation, body)


def _signed(signer: SigV4Auth, server: Server, operation: str, body: bytes) -> bytes:
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    if not body.startswith(b"Action="):
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"TrentService.{operation}",
        }
    request = AWSRequest("POST", f"{server.endpoint}/", data=body, headers=headers)
    signer.add_auth(request)
    sent = {
        "Host": f"127.0.0.1:{server.port}",
        **dict(request.headers.items()),
        "User-Agent": USER_AGENT,
        "Accept-Encoding": "identity",
        "amz-sdk-invocation-id": "6f1c51d4-5c0e-4b8e-9a6f-0f3f5a1d2c3b",
        "amz-sdk-request": "attempt=1",
        "Content-Length": str(len(body)),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    return f"POST / HTTP/1.1\r\n{lines}\r\n".encode() + body


def signed_request(access_key_id: str, secret: str, operation: str, body: bytes) -> dict[str, str]:
    """The headers of one request to KMS, for a server without sockets."""
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"TrentService.{operation}",
        "Host": "127.0.0.1",
    }
    request = AWSRequest("POST", "http://127.0.0.1/", data=body, headers=headers)
    SigV4Auth(Credentials(access_key_id, secret), "kms", "us-east-1").add_auth(request)
    received = {name.lower(): str(value) for name, value in request.headers.items()}
    return {"host": "127.0.0.1", "user-agent": USER_AGENT, **received}
