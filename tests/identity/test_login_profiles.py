"""Login profiles: the password of a user is set, changed, remembered, and never seen again."""

from datetime import timedelta
from typing import Any

import pytest

from keystead.identity import times
from keystead.identity.factors import attempts, passwords
from keystead.identity.repository import LoginProfile, LoginUse, PasswordAttempts
from keystead.identity.sessions import RowKind, Session, SessionKind, SessionRow
from keystead.wire.models import iam as api
from keystead.wire.operation import Operation
from tests.identity.refusals import refused
from tests.identity.world import Person, Tenant, World, allow, deny

UPPERCASE, NUMBER, SYMBOL = (
    f"Password should have at least one {kind}" for kind in ("uppercase letter", "number", "symbol")
)
FIRST, SECOND, THIRD = "First-password-1", "Second-password-2", "Third-password-3"
NO_PROFILE: tuple[tuple[Operation[Any, Any], dict[str, Any]], ...] = (
    (api.GetLoginProfile, {}),
    (api.DeleteLoginProfile, {}),
    (api.UpdateLoginProfile, {"password": FIRST}),
)


def profile(person: Person) -> LoginProfile:
    """The stored login profile of a person."""
    world = person.tenant.world
    found = world.repository.login_profiles.get(
        world.store.read(), person.tenant.id, person.caller.principal.unique_id
    )
    assert found is not None
    return found


def has_password(person: Person, password: str) -> bool:
    """Would this password be right?"""
    world = person.tenant.world
    [newest, *_] = world.repository.login_profiles.hashes(profile(person))
    return world.passwords.verify_password(password, newest)


def change(person: Person, old: str, new: str) -> None:
    """Change the own password, after the delay of the attempt before."""
    person.tenant.world.now += timedelta(seconds=attempts.LONGEST)
    person(api.ChangePassword, old_password=old, new_password=new)


@pytest.fixture
def jo(admin: Person) -> Person:
    """A user with a password, who may change it."""
    jo = admin.tenant.user("jo", allow("iam:ChangePassword"))
    admin(api.CreateLoginProfile, user_name="jo", password=FIRST)
    return jo


def test_a_profile_from_birth_to_death(world: World, admin: Person, jo: Person) -> None:
    """It is made, shown, replaced and deleted, and a user has one at most."""
    with refused("EntityAlreadyExists", "Login Profile for user jo already exists."):
        admin(api.CreateLoginProfile, user_name="jo", password=SECOND)
    shown = admin(api.GetLoginProfile, user_name="jo").login_profile
    assert shown == api.LoginProfile(
        user_name="jo", create_date=world.now, password_reset_required=False
    )
    assert has_password(jo, FIRST)

    world.now += timedelta(days=1)
    admin(api.UpdateLoginProfile, user_name="jo", password=SECOND, password_reset_required=True)
    assert (has_password(jo, FIRST), has_password(jo, SECOND)) == (False, True)
    again = admin(api.GetLoginProfile, user_name="jo").login_profile
    assert (again.create_date, again.password_reset_required) == (shown.create_date, True)

    admin(api.DeleteLoginProfile, user_name="jo")
    with refused("NoSuchEntity", "Login Profile for User jo cannot be found."):
        admin(api.GetLoginProfile, user_name="jo")


@pytest.mark.parametrize(("operation", "members"), NO_PROFILE)
def test_no_profile(admin: Person, operation: Operation[Any, Any], members: dict[str, Any]) -> None:
    """A user without a password has no profile, and a missing user is still a missing user."""
    with refused("NoSuchEntity", "Login Profile for User admin cannot be found."):
        admin(operation, user_name="admin", **members)
    with refused("NoSuchEntity", "The user with name nobody cannot be found."):
        admin(operation, user_name="nobody", **members)


