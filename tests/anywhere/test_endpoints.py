"""Roles Anywhere through a network endpoint: one Region, its policy, and its facts."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.anywhere import authorities
from tests.anywhere.requests import Asking
from tests.conftest import OTHER_REGION, REGION, policy
from tests.network.coming import ALL, document
from tests.network.running import Running


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    made = Running(tmp_path_factory.mktemp("anywhere"))
    yield made
    assert made.server.stop() == 0


def test_a_session_through_an_endpoint(running: Running) -> None:
    """The trust policy sees the endpoint, whose own policy decides, too, in its one Region."""
    endpoint, root = running.made(f"com.amazonaws.{REGION}.rolesanywhere"), authorities.root()
    running.bind(endpoint)
    here = running.network.client("rolesanywhere", running.port)
    trust = policy(
        {
            "Effect": "Allow",
            "Principal": {"Service": "rolesanywhere.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
            "Condition": {"StringEquals": {"aws:SourceVpce": endpoint}},
        }
    )
    iam = running.server.client("iam")
    role = iam.create_role(RoleName="host", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    source = {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": root.pem}}
    anchor = here.create_trust_anchor(name="a", source=source, enabled=True)["trustAnchor"]
    profile = here.create_profile(name="p", roleArns=[role], enabled=True)["profile"]
    direct = Asking(
        running.server, anchor["trustAnchorArn"], profile["profileArn"], role, root.issue()
    )
    through = direct.but(server=replace(running.server, port=running.port))
    assert through.ask().status == 201
    assert "Unable to assume role" in direct.ask().message
    there = running.server.client("rolesanywhere", region=OTHER_REGION)
    elsewhere = there.create_trust_anchor(name="a", source=source, enabled=True)["trustAnchor"]
    answer = through.but(anchor=elsewhere["trustAnchorArn"]).ask(region=OTHER_REGION)
    assert answer.status == 400, answer
    running.ec2.modify_vpc_endpoint(
        VpcEndpointId=endpoint, PolicyDocument=document({**ALL, "Action": "rolesanywhere:*"})
    )
    assert "Unable to assume role" in through.ask().message
