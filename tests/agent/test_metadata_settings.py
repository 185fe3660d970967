"""Which metadata do new instances have, and who may choose it?  Through boto3."""

from typing import Any

from tests.agent import hosts
from tests.conftest import OTHER_REGION, Server, create_user, refused


def test_metadata_defaults(server: Server) -> None:
    """They are what instances get that are registered from now on, in their Region."""
    ec2 = server.client("ec2", region=OTHER_REGION)
    assert ec2.get_instance_metadata_defaults()["AccountLevel"] == {"ManagedBy": "account"}
    for wrong, code in (
        ({"HttpTokens": "optional"}, "UnsupportedOperation"),
        ({"HttpPutResponseHopLimit": 0}, "InvalidParameterValue"),
        ({"HttpPutResponseHopLimit": 65}, "InvalidParameterValue"),
        ({"HttpEndpoint": "disabled", "DryRun": True}, "DryRunOperation"),
    ):
        with refused(code):
            ec2.modify_instance_metadata_defaults(**wrong)
    before = hosts.register(server, "--instance-region", OTHER_REGION)
    chosen = {"HttpTokens": "required", "HttpPutResponseHopLimit": 2, "HttpEndpoint": "disabled"}
    assert ec2.modify_instance_metadata_defaults(**chosen)["Return"] is True
    told = ec2.get_instance_metadata_defaults()["AccountLevel"]
    assert told == {**chosen, "ManagedBy": "account"}
    assert ec2.modify_instance_metadata_defaults(HttpTokensEnforced="enabled")["Return"] is True
    after = hosts.register(server, "--instance-region", OTHER_REGION)
    elsewhere = hosts.register(server)

    def options(client: Any, name: str) -> tuple[str, int]:
        [found] = client.describe_instances(InstanceIds=[name])["Reservations"]
        shown = found["Instances"][0]["MetadataOptions"]
        return shown["HttpEndpoint"], shown["HttpPutResponseHopLimit"]

    assert options(ec2, before) == ("enabled", 1)
    assert options(ec2, after) == ("disabled", 2)
    assert options(server.client("ec2"), elsewhere) == ("enabled", 1)
    ec2.modify_instance_metadata_defaults(
        HttpEndpoint="no-preference", HttpPutResponseHopLimit=-1, HttpTokens="no-preference",
        HttpTokensEnforced="no-preference",
    )  # fmt: skip
    assert ec2.get_instance_metadata_defaults()["AccountLevel"] == {"ManagedBy": "account"}
    assert options(ec2, hosts.register(server, "--instance-region", OTHER_REGION)) == ("enabled", 1)


def test_policies_about_attributes(server: Server) -> None:
    """AWS's own example, and an Allow for one attribute, which lets no other pass beside it."""
    made = hosts.host(server, "attributed")
    everything = {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}
    no_first = {
        "Effect": "Deny", "Action": "ec2:ModifyInstanceMetadata*", "Resource": "*",
        "Condition": {"StringNotEquals": {"ec2:Attribute/HttpTokens": "required"},
                      "Null": {"ec2:Attribute/HttpTokens": "false"}},
    }  # fmt: skip
    one = {**everything, "Condition": {"StringEquals": {"ec2:Attribute": "HttpEndpoint"}}}
    careful, narrow = (
        server.client("ec2", create_user(server, name, *statements))
        for name, statements in (("careful", [everything, no_first]), ("narrow", [one]))
    )
    on: dict[str, Any] = {"InstanceId": made.instance_id, "HttpEndpoint": "enabled"}
    careful.modify_instance_metadata_options(**on, HttpTokens="required")
    careful.modify_instance_metadata_options(**on)
    with refused("UnauthorizedOperation", "explicit deny"):
        careful.modify_instance_metadata_options(**on, HttpTokens="optional")
    with refused("UnauthorizedOperation", "explicit deny"):
        careful.modify_instance_metadata_defaults(HttpTokens="optional")
    narrow.modify_instance_metadata_options(**on)
    with refused("UnauthorizedOperation"):
        narrow.modify_instance_metadata_options(**on, HttpPutResponseHopLimit=9)
