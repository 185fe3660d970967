"""What is recorded of requests for sessions that are refused?

It has a server of its own: of many refusals of strangers in a minute not each has a record.
"""

from tests.anywhere.sites import UNTRUSTED, Site, assert_refused
from tests.conftest import REGION


def test_records_of_refusals(site: Site) -> None:
    """They name a revoked certificate and its account, and no Region of a stranger's making."""
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
