"""The password policy of an account through boto3: set, read back, bounded, removed."""

import pytest

from tests.conftest import Server, refused


def test_a_password_policy_from_birth_to_death(server: Server) -> None:
    """What is set is read back; what an update does not name has its default again."""
    _, root = server.new_account()
    iam = server.client("iam", root)
    with refused("NoSuchEntity", "The Password Policy with domain name"):
        iam.get_account_password_policy()

    iam.update_account_password_policy(MinimumPasswordLength=14, MaxPasswordAge=90, HardExpiry=True)
    seen = iam.get_account_password_policy()["PasswordPolicy"]
    assert seen["ExpirePasswords"] is True
    assert (seen["MaxPasswordAge"], seen["HardExpiry"]) == (90, True)
    assert "PasswordReusePrevention" not in seen

    iam.update_account_password_policy(RequireSymbols=True, PasswordReusePrevention=24)
    assert iam.get_account_password_policy()["PasswordPolicy"] == {
        "MinimumPasswordLength": 6,
        "RequireSymbols": True,
        "RequireNumbers": False,
        "RequireUppercaseCharacters": False,
        "RequireLowercaseCharacters": False,
        "AllowUsersToChangePassword": False,
        "ExpirePasswords": False,
        "PasswordReusePrevention": 24,
    }

    iam.delete_account_password_policy()
    with refused("NoSuchEntity", "The Password Policy with domain name"):
        iam.delete_account_password_policy()


@pytest.mark.parametrize(
    ("member", "most"),
    [("MinimumPasswordLength", 128), ("MaxPasswordAge", 1095), ("PasswordReusePrevention", 24)],
)
def test_numbers_are_bounded(server: Server, member: str, most: int) -> None:
    """The largest number is taken, the next is not, and then nothing changes."""
    _, root = server.new_account()
    iam = server.client("iam", root)
    iam.update_account_password_policy(**{member: most})
    with refused("ValidationError", "failed to satisfy constraint"):
        iam.update_account_password_policy(**{member: most + 1})
    assert iam.get_account_password_policy()["PasswordPolicy"][member] == most