def test_each_operation_asks(admin: Person, jo: Person) -> None:
    """A user who may do one of these things to one user does no other, and to nobody else."""
    mallory = admin.tenant.user(
        "mallory", allow("iam:GetLoginProfile", resource="arn:aws:iam::*:user/jo")
    )
    mallory(api.GetLoginProfile, user_name="jo")
    with refused("AccessDenied"):
        mallory(api.GetLoginProfile, user_name="admin")
    with refused("AccessDenied"):
        mallory(api.CreateLoginProfile, user_name="jo", password=SECOND)
    with refused("AccessDenied"):
        mallory(api.UpdateLoginProfile, user_name="jo", password=SECOND)
    with refused("AccessDenied"):
        mallory(api.DeleteLoginProfile, user_name="jo")
    assert has_password(jo, FIRST)


def test_without_a_name_the_caller_is_meant(tenant: Tenant, admin: Person) -> None:
    """A user who leaves out the name means itself; root has no login profile of this kind."""
    admin(api.CreateLoginProfile, password=FIRST)
    assert admin(api.GetLoginProfile).login_profile.user_name == "admin"
    admin(api.DeleteLoginProfile)
    with refused("ValidationError", "Must specify userName"):
        tenant.root(api.CreateLoginProfile, password=FIRST)
    with refused("ValidationError", "'password'"):
        admin(api.CreateLoginProfile)


def test_the_password_of_root(world: World, tenant: Tenant, admin: Person) -> None:
    """Only a session of AssumeRoot sees and removes it; without one there is nothing to remove."""
    began = int(world.now.timestamp())
    rows = (SessionRow(RowKind.ROOT, tenant.id, tenant.id),)
    task = Session(SessionKind.ROOT_TASK, tenant.id, rows, began, began + 900)
    root = tenant.root.caller
    shown = world.run(root, api.GetLoginProfile, task).login_profile
    assert shown.create_date == world.now
    assert not shown.user_name
    with refused("EntityAlreadyExists"):
        world.run(root, api.CreateLoginProfile, task)

    world.run(root, api.DeleteLoginProfile, task)
    numbers: Any = admin(api.GetAccountSummary).summary_map
    assert numbers["AccountPasswordPresent"] == 0
    with refused("NoSuchEntity", f"Login Profile for User {tenant.id} cannot be found."):
        world.run(root, api.GetLoginProfile, task)
    with refused("NoSuchEntity"):
        world.run(root, api.DeleteLoginProfile, task)
    with refused("AccessDenied", "because Keystead sends no e-mail"):
        world.run(root, api.CreateLoginProfile, task)


def test_a_user_with_a_password_is_not_deleted(admin: Person) -> None:
    """The password goes first, and with it everything that is known of it."""
    admin(api.CreateUser, user_name="jo")
    admin(api.CreateLoginProfile, user_name="jo", password=FIRST)
    with refused("DeleteConflict", "Cannot delete entity, must delete login profile first."):
        admin(api.DeleteUser, user_name="jo")
    admin(api.DeleteLoginProfile, user_name="jo")
    admin(api.DeleteUser, user_name="jo")


def test_the_reset_alone(world: World, admin: Person, jo: Person) -> None:
    """An update without a password changes whether the user must change it, and not its age."""
    before = profile(jo)
    world.now += timedelta(days=1)
    admin(api.UpdateLoginProfile, user_name="jo", password_reset_required=True)

    after = profile(jo)
    assert (before.reset_required, after.reset_required) == (0, 1)
    assert (before.changed, before.password_id) == (after.changed, after.password_id)


def test_a_new_password_has_a_new_id(admin: Person, jo: Person) -> None:
    """Sessions that name the password's id end with it, by whomever it is changed."""
    ids = [profile(jo).password_id]
    admin(api.UpdateLoginProfile, user_name="jo", password=SECOND)
    ids.append(profile(jo).password_id)
    change(jo, SECOND, THIRD)
    ids.append(profile(jo).password_id)
    assert len(set(ids)) == len(ids)


# the own password


