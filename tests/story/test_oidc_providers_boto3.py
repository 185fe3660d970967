"""Providers of OpenID Connect through boto3: made, changed, tagged, bounded, removed."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import Server, create_user, refused

URL, NAME = "https://idp.example/realms/staff", "idp.example/realms/staff"
PRINT = "0123456789abcdef0123456789ABCDEF01234567"


@pytest.fixture
def iam(server: Server) -> Iterator[Any]:
    """An administrator's client; whatever provider is left goes afterwards."""
    client = server.client("iam")
    yield client
    for each in client.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
        client.delete_open_id_connect_provider(OpenIDConnectProviderArn=each["Arn"])


def make(iam: Any, url: str = URL, **members: Any) -> str:
    """The ARN of a new provider."""
    made = iam.create_open_id_connect_provider(Url=url, **members)
    return str(made["OpenIDConnectProviderArn"])


def test_a_provider_from_birth_to_death(iam: Any) -> None:
    """What is written is read back, counted and listed, until it is deleted."""
    before = iam.get_account_summary()["SummaryMap"]["Providers"]
    tags = [{"Key": "team", "Value": "orders"}]
    made = iam.create_open_id_connect_provider(
        Url=URL, ClientIDList=["app", "web", "app"], ThumbprintList=[PRINT], Tags=tags
    )
    arn = made["OpenIDConnectProviderArn"]
    assert arn.endswith(f":oidc-provider/{NAME}")
    assert made["Tags"] == tags
    seen = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert (seen["Url"], seen["ClientIDList"]) == (NAME, ["app", "web"])
    assert (seen["ThumbprintList"], seen["Tags"]) == ([PRINT], tags)
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == [{"Arn": arn}]
    assert iam.get_account_summary()["SummaryMap"]["Providers"] == before + 1

    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    missing = f"OpenIDConnect Provider not found for arn {arn}"
    for gone in (iam.get_open_id_connect_provider, iam.delete_open_id_connect_provider):
        with refused("NoSuchEntity", missing):
            gone(OpenIDConnectProviderArn=arn)
    assert iam.get_account_summary()["SummaryMap"]["Providers"] == before


def test_one_provider_for_each_url(iam: Any) -> None:
    """A URL is taken once, also in other letters; another path is another provider."""
    make(iam)
    for url in (URL, URL.upper().replace("HTTPS", "https")):
        with refused("EntityAlreadyExists", f"Provider with url {url} already exists."):
            make(iam, url)
    assert make(iam, f"{URL}/").endswith("/staff/")


@pytest.mark.parametrize("url", [
    "http://idp.example", "HTTPS://idp.example", "idp.example", "https://", "https:///path",
    "https://idp.example:443", "https://me@idp.example", "https://idp.example?a=b",
    "https://idp.example/#a", "https://idp.example/*", "https://idp.example/${a}",
    "https://-idp.example", "https://idp..example", "https://idp.example/a b",
    "https://idp.example\n",
])  # fmt: skip
def test_urls_that_are_refused(iam: Any, url: str) -> None:
    """Only https, a host and a path are taken."""
    with refused("InvalidInput", "Invalid Open ID Connect Provider URL"):
        make(iam, url)
    make(iam, "https://idp.example")


def test_client_ids_come_and_go(iam: Any) -> None:
    """Adding twice and removing an unknown one are no errors; a hundred are the most."""
    arn = make(iam, ClientIDList=[f"app-{number}" for number in range(99)])

    def clients() -> list[str]:
        seen = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        return list(seen["ClientIDList"])

    def change(verb: str, client: str) -> None:
        preposition = "to" if verb == "add" else "from"
        operation = getattr(iam, f"{verb}_client_id_{preposition}_open_id_connect_provider")
        operation(OpenIDConnectProviderArn=arn, ClientID=client)

    change("add", "last")
    change("add", "last")
    change("remove", "unknown")
    assert (len(clients()), clients()[-1]) == (100, "last")
    quota = "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100"
    with refused("LimitExceeded", quota):
        change("add", "more")
    with refused("LimitExceeded", quota):
        make(iam, "https://other.example", ClientIDList=[str(n) for n in range(101)])
    change("remove", "app-0")
    change("add", "more")
    with refused("InvalidInput", "printable ASCII"):
        change("add", "app\n")
    assert (clients()[0], clients()[-1]) == ("app-1", "more")


def test_thumbprints_are_replaced(iam: Any) -> None:
    """Five thumbprints are taken, six are not, and each has 40 hexadecimal digits."""
    arn = make(iam)
    five = [f"{number:040x}" for number in range(5)]

    def replace(prints: list[str]) -> None:
        iam.update_open_id_connect_provider_thumbprint(
            OpenIDConnectProviderArn=arn, ThumbprintList=prints
        )

    replace([PRINT])
    replace(five)
    with refused("InvalidInput", "Thumbprint list must contain fewer than 5 entries."):
        replace([*five, PRINT])
    with refused("InvalidInput", "40 hexadecimal digits"):
        replace(["g" * 40])
    seen = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert seen["ThumbprintList"] == five


def test_tags(iam: Any) -> None:
    """Tags are set, listed and removed."""
    arn = {"OpenIDConnectProviderArn": make(iam)}
    iam.tag_open_id_connect_provider(**arn, Tags=[{"Key": "a", "Value": "1"}])
    assert iam.list_open_id_connect_provider_tags(**arn)["Tags"] == [{"Key": "a", "Value": "1"}]
    iam.untag_open_id_connect_provider(**arn, TagKeys=["a"])
    assert iam.list_open_id_connect_provider_tags(**arn)["Tags"] == []


def test_arns_that_name_no_provider(iam: Any) -> None:
    """An ARN of something else is invalid; another account's provider is nobody's business."""
    arn = make(iam)
    with refused("ValidationError", "Invalid ARN:  Could not be parsed!"):
        iam.get_open_id_connect_provider(OpenIDConnectProviderArn="x" * 20)
    other = arn.replace("oidc-provider", "saml-provider")
    with refused("InvalidInput", f"ARN {other} is not valid."):
        iam.get_open_id_connect_provider(OpenIDConnectProviderArn=other)
    account = arn.split(":")[4]
    foreign = arn.replace(account, "999999999999")
    with refused("AccessDenied"):
        iam.get_open_id_connect_provider(OpenIDConnectProviderArn=foreign)
    iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)


def test_only_the_provider_that_is_allowed(server: Server, iam: Any) -> None:
    """A permission for one provider is none for another, which need not even exist."""
    arn, other = make(iam), make(iam, "https://other.example")
    may = {"Effect": "Allow", "Action": "iam:GetOpenIDConnectProvider", "Resource": arn}
    jo = server.client("iam", create_user(server, "oidc-reader", may))
    assert jo.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["Url"] == NAME
    for unseen in (other, f"{other}/none"):
        with refused("AccessDenied"):
            jo.get_open_id_connect_provider(OpenIDConnectProviderArn=unseen)
    with refused("AccessDenied"):
        jo.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)


def test_a_hundred_providers(iam: Any) -> None:
    """The hundredth is made, the next is refused until one is gone."""
    arns = [make(iam, f"https://idp-{number}.example") for number in range(100)]
    with refused("LimitExceeded", "quota for OpenIdConnectProvidersPerAccount: 100"):
        make(iam)
    listed = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    assert {each["Arn"] for each in listed} == set(arns)
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arns[0])
    make(iam)
