"""Calls in every other service's form of request, and of strangers with a certificate or a key."""

import base64
import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlencode

from keystead.wire.http import Endpoint, HttpRequest
from tests.anywhere import authorities
from tests.anywhere.authorities import Issued
from tests.anywhere.requests import Asking
from tests.anywhere.sites import SERVICE
from tests.conftest import Server, policy
from tests.memory.ways import FORM, Caller, Way, raw
from tests.raw import TARGETS, VERSIONS
from tests.server.installations import REGION, Local

NOBODYS = "00000000-0000-4000-8000-000000000000"


def others(by: Caller) -> Mapping[str, Way]:
    """A success and a refusal in each form."""
    local, blanks = by.local, b" " * by.longer

    def aws_json(service: str, operation: str, **members: Any) -> bytes:
        target = f"{TARGETS[service]}.{operation}"
        body = json.dumps(members).encode() + blanks
        kind = {"Content_Type": "application/x-amz-json-1.1", "X_Amz_Target": target}
        return raw(local.request(service, body, **kind))

    def ec2(action: str, **members: str) -> bytes:
        form = urlencode({"Action": action, "Version": VERSIONS["ec2"], **members})  # no padding
        return raw(local.request("ec2", form.encode(), Content_Type=FORM))

    def rest(method: str, path: str) -> bytes:
        return raw(local.request("rolesanywhere", b"", path=path, method=method))

    document = policy({"Effect": "Allow", "Action": "kms:*", "Resource": "*"})
    body = json.dumps({"policyDocument": document, "policyType": "IDENTITY_POLICY"}).encode()
    examined = local.request(
        "access-analyzer", body + blanks, path="/policy/validation",
        Content_Type="application/json",
    )  # fmt: skip
    return {
        "no organization": Way(aws_json("organizations", "DescribeOrganization"), 400),
        "a look at the log": Way(aws_json("cloudtrail", "LookupEvents", MaxResults=1), 200),
        "a look at no log": Way(aws_json("cloudtrail", "LookupEvents", NextToken="x"), 400),
        "endpoints": Way(ec2("DescribeVpcEndpoints"), 200),
        "no such endpoint": Way(ec2("DescribeVpcEndpoints", **{"VpcEndpointId.1": "vpce-1"}), 400),
        "a list by its path": Way(rest("GET", "/trustanchors"), 200),
        "nothing at its path": Way(rest("GET", f"/trustanchor/{NOBODYS}"), 404),
        "a document, examined": Way(raw(examined), 200),
    }


def with_certificates(local: Local) -> Mapping[str, Way]:
    """Requests for a session by a certificate, and one of an agent that is none."""
    root = authorities.root()
    asking = _asking(local, root)

    def request(asked: Asking, **wrong: Any) -> HttpRequest:
        sent = asked.signed(moment=local.time.wall(), region=REGION, **wrong)
        return HttpRequest(
            "POST", "/sessions", sent.query, dict(sent.headers), sent.body,
            "127.0.0.1", False, Endpoint(),
        )  # fmt: skip

    used = request(asking)
    assert local.send(used).status == 201
    agent = json.dumps({
        "AccountId": local.founded.account_id, "InstanceId": "i-0123456789abcdef0",
        "Sequence": 1, "Signature": base64.b64encode(bytes(64)).decode(),
    }).encode()  # fmt: skip
    target = f"{TARGETS['keystead-instances']}.GetInstanceCredentials"
    nobodys = {"content-type": "application/x-amz-json-1.1", "x-amz-target": target,
               "host": "127.0.0.1:8420"}  # fmt: skip
    agents = HttpRequest("POST", "/", "", nobodys, agent, "127.0.0.1", False, Endpoint())
    return {
        "a certificate's request that was used": Way(raw(used), 400),
        "a certificate of another authority": Way(
            raw(request(asking.but(bearer=authorities.root().issue()))), 403
        ),
        "no certificate": Way(raw(request(asking, leaf=b"none")), 403),
        "a certificate for no anchor": Way(
            raw(request(asking.but(anchor=asking.anchor[:-36] + NOBODYS))), 403
        ),
        "an agent of no instance": Way(raw(agents), 400),
    }


def _asking(local: Local, root: Issued) -> Asking:
    """Somebody with a certificate of this authority, for a role that trusts it."""

    def made(path: str, **members: Any) -> Any:
        kind = {"Content_Type": "application/json"}
        body = json.dumps(members).encode()
        return local.send(local.request("rolesanywhere", body, path=path, **kind)).json

    trust = {"Effect": "Allow", "Principal": SERVICE,
             "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]}  # fmt: skip
    role = f"arn:aws:iam::{local.founded.account_id}:role/hosts"
    local.iam("CreateRole", RoleName="hosts", AssumeRolePolicyDocument=policy(trust))
    source = {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": root.pem}}
    anchor = made("/trustanchors", name="a", source=source, enabled=True)["trustAnchor"]
    profile = made("/profiles", name="p", roleArns=[role], enabled=True)["profile"]
    bearer, stand_in = root.issue(), cast("Server", SimpleNamespace(port=8420))
    return Asking(stand_in, anchor["trustAnchorArn"], profile["profileArn"], role, bearer)
