"""The operations of trust anchors: whose certificates does an account believe?

A change of the certificates and a disabling end the sessions that began before, for ever.
"""

import msgspec

from keystead import tags as tag_rule
from keystead.identity import times
from keystead.identity.anywhere import limits, notification_settings, tagging
from keystead.identity.anywhere.call import AnywhereCall
from keystead.identity.anywhere.certificates import BadBundle, read_bundle
from keystead.identity.anywhere.listing import page
from keystead.identity.anywhere.naming import (
    ANCHOR,
    arn,
    ask,
    ask_any,
    found,
    invalid,
    new_id,
)
from keystead.identity.repository import TrustAnchor, packed
from keystead.registry import implements, implements_with_work
from keystead.wire.models import rolesanywhere as api
from keystead.work import MadeWith, Work, digest, read


@implements_with_work(api.CreateTrustAnchor)
def create_trust_anchor(
    call: AnywhereCall, request: api.CreateTrustAnchorRequest
) -> api.TrustAnchorDetailResponse | Work[str]:
    tags = tagging.requested(request.tags)
    ask_any(call, tag_rule.request_keys(tags))
    _require_served(request.crl_dp_revocation_enabled, request.alias_name)
    settings = notification_settings.written(request.notification_settings or ())
    bundle = _bundle(call, request.source)
    if isinstance(bundle, Work):
        return bundle
    anchors, most = call.repository.anywhere.anchors, limits.TRUST_ANCHORS
    if anchors.count(call.transaction, call.account, call.region) >= most:
        raise invalid(f"Limit exceeded: {most} trust anchors of an account in a Region")
    now = times.stored(call.now)
    anchor = TrustAnchor(
        account=call.account,
        anchor_id=new_id(),
        region=call.region,
        name=request.name,
        certificates=bundle,
        enabled=int(request.enabled is True),
        revision=0,
        notifications=settings,
        tags=packed(tags),
        created=now,
        updated=now,
    )
    anchors.insert(call.transaction, anchor)
    return api.TrustAnchorDetailResponse(trust_anchor=shown(anchor))


@implements(api.GetTrustAnchor)
def get_trust_anchor(
    call: AnywhereCall, request: api.ScalarTrustAnchorRequest
) -> api.TrustAnchorDetailResponse:
    return api.TrustAnchorDetailResponse(trust_anchor=shown(_named(call, request.trust_anchor_id)))


@implements(api.ListTrustAnchors)
def list_trust_anchors(
    call: AnywhereCall, request: api.ListRequest
) -> api.ListTrustAnchorsResponse:
    anchors = call.repository.anywhere.anchors
    some = page(
        call, request,
        lambda after, n: anchors.after(call.transaction, call.account, call.region, after, n),
        lambda each: len(each.certificates),
    )  # fmt: skip
    every = [shown(each) for each in some.items]
    return api.ListTrustAnchorsResponse(trust_anchors=every, next_token=some.marker)


@implements_with_work(api.UpdateTrustAnchor)
def update_trust_anchor(
    call: AnywhereCall, request: api.UpdateTrustAnchorRequest
) -> api.TrustAnchorDetailResponse | Work[str]:
    anchor = _named(call, request.trust_anchor_id)
    _require_served(request.crl_dp_revocation_enabled, request.alias_name)
    bundle = anchor.certificates if request.source is None else _bundle(call, request.source)
    if isinstance(bundle, Work):
        return bundle
    changed = msgspec.structs.replace(
        anchor,
        name=request.name or anchor.name,
        certificates=bundle,
        updated=times.stored(call.now),
    )
    anchors = call.repository.anywhere.anchors
    same = bundle == anchor.certificates
    kept = (anchors.update if same else anchors.revise)(call.transaction, changed)
    return api.TrustAnchorDetailResponse(trust_anchor=shown(kept))


