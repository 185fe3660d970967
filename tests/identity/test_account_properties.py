"""The preference for tokens, and the properties that no account has here."""

import pytest

from keystead.errors import ValidationException
from keystead.wire.models import iam as api
from tests.identity.world import Person, Tenant


def test_the_version_of_tokens_is_kept(tenant: Tenant, admin: Person) -> None:
    """It is shown in the summary, and it is 2 until somebody says otherwise."""

    def shown() -> int:
        summary = admin(api.GetAccountSummary).summary_map
        assert summary is not None
        return summary["GlobalEndpointTokenVersion"]

    assert shown() == 2
    for name, version in (("v1Token", 1), ("v2Token", 2), ("v1Token", 1)):
        admin(api.SetSecurityTokenServicePreferences, global_endpoint_token_version=name)
        assert shown() == version
    other = tenant.world.account("other@example.com")
    summary = other.root(api.GetAccountSummary).summary_map
    assert summary is not None
    assert summary["GlobalEndpointTokenVersion"] == 2


def test_no_properties(admin: Person) -> None:
    """There are none, and none can be set."""
    assert admin(api.GetAccountProperties).properties == {}
    refused = [
        (
            {"RoleManager/Enabled": "true"},
            api.InvalidInputException,
            "no properties of RoleManager",
        ),
        ({"A/x": "1", "B/y": "1"}, api.InvalidInputException, "of one namespace"),
        ({"Enabled": "true"}, ValidationException, "Namespace/Name"),
        ({"a/b/c": "true"}, ValidationException, "Namespace/Name"),
        ({"a/": "true"}, ValidationException, "Namespace/Name"),
    ]
    for properties, error, sentence in refused:
        with pytest.raises(error, match=sentence):
            admin(api.PutAccountProperties, properties=properties)
