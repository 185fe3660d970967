"""The operations of certificate revocation lists: which certificates does a trust anchor revoke?

A list counts while it is enabled. A session that began by a certificate in it ends at once, and
for ever. A certificate that is let in again gets new sessions (`repository/anywhere/released`).
"""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from keystead import tags as tag_rule
from keystead.identity import times
from keystead.identity.anywhere import limits, tagging
from keystead.identity.anywhere.call import AnywhereCall
from keystead.identity.anywhere.certificates import BadCrl, read_crl, require_later
from keystead.identity.anywhere.listing import page
from keystead.identity.anywhere.naming import (
    ANCHOR,
    CRL,
    arn,
    arn_of,
    ask,
    ask_any,
    found,
    invalid,
    new_id,
)
from keystead.identity.repository import Crl, TrustAnchor, packed
from keystead.registry import implements, implements_with_work
from keystead.wire.models import rolesanywhere as api
from keystead.work import MadeWith, Work, digest, read

_BYTES = 8  # of a list that take as long to read as a character of a document


@dataclass(frozen=True, slots=True)
class _Read:
    """What a list revokes, or why it is refused."""

    revoked: bytes = b""
    problem: str = ""


@implements_with_work(api.ImportCrl)
def import_crl(
    call: AnywhereCall, request: api.ImportCrlRequest
) -> api.CrlDetailResponse | Work[_Read]:
    tags = tagging.requested(request.tags)
    ask_any(call, tag_rule.request_keys(tags))
    if request.alias_name:
        raise invalid("Aliases of CRLs are not available")
    anchor = found(call, ANCHOR, request.trust_anchor_arn).existing()
    crls, most = call.repository.anywhere.crls, limits.CRLS_PER_TRUST_ANCHOR
    if len(crls.of(call.transaction, call.account, anchor.anchor_id)) >= most:
        raise invalid(f"Limit exceeded: {most} CRLs of a trust anchor")
    known = _known(call, anchor, request.crl_data)
    if isinstance(known, Work):
        return known
    now = times.stored(call.now)
    crl = Crl(
        account=call.account,
        crl_id=new_id(),
        region=call.region,
        anchor_id=anchor.anchor_id,
        name=request.name,
        enabled=int(request.enabled is True),
        tags=packed(tags),
        created=now,
        updated=now,
    )
    crls.insert(call.transaction, crl, request.crl_data, known.revoked)
    return api.CrlDetailResponse(crl=_shown(crl, request.crl_data))


@implements(api.GetCrl)
def get_crl(call: AnywhereCall, request: api.ScalarCrlRequest) -> api.CrlDetailResponse:
    return api.CrlDetailResponse(crl=_with_data(call, _named(call, request.crl_id)))


@implements(api.ListCrls)
def list_crls(call: AnywhereCall, request: api.ListRequest) -> api.ListCrlsResponse:
    """The lists, without their data: those are as long as all other answers together."""
    crls = call.repository.anywhere.crls
    some = page(
        call, request,
        lambda after, n: crls.after(call.transaction, call.account, call.region, after, n),
    )  # fmt: skip
    every = [_shown(each, None) for each in some.items]
    return api.ListCrlsResponse(crls=every, next_token=some.marker)


@implements_with_work(api.UpdateCrl)
def update_crl(
    call: AnywhereCall, request: api.UpdateCrlRequest
) -> api.CrlDetailResponse | Work[_Read]:
    crl, data = _named(call, request.crl_id), request.crl_data
    if request.alias_name:
        raise invalid("Aliases of CRLs are not available")
    crls = call.repository.anywhere.crls
    changed = msgspec.structs.replace(
        crl, name=request.name or crl.name, updated=times.stored(call.now)
    )
    if data is None:
        kept = crls.update(call.transaction, changed)
    else:
        anchor, before = (
            found(call, ANCHOR, crl.anchor_id).existing(),
            crls.data(call.transaction, crl),
        )
        known = _known(call, anchor, data, before)
        if isinstance(known, Work):
            return known
        kept = crls.replace(call.transaction, changed, data, known.revoked, call.now)
    return api.CrlDetailResponse(crl=_with_data(call, kept))


@implements(api.EnableCrl)
def enable_crl(call: AnywhereCall, request: api.ScalarCrlRequest) -> api.CrlDetailResponse:
    return _switched(call, request.crl_id, enabled=True)


@implements(api.DisableCrl)
def disable_crl(call: AnywhereCall, request: api.ScalarCrlRequest) -> api.CrlDetailResponse:
    return _switched(call, request.crl_id, enabled=False)


@implements(api.DeleteCrl)
def delete_crl(call: AnywhereCall, request: api.ScalarCrlRequest) -> api.CrlDetailResponse:
    crl = _named(call, request.crl_id)
    answer = _with_data(call, crl)
    call.repository.anywhere.crls.delete(call.transaction, crl, call.now)
    return api.CrlDetailResponse(crl=answer)


def _switched(call: AnywhereCall, text: str, *, enabled: bool) -> api.CrlDetailResponse:
    crl = _named(call, text)
    changed = msgspec.structs.replace(crl, enabled=int(enabled), updated=times.stored(call.now))
    kept = call.repository.anywhere.crls.switch(call.transaction, changed, call.now)
    return api.CrlDetailResponse(crl=_with_data(call, kept))


def _named(call: AnywhereCall, text: str) -> Crl:
    """The list that a request names, if the caller may do this to it."""
    named = found(call, CRL, text)
    ask(call, named.target)
    return named.existing()


def _known(
    call: AnywhereCall, anchor: TrustAnchor, data: bytes, before: bytes = b""
) -> _Read | Work[_Read]:
    """What a list revokes, or the work of reading it; refuses what the anchor did not sign.

    Refused is also a list that is older than the one before.
    """
    given = digest(data, before)
    made_with = MadeWith(key=anchor.anchor_id, version=anchor.row_version, input=given)
    cost = (len(data) + len(before)) // _BYTES
    known = read(call, cost, made_with, _revoked, data, before, anchor.certificates, call.now)
    if not isinstance(known, Work) and known.problem:
        raise invalid(known.problem)
    return known


def _revoked(data: bytes, before: bytes, bundle: str, now: datetime) -> _Read:
    """A worker raises nothing."""
    try:
        revoked = read_crl(data, bundle, now)
        if before:
            require_later(data, before, bundle)
    except BadCrl as refused:
        return _Read(problem=str(refused))
    return _Read(revoked)


def _with_data(call: AnywhereCall, crl: Crl) -> api.CrlDetail:
    return _shown(crl, call.repository.anywhere.crls.data(call.transaction, crl))


def _shown(crl: Crl, data: bytes | None) -> api.CrlDetail:
    """A list as answers carry it."""
    return api.CrlDetail(
        crl_id=crl.crl_id,
        crl_arn=arn(CRL, crl),
        name=crl.name,
        enabled=bool(crl.enabled),
        crl_data=data,
        trust_anchor_arn=arn_of(ANCHOR, crl.region, crl.account, crl.anchor_id),
        created_at=times.shown(crl.created),
        updated_at=times.shown(crl.updated),
    )