def test_a_user_changes_the_own_password(world: World, admin: Person, jo: Person) -> None:
    """The right old one is replaced, and need not be changed again."""
    admin(api.UpdateLoginProfile, user_name="jo", password_reset_required=True)
    change(jo, FIRST, SECOND)

    assert has_password(jo, SECOND)
    assert profile(jo).changed == times.stored(world.now)
    assert not admin(api.GetLoginProfile, user_name="jo").login_profile.password_reset_required


def test_the_old_password_must_be_right(jo: Person) -> None:
    """Another's, a longer and an empty one are all wrong, in one sentence."""
    for wrong in (SECOND, FIRST + " ", FIRST.upper(), "x"):
        with refused("AccessDenied", "The old password was incorrect."):
            change(jo, wrong, SECOND)
    assert has_password(jo, FIRST)


def test_only_users_have_a_password_to_change(tenant: Tenant) -> None:
    """Root is no user."""
    with refused("InvalidUserType", "Only IAM Users can change their own password"):
        tenant.root(api.ChangePassword, old_password=FIRST, new_password=SECOND)


def test_to_change_it_needs_a_permission(admin: Person) -> None:
    """A policy of the user allows it, or the account's password policy; a Deny outweighs both."""
    admin.tenant.user("jo")
    admin.tenant.user("al", deny("iam:ChangePassword"))
    people = [Person(admin.tenant, name) for name in ("jo", "al")]
    for person in people:
        admin(api.CreateLoginProfile, user_name=person.name, password=FIRST)
        with refused("AccessDenied", "iam:ChangePassword"):
            change(person, FIRST, SECOND)
    jo, al = people

    admin(api.UpdateAccountPasswordPolicy, allow_users_to_change_password=True)
    change(jo, FIRST, SECOND)
    jo(api.GetAccountPasswordPolicy)
    with refused("AccessDenied", "explicit deny"):
        change(al, FIRST, SECOND)

    admin(api.UpdateAccountPasswordPolicy)
    with refused("AccessDenied", "iam:ChangePassword"):
        change(jo, SECOND, THIRD)
    with refused("AccessDenied"):
        jo(api.GetAccountPasswordPolicy)


def test_the_accounts_permission_is_for_the_user_alone(admin: Person) -> None:
    """As a simulation tells: the own ARN below any path is meant, and no other user's."""
    admin(api.UpdateAccountPasswordPolicy, allow_users_to_change_password=True)
    users = [
        admin(api.CreateUser, user_name=name, path=path).user
        for name, path in (("jo", "/a/b/"), ("bejo", "/a/b/"))
    ]
    [jo, bejo] = [user.arn for user in users if user]
    answer = admin(
        api.SimulatePrincipalPolicy,
        policy_source_arn=jo,
        action_names=["iam:ChangePassword", "iam:UpdateLoginProfile"],
        resource_arns=[jo, bejo],
    )
    decided = {
        (one.eval_action_name, each.eval_resource_name): each.eval_resource_decision
        for one in answer.evaluation_results or ()
        for each in one.resource_specific_results or ()
    }
    assert {asked for asked, decision in decided.items() if decision == "allowed"} == {
        ("iam:ChangePassword", jo)
    }


def test_attempts_are_delayed(world: World, jo: Person) -> None:
    """Each wrong password doubles the delay, in which the right one is refused like others."""
    seen = []
    for _ in range(4):
        with refused("AccessDenied"):
            jo(api.ChangePassword, old_password=THIRD, new_password=SECOND)
        wait = 0
        while True:
            with refused("PasswordPolicyViolation"):  # is told before any attempt is counted
                jo(api.ChangePassword, old_password=FIRST, new_password="short")
            with refused("Throttling", "Rate exceeded"):
                jo(api.ChangePassword, old_password=FIRST, new_password=SECOND)
            wait += 1
            world.now += timedelta(seconds=1)
            known = world.repository.login_profiles.attempts(
                world.store.read(), jo.tenant.id, profile(jo).user_id
            )
            assert known is not None
            if times.stored(world.now) >= known.until:
                break
        seen.append(wait)
    assert seen == [1, 2, 4, 8]

    jo(api.ChangePassword, old_password=FIRST, new_password=SECOND)
    jo(api.ChangePassword, old_password=SECOND, new_password=THIRD)


