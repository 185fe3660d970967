"""Which passwords does an account take, how long are they good, and which were there before?

Passwords are hashed beside the loop (`work`). So this module takes and gives PHC strings, and the
functions of sign-in will be the same. The rules are the account's password policy, or AWS's where
it has set none (iam.md 1.9, threat-model CO-5).
"""

import re
import string
from collections.abc import Iterator, Sequence

import msgspec

from keystead.custody import randomness
from keystead.custody.proofs import is_same
from keystead.identity import limits
from keystead.identity.repository import Account, LoginProfile, LoginProfiles, PasswordPolicy
from keystead.wire.models import iam as api

SYMBOLS = "!@#$%^&*()_+-=[]{}|'"
DAY = 86_400  # seconds
REMEMBERED = 24  # passwords that are kept, the one of today included
_USABLE = re.compile("[\\t\\n\\r\\u0020-\\u00ff]{1,128}")
_UNUSABLE = (
    "Password should have at most 128 characters, each of them from the Latin-1 character set"
)
_CLASSES_BY_DEFAULT = 3  # of the four

_UPPERCASE = (string.ascii_uppercase, "Password should have at least one uppercase letter")
_LOWERCASE = (string.ascii_lowercase, "Password should have at least one lowercase letter")
_NUMBER = (string.digits, "Password should have at least one number")
_SYMBOL = (SYMBOLS, "Password should have at least one symbol")


def require_taken(policy: PasswordPolicy | None, account: Account, password: str) -> None:
    """Refuse a password that the account does not take, with everything that is wrong with it."""
    if _USABLE.fullmatch(password) is None:  # the model of IAM says the same of its calls
        raise api.PasswordPolicyViolationException(_UNUSABLE)
    wrong = list(_wrong(policy, account, password))
    if wrong:
        raise api.PasswordPolicyViolationException(", ".join(wrong))


def _wrong(policy: PasswordPolicy | None, account: Account, password: str) -> Iterator[str]:
    least = limits.PASSWORD_LENGTH_BY_DEFAULT if policy is None else policy.minimum_length
    if len(password) < least:
        yield f"Password should have a minimum length of {least}"
    if policy is None:
        yield from _wrong_by_default(account, password)
        return
    demanded = (
        (policy.uppercase, _UPPERCASE),
        (policy.lowercase, _LOWERCASE),
        (policy.numbers, _NUMBER),
        (policy.symbols, _SYMBOL),
    )
    for is_demanded, (characters, sentence) in demanded:
        if is_demanded and not set(characters) & set(password):
            yield sentence


def _wrong_by_default(account: Account, password: str) -> Iterator[str]:
    """Three of four kinds of character, and neither the account's name nor its address."""
    kinds = (_UPPERCASE, _LOWERCASE, _NUMBER, _SYMBOL)
    missing = [sentence for characters, sentence in kinds if not set(characters) & set(password)]
    more = _CLASSES_BY_DEFAULT - len(kinds) + len(missing)
    if more > 0:
        yield (
            f"Password should meet {more} more of the following requirements: {', '.join(missing)}"
        )
    if password.lower() in {account.email.lower(), (account.alias or account.account).lower()}:
        yield "Password should not be the name or the email address of the account"


def require_new(policy: PasswordPolicy | None, hashes: Sequence[str], new: str) -> None:
    """Refuse a password that is one of the last ones, as many as the account remembers.

    `hashes` are those of the person, the newest first; `new` has their salt.
    """
    remembered = (policy.remembered or 0) if policy else 0
    if any(is_same(new, earlier) for earlier in hashes[:remembered]):
        raise api.PasswordPolicyViolationException(
            f"Password should not be one of the last {remembered} passwords"
        )


def require_other(hashes: Sequence[str], new: str) -> None:
    """Refuse the password of today, where another one is wanted. `new` has its salt."""
    if is_same(new, hashes[0]):
        raise api.PasswordPolicyViolationException(
            "Password should not be the one that is to be changed"
        )


def demands(policy: PasswordPolicy | None) -> tuple[str, ...]:
    """What an account demands of a new password, in sentences for the person."""
    least = limits.PASSWORD_LENGTH_BY_DEFAULT if policy is None else policy.minimum_length
    told = [f"at least {least} characters"]
    if policy is None:
        told += [
            "three of these: uppercase letters, lowercase letters, numbers, symbols",
            "neither the name nor the e-mail address of the account",
        ]
    else:
        of_policy = (
            (policy.uppercase, "an uppercase letter"),
            (policy.lowercase, "a lowercase letter"),
            (policy.numbers, "a number"),
            (policy.symbols, f"a symbol of {SYMBOLS}"),
        )
        told += [sentence for is_demanded, sentence in of_policy if is_demanded]
        if policy.remembered:
            told.append(f"none of the last {policy.remembered} passwords")
    return tuple(told)


def expires(policy: PasswordPolicy | None, profile: LoginProfile) -> int | None:
    """The second in which a password is too old; None: never."""
    days = policy.longest_days if policy else None
    return None if days is None else profile.changed + days * DAY


def is_expired(policy: PasswordPolicy | None, profile: LoginProfile, now: int) -> bool:
    """Is a password too old to be used without changing it?"""
    end = expires(policy, profile)
    return end is not None and now >= end


def with_password(
    profiles: LoginProfiles, profile: LoginProfile, new: str, now: int, *, reset_required: bool
) -> LoginProfile:
    """The profile with a new password, whose hash is `new`; the earlier ones are remembered."""
    hashes = [new, *profiles.hashes(profile)][:REMEMBERED]
    return msgspec.structs.replace(
        profile,
        hashes=profiles.seal(profile.account, profile.user_id, hashes),
        password_id=randomness.token_id(),
        reset_required=int(reset_required),
        changed=now,
    )


def new_profile(
    profiles: LoginProfiles,
    account: str,
    user_id: str,
    new: str,
    now: int,
    *,
    reset_required: bool,
) -> LoginProfile:
    """A login profile of a user who has none."""
    return LoginProfile(
        account=account,
        user_id=user_id,
        password_id=randomness.token_id(),
        hashes=profiles.seal(account, user_id, [new]),
        reset_required=int(reset_required),
        created=now,
        changed=now,
    )
