"""Providers of SAML through boto3: made, changed, tagged, bounded, removed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Credentials, Server, create_user, refused
from tests.identity.saml_documents import FUTURE, PAST, metadata, pem

DOCUMENT = metadata()


@pytest.fixture
def iam(server: Server) -> Iterator[Any]:
    """An administrator's client; whatever provider is left goes afterwards."""
    client = server.client("iam")
    yield client
    for each in client.list_saml_providers()["SAMLProviderList"]:
        client.delete_saml_provider(SAMLProviderArn=each["Arn"])


def make(iam: Any, name: str = "idp", document: str = DOCUMENT, **members: Any) -> str:
    """The ARN of a new provider."""
    made = iam.create_saml_provider(Name=name, SAMLMetadataDocument=document, **members)
    return str(made["SAMLProviderArn"])


def test_a_provider_from_birth_to_death(iam: Any) -> None:
    """What is written is read back, counted and listed, until it is deleted."""
    before = iam.get_account_summary()["SummaryMap"]["Providers"]
    tags = [{"Key": "team", "Value": "orders"}]
    document = metadata(attributes=f' validUntil="{FUTURE}"')
    made = iam.create_saml_provider(Name="idp", SAMLMetadataDocument=document, Tags=tags)
    arn = made["SAMLProviderArn"]
    assert arn.endswith(":saml-provider/idp")
    assert made["Tags"] == tags
    seen = iam.get_saml_provider(SAMLProviderArn=arn)
    assert (seen["SAMLMetadataDocument"], seen["Tags"]) == (document, tags)
    assert seen["ValidUntil"] == datetime(2090, 1, 1, tzinfo=UTC)
    assert (seen["AssertionEncryptionMode"], seen["PrivateKeyList"]) == ("Allowed", [])
    assert 22 <= len(seen["SAMLProviderUUID"]) <= 64
    [listed] = iam.list_saml_providers()["SAMLProviderList"]
    dates = {name: seen[name] for name in ("ValidUntil", "CreateDate")}
    assert listed == {"Arn": arn, **dates}
    assert iam.get_account_summary()["SummaryMap"]["Providers"] == before + 1

    iam.delete_saml_provider(SAMLProviderArn=arn)
    for gone in (iam.get_saml_provider, iam.delete_saml_provider, iam.update_saml_provider):
        with refused("NoSuchEntity", f"Manifest not found for arn {arn}"):
            gone(SAMLProviderArn=arn)
    assert iam.get_account_summary()["SummaryMap"]["Providers"] == before


def test_metadata_without_an_end(iam: Any) -> None:
    """It is shown as valid for a hundred years."""
    seen = iam.get_saml_provider(SAMLProviderArn=make(iam))
    assert seen["ValidUntil"] - seen["CreateDate"] == timedelta(days=36_525)


def test_a_name_is_taken_once(iam: Any) -> None:
    """Also in other letters."""
    make(iam)
    for name in ("idp", "IDP"):
        with refused("EntityAlreadyExists", f"Provider with name {name} already exists."):
            make(iam, name)


def test_metadata_that_is_refused(iam: Any) -> None:
    """Metadata that cannot be used changes nothing; the same call with good metadata does."""
    arn = make(iam)
    for bad in ("x" * 1000, DOCUMENT.replace("IDPSSO", "SPSSO"), f"<!DOCTYPE a>{DOCUMENT}"):
        with refused("InvalidInput", "Could not parse metadata"):
            make(iam, "other", bad)
        with refused("InvalidInput", "Could not parse metadata"):
            iam.update_saml_provider(SAMLProviderArn=arn, SAMLMetadataDocument=bad)
    with refused("InvalidInput", "its validUntil has passed"):
        make(iam, "other", metadata(attributes=f' validUntil="{PAST}"'))
    with refused("ValidationError", "less than or equal to 10000000"):
        iam.update_saml_provider(SAMLProviderArn=arn, SAMLMetadataDocument="x" * 10_000_001)
    assert iam.get_saml_provider(SAMLProviderArn=arn)["SAMLMetadataDocument"] == DOCUMENT
    make(iam, "other", metadata(attributes=f' validUntil="{FUTURE}"'))