def test_delays_end(world: World, tenant: Tenant) -> None:
    """The longest is a quarter of an hour, and a day without attempts is a new beginning."""
    assert [attempts.delay(n) for n in (1, 2, 5, 10, 11, 1_000_000)] == [1, 2, 16, 512, 900, 900]
    profiles, day = world.repository.login_profiles, 86_400
    for now, failures in ((10, 1), (11, 2), (13, 3), (17 + day, 4), (25 + 2 * day + 1, 1)):
        with world.store.write() as transaction:
            assert attempts.begin(transaction, profiles, tenant.id, "AIDA", now)
            known = profiles.attempts(transaction, tenant.id, "AIDA")
        assert known is not None
        assert known == PasswordAttempts(
            account=tenant.id, subject="AIDA", failures=failures, until=now + 2 ** (failures - 1),
            row_version=known.row_version,
        )  # fmt: skip


# what an account demands


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("Ab1", "Password should have a minimum length of 8"),
        (
            "abcdefgh",
            f"should meet 2 more of the following requirements: {UPPERCASE}, {NUMBER}, {SYMBOL}",
        ),
        (
            "abcdefgh1",
            f"Password should meet 1 more of the following requirements: {UPPERCASE}, {SYMBOL}",
        ),
        ("Root+1@example.com", "should not be the name or the email address of the account"),
    ],
)
def test_passwords_without_a_policy(world: World, password: str, message: str) -> None:
    """Eight characters of three of four kinds, and not the account's own name (iam.md 1.9)."""
    admin = world.account("root+1@example.com").administrator()
    with refused("PasswordPolicyViolation", message):
        admin(api.CreateLoginProfile, password=password)
    admin(api.CreateLoginProfile, password="abcdefg1!")


@pytest.mark.parametrize(
    ("demand", "wrong", "right", "message"),
    [
        ({"minimum_password_length": 10}, "x" * 9, "x" * 10, "a minimum length of 10"),
        ({"require_symbols": True}, "x" * 8 + '"', "x" * 8 + "'", "at least one symbol"),
        ({"require_numbers": True}, "x" * 8 + "²", "x" * 8 + "2", "at least one number"),
        (
            {"require_uppercase_characters": True},
            "x" * 8 + "É",
            "x" * 8 + "E",
            "at least one uppercase letter",
        ),
        (
            {"require_lowercase_characters": True},
            "X" * 8 + "é",
            "X" * 8 + "e",
            "at least one lowercase letter",
        ),
    ],
)
def test_what_a_policy_demands(
    admin: Person, demand: dict[str, Any], wrong: str, right: str, message: str
) -> None:
    """Each demand is one sentence, alike for new, replaced and changed passwords."""
    jo = admin.tenant.user("jo", allow("iam:ChangePassword"))
    admin(api.UpdateAccountPasswordPolicy, **demand)
    with refused("PasswordPolicyViolation", message):
        admin(api.CreateLoginProfile, user_name="jo", password=wrong)
    admin(api.CreateLoginProfile, user_name="jo", password=right)
    with refused("PasswordPolicyViolation", message):
        admin(api.UpdateLoginProfile, user_name="jo", password=wrong)
    with refused("PasswordPolicyViolation", message):
        change(jo, right, wrong)
    change(jo, right, right + right)


def test_everything_that_is_wrong_is_told(admin: Person) -> None:
    """All demands that a password does not meet stand in one answer, and never the password."""
    admin(
        api.UpdateAccountPasswordPolicy,
        minimum_password_length=12, require_symbols=True, require_numbers=True,
    )  # fmt: skip
    with refused(
        "PasswordPolicyViolation",
        "Password should have a minimum length of 12, Password should have at least one number,"
        " Password should have at least one symbol",
    ):
        admin(api.CreateLoginProfile, password="canary")