@implements(api.EnableTrustAnchor)
def enable_trust_anchor(
    call: AnywhereCall, request: api.ScalarTrustAnchorRequest
) -> api.TrustAnchorDetailResponse:
    return _switched(call, request.trust_anchor_id, enabled=True)


@implements(api.DisableTrustAnchor)
def disable_trust_anchor(
    call: AnywhereCall, request: api.ScalarTrustAnchorRequest
) -> api.TrustAnchorDetailResponse:
    return _switched(call, request.trust_anchor_id, enabled=False)


@implements(api.DeleteTrustAnchor)
def delete_trust_anchor(
    call: AnywhereCall, request: api.ScalarTrustAnchorRequest
) -> api.TrustAnchorDetailResponse:
    anchor = _named(call, request.trust_anchor_id)
    call.repository.anywhere.crls.delete_all(call.transaction, call.account, anchor.anchor_id)
    call.repository.anywhere.anchors.delete(call.transaction, anchor)
    return api.TrustAnchorDetailResponse(trust_anchor=shown(anchor))


def _switched(call: AnywhereCall, text: str, *, enabled: bool) -> api.TrustAnchorDetailResponse:
    anchor, anchors = _named(call, text), call.repository.anywhere.anchors
    changed = msgspec.structs.replace(anchor, enabled=int(enabled), updated=times.stored(call.now))
    kept = (anchors.update if enabled else anchors.revise)(call.transaction, changed)
    return api.TrustAnchorDetailResponse(trust_anchor=shown(kept))


def _named(call: AnywhereCall, text: str) -> TrustAnchor:
    """The trust anchor that a request names, if the caller may do this to it."""
    named = found(call, ANCHOR, text)
    ask(call, named.target)
    return named.existing()


def _require_served(by_distribution_point: bool | None, alias: str | None) -> None:
    """Refuse what AWS has and we do not (docs/divergences.md)."""
    if by_distribution_point:
        raise invalid("Revocation by CRL distribution points is not available: import the CRL")
    if alias:
        raise invalid("Aliases of trust anchors are not available")


def _bundle(call: AnywhereCall, source: api.Source) -> str | Work[str]:
    """The certificates of a source, or the work of reading them; refuses what is no bundle."""
    if source.source_type == "AWS_ACM_PCA" or (
        source.source_data and source.source_data.acm_pca_arn
    ):
        raise invalid("There is no AWS Private Certificate Authority here: use CERTIFICATE_BUNDLE")
    data = source.source_data
    if source.source_type != "CERTIFICATE_BUNDLE" or data is None or not data.x509_certificate_data:
        raise invalid("A source is a CERTIFICATE_BUNDLE with x509CertificateData")
    text = data.x509_certificate_data
    if len(text) > limits.BUNDLE:
        raise invalid(f"A certificate bundle has at most {limits.BUNDLE} characters")
    made_with = MadeWith(input=digest(text.encode(errors="surrogatepass")))
    refusal = read(call, len(text), made_with, _problem, text)
    if isinstance(refusal, Work):
        return refusal
    if refusal:
        raise invalid(refusal)
    return text


def _problem(text: str) -> str:
    """Why a text is no bundle of authorities; "" if it is one. A worker raises nothing."""
    try:
        read_bundle(text)
    except (BadBundle, UnicodeEncodeError) as refused:
        return str(refused)
    return ""


def shown(anchor: TrustAnchor) -> api.TrustAnchorDetail:
    """A trust anchor as answers carry it."""
    data = api.SourceData(x509_certificate_data=anchor.certificates)
    return api.TrustAnchorDetail(
        trust_anchor_id=anchor.anchor_id,
        trust_anchor_arn=arn(ANCHOR, anchor),
        name=anchor.name,
        source=api.Source(source_type="CERTIFICATE_BUNDLE", source_data=data),
        enabled=bool(anchor.enabled),
        created_at=times.shown(anchor.created),
        updated_at=times.shown(anchor.updated),
        notification_settings=notification_settings.shown(anchor.notifications),
    )
