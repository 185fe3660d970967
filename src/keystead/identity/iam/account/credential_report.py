"""GenerateCredentialReport, GetCredentialReport: every user of the account, and its credentials.

The table has AWS's columns, in AWS's order (iam.md 1.9). A report is good for four hours. It is
made in slices by a job of the server, so that an account of five thousand users holds nobody up.
No operation writes: AWS counts both among those that only read.
"""

import csv
import io
from collections.abc import Sequence
from datetime import datetime, timedelta

from keystead.identity import times
from keystead.identity.call import IamCall
from keystead.identity.factors import devices
from keystead.identity.repository import (
    MOST_BEGUN,
    AccessKey,
    Account,
    BegunReport,
    CredentialReport,
    IdentityRepository,
    LoginProfile,
    User,
)
from keystead.registry import implements
from keystead.store.protocol import Reader, Store
from keystead.wire.models import iam as api

GOOD_FOR = timedelta(hours=4)
SLICE = 50  # users that are read in one run of the job

_KEY_COLUMNS = ("active", "last_rotated", "last_used_date", "last_used_region", "last_used_service")
COLUMNS = (
    "user", "arn", "user_creation_time", "password_enabled", "password_last_used",
    "password_last_changed", "password_next_rotation", "mfa_active",
    *(f"access_key_{number}_{column}" for number in (1, 2) for column in _KEY_COLUMNS),
    *(f"cert_{number}_{column}" for number in (1, 2) for column in ("active", "last_rotated")),
)  # fmt: skip
_NONE, _UNKNOWN, _UNSUPPORTED = "N/A", "no_information", "not_supported"
_NO_CERTIFICATES = ("false", _NONE) * 2
_FORMULA = ("=", "+", "-", "@")  # with which a name may begin, that a spreadsheet would run (CO-10)


@implements(api.GenerateCredentialReport)
def generate_credential_report(
    call: IamCall, _request: api.GenerateCredentialReportRequest
) -> api.GenerateCredentialReportResponse:
    call.ask_any()
    reports = call.repository.credential_reports
    if call.account in reports.begun:
        return api.GenerateCredentialReportResponse(state="INPROGRESS")
    known = reports.of(call.transaction, call.account)
    if known is not None and _is_good(known, call.now):
        return api.GenerateCredentialReportResponse(state="COMPLETE")
    if len(reports.begun) >= MOST_BEGUN:
        raise api.LimitExceededException("Too many credential reports are being generated.")
    reports.begun[call.account] = BegunReport([_lines([COLUMNS])])
    return api.GenerateCredentialReportResponse(
        state="STARTED",
        description=None if known else "No report exists. Starting a new report generation task",
    )


@implements(api.GetCredentialReport)
def get_credential_report(
    call: IamCall, _request: api.GetCredentialReportRequest
) -> api.GetCredentialReportResponse:
    call.ask_any()
    reports = call.repository.credential_reports
    if call.account in reports.begun:
        raise api.CredentialReportNotReadyException
    report = reports.of(call.transaction, call.account)
    if report is None:
        raise api.CredentialReportNotPresentException
    if not _is_good(report, call.now):
        raise api.CredentialReportExpiredException
    return api.GetCredentialReportResponse(
        content=report.content.encode(),
        report_format="text/csv",
        generated_time=times.shown(report.finished),
    )


def continue_report(repository: IdentityRepository, store: Store, now: datetime) -> bool:
    """Put the next users into the report that was begun first; False if there is none.

    The server's job calls this. Reports that are being made take turns. One that fails is given up,
    so that it does not keep the others waiting.
    """
    begun = repository.credential_reports.begun
    if not begun:
        return False
    account_id = next(iter(begun))
    report, reader = begun.pop(account_id), store.read()
    account = repository.accounts.get(reader, account_id)
    if account is None:
        return True
    if len(report.lines) == 1:
        report.lines.append(_lines([_root_row(repository, reader, account)]))
    users = repository.users.after(reader, account_id, report.after, "/", SLICE)
    policy = repository.password_policies.of(reader, account_id)
    longest = None if policy is None else policy.longest_days
    report.lines.append(_lines([_row(repository, reader, user, longest) for user in users]))
    if len(users) == SLICE:
        report.after = users[-1].name_key
        begun[account_id] = report
        return True
    complete = CredentialReport(
        account=account_id, content="".join(report.lines), finished=times.stored(now)
    )
    with store.write(quiet=True) as transaction:
        repository.credential_reports.keep(transaction, complete)
    return True


def _is_good(report: CredentialReport, now: datetime) -> bool:
    return now < times.shown(report.finished) + GOOD_FOR


def _root_row(repository: IdentityRepository, reader: Reader, account: Account) -> list[str]:
    number = account.account
    use = repository.login_profiles.last_use(reader, number, number)
    return [
        "<root_account>", account.root_arn, _time(account.created), _UNSUPPORTED,
        _time(use.used) if use else _UNKNOWN, _UNSUPPORTED, _UNSUPPORTED,
        _has_mfa(repository, reader, number, number),
        *_keys(repository, reader, number, number), *_NO_CERTIFICATES,
    ]  # fmt: skip


def _row(
    repository: IdentityRepository, reader: Reader, user: User, longest_days: int | None
) -> list[str]:
    profile = repository.login_profiles.get(reader, user.account, user.user_id)
    name = f"'{user.name}" if user.name.startswith(_FORMULA) else user.name
    return [
        name, user.arn, _time(user.created),
        *_password(repository, reader, profile, longest_days),
        _has_mfa(repository, reader, user.account, user.user_id),
        *_keys(repository, reader, user.account, user.user_id),
        *_NO_CERTIFICATES,
    ]  # fmt: skip


def _password(
    repository: IdentityRepository,
    reader: Reader,
    profile: LoginProfile | None,
    longest_days: int | None,
) -> tuple[str, str, str, str]:
    """Is there a password, when was it last used and changed, and when must it be changed?"""
    if profile is None:
        return "false", _NONE, _NONE, _NONE
    use = repository.login_profiles.last_use(reader, profile.account, profile.user_id)
    next_rotation = _NONE
    if longest_days is not None:
        next_rotation = _time(profile.changed + longest_days * 86_400)
    return "true", _time(use.used) if use else _UNKNOWN, _time(profile.changed), next_rotation


def _keys(repository: IdentityRepository, reader: Reader, account: str, owner_id: str) -> list[str]:
    """The columns of two access keys, the older one first."""
    keys: list[AccessKey | None] = list(repository.access_keys.of(reader, account, owner_id))
    columns: list[str] = []
    for key in [*keys, None, None][:2]:
        if key is None:
            columns += ("false", _NONE, _NONE, _NONE, _NONE)
            continue
        use = repository.access_keys.last_use(reader, account, key.access_key_id)
        used = (_time(use.used), use.region, use.service) if use else (_NONE, _NONE, _NONE)
        columns += (_truth(key.status == "Active"), _time(key.created), *used)
    return columns


def _has_mfa(repository: IdentityRepository, reader: Reader, account: str, owner_id: str) -> str:
    return _truth(devices.has_any(repository, reader, account, owner_id))


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _time(stored: int) -> str:
    return times.shown(stored).isoformat()


def _lines(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