def test_earlier_passwords(admin: Person, jo: Person) -> None:
    """As many as the account says are not taken again, whoever sets them; the next older one is."""
    change(jo, FIRST, SECOND)
    admin(api.UpdateAccountPasswordPolicy, password_reuse_prevention=2)
    for earlier in (SECOND, FIRST):
        with refused("PasswordPolicyViolation", "one of the last 2 passwords"):
            change(jo, SECOND, earlier)
        with refused("PasswordPolicyViolation", "one of the last 2 passwords"):
            admin(api.UpdateLoginProfile, user_name="jo", password=earlier)
    change(jo, SECOND, THIRD)
    change(jo, THIRD, FIRST)

    admin(api.UpdateAccountPasswordPolicy)
    change(jo, FIRST, FIRST)


def test_only_so_many_are_remembered(world: World, admin: Person, jo: Person) -> None:
    """The newest 24, which is the most that a policy can ask for; nothing else is kept."""
    for number in range(passwords.REMEMBERED):
        admin(api.UpdateLoginProfile, user_name="jo", password=f"Password-{number}")

    hashes = world.repository.login_profiles.hashes(profile(jo))
    assert len(hashes) == passwords.REMEMBERED
    assert not any(world.passwords.verify_password(FIRST, each) for each in hashes[-1:])
    admin(api.UpdateAccountPasswordPolicy, password_reuse_prevention=24)
    admin(api.UpdateLoginProfile, user_name="jo", password=FIRST)


def test_passwords_grow_old(world: World, admin: Person, jo: Person) -> None:
    """After so many days a password has expired; a user with an access key may still change it."""
    assert passwords.expires(None, profile(jo)) is None
    admin(api.UpdateAccountPasswordPolicy, max_password_age=90, hard_expiry=True)
    policy = world.repository.password_policies.of(world.store.read(), admin.tenant.id)
    end = times.stored(world.now) + 90 * passwords.DAY
    assert passwords.expires(policy, profile(jo)) == end
    assert not passwords.is_expired(policy, profile(jo), end - 1)
    assert passwords.is_expired(policy, profile(jo), end)

    world.now += timedelta(days=91)
    change(jo, FIRST, SECOND)
    assert not passwords.is_expired(policy, profile(jo), times.stored(world.now))


def test_the_last_use_is_shown(world: World, admin: Person, jo: Person) -> None:
    """GetUser and ListUsers tell when somebody signed in with the password, if anybody has."""
    assert admin(api.GetUser, user_name="jo").user.password_last_used is None
    profiles, user_id = world.repository.login_profiles, profile(jo).user_id
    for second in (1_000_000, 2_000_000):
        with world.store.write() as transaction:
            use = LoginUse(account=admin.tenant.id, user_id=user_id, used=second)
            profiles.record_use(transaction, use)

    shown = times.shown(2_000_000)
    assert admin(api.GetUser, user_name="jo").user.password_last_used == shown
    [listed] = [user for user in admin(api.ListUsers).users if user.user_name == "jo"]
    assert listed.password_last_used == shown
    admin(api.DeleteLoginProfile, user_name="jo")
    with world.store.write() as transaction:
        profiles.record_use(transaction, use)
    assert admin(api.GetUser, user_name="jo").user.password_last_used is None


def test_no_record_has_a_password(world: World, admin: Person, jo: Person) -> None:
    """Neither the event nor what is stored tells a password, and no repr of what is kept."""
    change(jo, FIRST, SECOND)
    told = repr(world.last_event) + repr(profile(jo))
    rows = world.store.read().all("SELECT hashes FROM iam_login_profile")
    for password in (FIRST, SECOND):
        assert password not in told
        assert all(password.encode() not in row[0] and b"argon2" not in row[0] for row in rows)