def test_what_is_changed(iam: Any) -> None:
    """A document is replaced, the mode is set; the rest stays as it was."""
    arn = make(iam, AssertionEncryptionMode="Required")
    before = iam.get_saml_provider(SAMLProviderArn=arn)
    assert before["AssertionEncryptionMode"] == "Required"
    other = metadata(entity="https://other.example", attributes=f' validUntil="{FUTURE}"')
    answer = iam.update_saml_provider(SAMLProviderArn=arn, SAMLMetadataDocument=other)
    assert answer["SAMLProviderArn"] == arn
    iam.update_saml_provider(SAMLProviderArn=arn, AssertionEncryptionMode="Allowed")
    seen = iam.get_saml_provider(SAMLProviderArn=arn)
    assert (seen["SAMLMetadataDocument"], seen["AssertionEncryptionMode"]) == (other, "Allowed")
    assert seen["SAMLProviderUUID"] == before["SAMLProviderUUID"]
    assert seen["ValidUntil"] < before["ValidUntil"]


def test_private_keys(iam: Any) -> None:
    """Two keys at most; they are named, never shown; one is removed while another is added."""
    first, more = pem(), pem()
    with refused("InvalidInput", "Could not parse the private key"):
        make(iam, AddPrivateKey="no key")
    arn = make(iam, AddPrivateKey=first)

    def names() -> list[str]:
        seen = iam.get_saml_provider(SAMLProviderArn=arn)
        assert all(each.keys() == {"KeyId", "Timestamp"} for each in seen["PrivateKeyList"])
        return [each["KeyId"] for each in seen["PrivateKeyList"]]

    [kept] = names()
    iam.update_saml_provider(SAMLProviderArn=arn, AddPrivateKey=more)
    assert len(set(names())) == 2
    with refused("LimitExceeded", "quota for PrivateKeysPerSAMLProvider: 2"):
        iam.update_saml_provider(SAMLProviderArn=arn, AddPrivateKey=more)
    iam.update_saml_provider(SAMLProviderArn=arn, AddPrivateKey=more, RemovePrivateKey=kept)
    assert len(names()) == 2
    assert kept not in names()
    with refused("NoSuchEntity", f"The private key with id {kept} cannot be found."):
        iam.update_saml_provider(SAMLProviderArn=arn, RemovePrivateKey=kept)


def test_tags(iam: Any) -> None:
    """Tags are set, listed and removed."""
    arn = {"SAMLProviderArn": make(iam)}
    iam.tag_saml_provider(**arn, Tags=[{"Key": "a", "Value": "1"}])
    assert iam.list_saml_provider_tags(**arn)["Tags"] == [{"Key": "a", "Value": "1"}]
    iam.untag_saml_provider(**arn, TagKeys=["a"])
    assert iam.list_saml_provider_tags(**arn)["Tags"] == []


def test_only_the_provider_that_is_allowed(server: Server, iam: Any) -> None:
    """A permission for one provider is none for another, which need not even exist."""
    arn, other = make(iam), make(iam, "other")
    allowed = ["iam:GetSAMLProvider", "iam:UpdateSAMLProvider"]
    may = {"Effect": "Allow", "Action": allowed, "Resource": arn}
    jo = server.client("iam", create_user(server, "saml-reader", may))
    assert jo.get_saml_provider(SAMLProviderArn=arn)["SAMLMetadataDocument"] == DOCUMENT
    jo.update_saml_provider(SAMLProviderArn=arn, SAMLMetadataDocument=metadata(padding=9000))
    foreign = arn.replace(arn.split(":")[4], "999999999999")
    for unseen in (other, f"{other}/none", foreign):
        with refused("AccessDenied"):
            jo.get_saml_provider(SAMLProviderArn=unseen)
        with refused("AccessDenied"):
            jo.update_saml_provider(SAMLProviderArn=unseen, SAMLMetadataDocument=DOCUMENT)
    with refused("AccessDenied"):
        jo.delete_saml_provider(SAMLProviderArn=arn)


def test_millions_of_characters(server: Server, iam: Any) -> None:
    """Metadata of eight million characters is taken and given back."""
    long = metadata(padding=4).replace("<!--", f"<!-- {'abcdefgh' * 1_000_000}")
    arn = make(iam, document=long)
    assert iam.get_saml_provider(SAMLProviderArn=arn)["SAMLMetadataDocument"] == long
    with pytest.raises(ClientError) as caught:  # only these operations may send so much
        iam.create_user(UserName="x" * 300_000)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    nobody = server.client("iam", Credentials("AKIAQQQQQQQQQQQQQQQQ", "x" * 40))
    with pytest.raises(ClientError) as caught:  # and only those who could authenticate
        make(nobody, document=long)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
