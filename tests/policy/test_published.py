"""What AWS publishes about our services, against what we know (docs/decisions/0012)."""

from keystead.policy.findings.checks.actions import exists
from keystead.policy.language.condition_keys import KNOWN, is_supplied
from keystead.policy.language.published import ACTIONS, CONDITION_KEYS

# The specification (iam.md 6.4) gives another type than the publication.
OTHERWISE = {"sts:TaskPolicyArn": "ARN"}


def test_every_published_key_is_known() -> None:
    """With its type and whether it has several values; nothing that is published is unknown."""
    for kind, names in CONDITION_KEYS.items():
        for name in names.split():
            fact = KNOWN[name.lower()]
            assert fact.multi_valued is kind.startswith("ArrayOf"), name
            assert fact.type == OTHERWISE.get(name, kind.removeprefix("ArrayOf")), name


def test_most_published_keys_have_a_value_here() -> None:
    """The others exist at AWS only: they are features that are not served."""
    names = [name for some in CONDITION_KEYS.values() for name in some.split()]
    without = [name for name in names if not is_supplied(name.lower())]
    assert len(names) > 80
    assert {name.partition(":")[0] for name in without} == {"iam", "organizations", "sts"}
    # Of Organizations only the keys of transfers of billing, which are not served.
    transfers = [name for name in without if name.startswith("organizations:")]
    assert transfers == ["organizations:TransferDirection", "organizations:TransferType"]
    assert "iam:ServiceSpecificCredentialAgeDays" in without


def test_every_published_action_exists() -> None:
    """Of the services that are served, and of Organizations."""
    assert set(ACTIONS) == {"access-analyzer", "cloudtrail", "iam", "kms", "organizations", "sts"}
    for service, names in ACTIONS.items():
        assert all(exists(f"{service}:{name}".lower()) for name in names.split()), service
