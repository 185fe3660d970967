"""CreateGrant, ListGrants, ListRetirableGrants, RetireGrant, RevokeGrant (kms.md 10.6).

CreateGrant may be allowed by a grant, and then makes only grants that are equal or narrower: that
is in the grant's own statement (`kms/grants/grant.py`). RetireGrant is allowed by the grant itself.
"""

import re
from typing import cast, get_args

import msgspec

from keystead import quotas
from keystead.arns import account_in, iam_arn, kms_arn, partition_of
from keystead.call import Target
from keystead.errors import ValidationException
from keystead.kms import key_policies
from keystead.kms.call import KmsCall
from keystead.kms.grants import (
    EQUALS,
    MOST_ALIKE,
    SUBSET,
    GrantCount,
    GrantRecord,
    Party,
    TooManyAlike,
    retiring,
    token_of,
    token_refused,
    wanted,
)
from keystead.kms.keys import Key, nobodys_key
from keystead.kms.paging import in_parts, page
from keystead.kms.requests import require_real
from keystead.kms.rules import row_of
from keystead.policy.evaluation import (
    ContextValue,
    Permit,
    PolicySource,
    Principal,
    PrincipalType,
)
from keystead.policy.language import VERSION_2008, DocumentKind, own_policy
from keystead.registry import implements
from keystead.times import from_microseconds, microseconds
from keystead.wire.models import kms as api

_GRANT_ID = re.compile(r"[0-9a-f]{64}")
_UNIQUE_ID = re.compile(r"(?:AIDA|AROA)[A-Z0-9]{12,124}(?::[\w+=,.@-]+)?")
_FIRST = ("", "", "")
_ON_OTHER_KEYS = 16
"""How many grants on different keys are read at a time. Each is proved, and so is its key."""


@implements(api.CreateGrant)
def create_grant(call: KmsCall, request: api.CreateGrantRequest) -> api.CreateGrantResponse:
    asked = wanted.read(request)
    context = call.context(asked.pairs)
    key = call.key(request.key_id)
    permit = call.authorize(
        "kms:CreateGrant",
        key,
        {**asked.condition_keys, **context.condition_keys, **_for_service(call)},
    )
    call.require_tokens(request.grant_tokens)
    call.require_state(key)
    wanted.require_fitting(asked, key, _USES)
    grantee = _party(call, asked.grantee, asked.grantee_service)
    retirer = _party(call, asked.retirer, asked.retirer_service)
    draft = asked.record(
        (key.account, key.region, key.key_id), call.account or key.account, grantee, retirer,
        microseconds(call.now),
    )  # fmt: skip
    grant = _made_before(call, draft)
    counted = None if grant else _require_room(call, key)
    require_real(request.dry_run)
    if grant is None:
        grant = _made(call, permit, draft, counted)
    return api.CreateGrantResponse(
        grant_token=token_of(call.tokens, grant), grant_id=grant.grant_id
    )


@implements(api.ListGrants)
def list_grants(call: KmsCall, request: api.ListGrantsRequest) -> api.ListGrantsResponse:
    key = call.key(request.key_id)
    call.authorize("kms:ListGrants", key, _for_service(call))
    call.require_state(key)
    if request.grantee_principal is not None and request.grantee_service_principal is not None:
        raise ValidationException(
            "Specify at most one of GranteePrincipal and GranteeServicePrincipal."
        )
    _require_service(call, "GranteeServicePrincipal", request.grantee_service_principal)
    if request.grant_id is not None:
        _require_grant_id(request.grant_id)
    grantee = request.grantee_service_principal or ""
    if request.grantee_principal is not None:
        grantee = _known(call, request.grantee_principal)
    repository, place = call.repository.grants, (key.account, key.region, key.key_id)

    def following(grant_id: str, count: int) -> list[GrantRecord]:
        if request.grant_id is None:
            return repository.after(call.transaction, place, grant_id, count, grantee)
        found = repository.get(call.transaction, place, request.grant_id)
        if found is None or grantee not in ("", found.grantee_id):
            return []
        return [found] if found.grant_id > grant_id else []

    listed = page(
        call,
        request,
        fetch=in_parts(call, following, lambda grant: grant.grant_id),
        position=lambda grant: grant.grant_id,
        parameters=(key.arn_text, request.grant_id or "", grantee),
    )
    return api.ListGrantsResponse(
        grants=[_entry(call, grant) for grant in listed.items],
        next_marker=listed.marker,
        truncated=listed.is_truncated,
    )


