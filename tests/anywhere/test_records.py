"""What is recorded of requests for sessions that are refused?

It has a server of its own: of many refusals of strangers in a minute not each has a record.
"""

from dataclasses import replace
from typing import Any

from tests.anywhere import authorities
from tests.anywhere.test_sessions import UNTRUSTED, Site, assert_refused
from tests.conftest import REGION, Server


def test_records_of_refusals(server: Server) -> None:
    """They name a revoked certificate and its account, and no Region of a stranger's making."""
    empty: Any = {}
    iam, root = server.client("iam"), authorities.root()
    bare = Site(server, server.client("rolesanywhere"), iam, root, empty, empty, "")
    role = bare.new_role("host")
    site = replace(bare, anchor=bare.new_anchor(root), profile=bare.new_profile(role), role=role)
    anchor, bearer = site.new_anchor(site.root)["trustAnchorArn"], site.root.issue("gone")
    crl = site.root.crl(bearer)
    site.anywhere.import_crl(name="x", trustAnchorArn=anchor, crlData=crl, enabled=True)
    asking = site.asking(bearer).but(anchor=anchor)
    assert_refused(asking.ask(), "AccessDeniedException", "Certificate revoked")
    [*_, record] = site.records("CreateSession")
    account = site.role.split(":")[4]
    told = record["additionalEventData"]
    assert (told["x509Subject"], told["trustAnchorArn"]) == ("CN=gone", anchor)
    assert told["x509SerialNumber"] == format(bearer.certificate.serial_number, "x")
    assert (record["recipientAccountId"], record["awsRegion"]) == (account, REGION)
    elsewhere = asking.but(anchor=anchor.replace(REGION, "no-such-region"))
    assert_refused(elsewhere.ask(region="no-such-region"), "AccessDeniedException", UNTRUSTED)
    [*_, record] = site.records("CreateSession")
    assert record["awsRegion"] == REGION