@implements(api.ListRetirableGrants)
def list_retirable_grants(
    call: KmsCall, request: api.ListRetirableGrantsRequest
) -> api.ListGrantsResponse:
    if call.principal.type is PrincipalType.SERVICE:
        call.authorize(_LIST, _own_grants(call.principal))
    else:
        call.authorize_any(_LIST)
    retirer = _retirer(call, request)
    repository = call.repository.grants

    def following(position: str, count: int) -> list[tuple[GrantRecord, bool]]:
        """The next grants, and whether their keys are there.

        The grants of a destroyed key go step by step (`GrantRepository.doom`).
        """
        view, after = call.transaction, tuple(position.split("/")) if position else _FIRST
        grants = repository.retirable_after(view, call.region, retirer, after, count)
        return [(each, call.repository.row(view, *each.place) is not None) for each in grants]

    def position(item: tuple[GrantRecord, bool]) -> str:
        grant = item[0]
        return f"{grant.account}/{grant.key_id}/{grant.grant_id}"

    listed = page(
        call,
        request,
        fetch=in_parts(call, following, position, most=_ON_OTHER_KEYS),
        position=position,
        parameters=(retirer,),
    )
    return api.ListGrantsResponse(
        grants=[_entry(call, grant) for grant, is_there in listed.items if is_there],
        next_marker=listed.marker,
        truncated=listed.is_truncated,
    )


@implements(api.RetireGrant)
def retire_grant(call: KmsCall, request: api.RetireGrantRequest) -> None:
    key, grant = _to_retire(call, request)
    own = () if grant is None else retiring(grant, key.arn_text, partition_of(call.region).name)
    call.authorize(
        "kms:RetireGrant",
        key_policies.only_denying(call.repository.preparations, key, own),
        {} if grant is None else _constraint_keys(call, grant),
    )
    if grant is None:
        raise RuntimeError("nobody may retire a grant that does not exist")
    call.require_state(key)
    require_real(request.dry_run)
    call.event.additional["grantId"] = grant.grant_id
    call.repository.grants.remove(call.transaction, grant)


@implements(api.RevokeGrant)
def revoke_grant(call: KmsCall, request: api.RevokeGrantRequest) -> None:
    key = call.key(request.key_id)
    call.authorize("kms:RevokeGrant", key, _for_service(call))
    call.require_state(key)
    grant = _on(call, key, request.grant_id)
    if grant is None:
        raise _not_found(request.grant_id)
    require_real(request.dry_run)
    call.repository.grants.remove(call.transaction, grant)


_LIST = "kms:ListRetirableGrants"


def _for_service(call: KmsCall) -> dict[str, ContextValue]:
    """`kms:GrantIsForAWSResource`: does a service call on behalf of the caller?"""
    return {"kms:grantisforawsresource": call.keys.get("aws:viaawsservice", "false")}


def _require_service(call: KmsCall, member: str, value: str | None) -> None:
    """Refuse a member that only services may send."""
    if value is not None and call.principal.type is not PrincipalType.SERVICE:
        raise ValidationException(f"{member} is for AWS services only.")


_USES = {
    name: row.use
    for name in get_args(api.GrantOperation)
    if (row := row_of(f"kms:{name}")) is not None and row.use.keys
}


def _own_grants(service: Principal) -> Target:
    """What a service asks about when it lists the grants that it may retire: it may do that."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service.arn},
        "Action": _LIST,
        "Resource": "*",
    }
    text = msgspec.json.encode({"Version": VERSION_2008, "Statement": [statement]}).decode()
    own = PolicySource(own_policy(text, DocumentKind.RESOURCE, {}, 0), "its own grants")
    return Target("*", "", resource_policies=(own,))


def _party(call: KmsCall, written: str, service: str) -> Party:
    """A grantee or retiring principal, who must exist."""
    partition = partition_of(call.region).name
    name = wanted.name_of(written, partition)
    unique_id = call.principals.unique_id(name) if written else None
    return wanted.party(written, service, {} if unique_id is None else {name: unique_id}, partition)


def _known(call: KmsCall, written: str) -> str:
    """How policies know a principal that a list is asked for; its unique id if it is gone."""
    if _UNIQUE_ID.fullmatch(written):
        return written
    return _party(call, written, "").known_as


def _made_before(call: KmsCall, draft: GrantRecord) -> GrantRecord | None:
    """The grant that the same request made before, if it has a name."""
    if draft.same is None:
        return None
    return call.repository.grants.same(call.transaction, draft.place, draft.same)


def _require_room(call: KmsCall, key: Key) -> GrantCount | None:
    """How many grants the key has; refused if one more is too many."""
    place = (key.account, key.region, key.key_id)
    counted = call.repository.grants.counted(call.transaction, place)
    most = call.quotas.most(quotas.GRANTS, key.owner)
    if (0 if counted is None else counted.grants) >= most:
        raise api.LimitExceededException(
            f"{key.arn_text} has {most} grants, which is the most a KMS key can have."
        )
    return counted


def _made(
    call: KmsCall, permit: Permit[Key], draft: GrantRecord, counted: GrantCount | None
) -> GrantRecord:
    grant = msgspec.structs.replace(draft, grant_id=call.custody.random(permit, 32).hex())
    try:
        call.repository.grants.add(call.transaction, grant, counted)
    except TooManyAlike:
        raise api.LimitExceededException(
            f"{grant.grantee} has {MOST_ALIKE} grants on {permit.resource.arn_text} that no"
            " constraint tells apart."
        ) from None
    return grant


def _retirer(call: KmsCall, request: api.ListRetirableGrantsRequest) -> str:
    """The principal of the caller's account whose grants are listed."""
    _require_service(call, "RetiringServicePrincipal", request.retiring_service_principal)
    if request.retiring_service_principal is not None:
        if request.retiring_service_principal not in call.principal.service_names:
            raise wanted.no_principal(request.retiring_service_principal)
        return request.retiring_service_principal
    if request.retiring_principal is None:
        raise ValidationException("RetiringPrincipal is required.")
    retirer = _party(call, request.retiring_principal, "")
    if account_in(retirer.written) != call.account:
        raise wanted.no_principal(request.retiring_principal)
    return retirer.known_as


def _to_retire(call: KmsCall, request: api.RetireGrantRequest) -> tuple[Key, GrantRecord | None]:
    """The grant, by its token or by key and id. A stranger does not learn that there is none."""
    by_id = request.key_id is not None or request.grant_id is not None
    if by_id == (request.grant_token is not None):
        raise ValidationException("Specify either GrantToken, or KeyId and GrantId.")
    if request.grant_token is not None:
        grant = call.grant_of_token(request.grant_token)
        key = call.repository.key(call.transaction, *grant.place)
        if key is None:
            raise token_refused()
        return key, grant
    if request.key_id is None or request.grant_id is None:
        raise ValidationException("KeyId and GrantId must be specified together.")
    key = call.key(request.key_id)
    found = _on(call, key, request.grant_id)
    if found is not None:
        return key, found
    if key.owner == call.account:
        raise _not_found(request.grant_id)
    # Its policy can allow nothing here. To read it would take time, and tell that it is there.
    return nobodys_key(key.arn_text, key.account, key.region), None


def _on(call: KmsCall, key: Key, grant_id: str) -> GrantRecord | None:
    """The grant with this id on a key; raises InvalidGrantIdException for what is none."""
    _require_grant_id(grant_id)
    place = (key.account, key.region, key.key_id)
    return call.repository.grants.get(call.transaction, place, grant_id)


def _require_grant_id(grant_id: str) -> None:
    if not _GRANT_ID.fullmatch(grant_id):
        raise api.InvalidGrantIdException(f"Invalid grant ID {grant_id}")


def _not_found(grant_id: str) -> api.NotFoundException:
    return api.NotFoundException(f"Grant ID {grant_id} not found")


def _constraint_keys(call: KmsCall, grant: GrantRecord) -> dict[str, ContextValue]:
    """The condition keys of a grant that is to be retired."""
    keys: dict[str, ContextValue] = {**call.context(grant.pairs).condition_keys}
    if grant.context_type:
        keys["kms:grantconstrainttype"] = grant.context_type
    return keys


def _entry(call: KmsCall, grant: GrantRecord) -> api.GrantListEntry:
    """A grant in a list. A member that does not apply is absent."""
    constraints = None
    if grant.is_constrained:
        pairs = dict(grant.pairs)
        constraints = api.GrantConstraints(
            encryption_context_subset=pairs if grant.context_type == SUBSET else None,
            encryption_context_equals=pairs if grant.context_type == EQUALS else None,
            source_arn=grant.source_arn or None,
        )
    return api.GrantListEntry(
        key_id=kms_arn(grant.region, grant.account, f"key/{grant.key_id}"),
        grant_id=grant.grant_id,
        name=grant.name,
        creation_date=from_microseconds(grant.created_us),
        grantee_principal=_shown(call, grant.grantee, grant.grantee_meant, grant.grantee_id),
        grantee_service_principal=None if grant.grantee_meant else grant.grantee,
        retiring_principal=_shown(call, grant.retirer, grant.retirer_meant, grant.retirer_id),
        retiring_service_principal=None if grant.retirer_meant else grant.retirer or None,
        issuing_account=iam_arn(grant.issuer, "root"),
        operations=cast("list[api.GrantOperation]", [*grant.allowed]),
        constraints=constraints,
    )


def _shown(call: KmsCall, written: str, meant: str, known_as: str) -> str | None:
    """A grantee or retiring principal as it is called today; a deleted one by its unique id."""
    if not meant:
        return written or None
    now = call.principals.arn(meant)
    if now is None:
        return known_as
    return now if known_as == meant else written  # a session's name has more than the id tells
