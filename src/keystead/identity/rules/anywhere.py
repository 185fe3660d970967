"""The rows of the operations of IAM Roles Anywhere."""

from keystead.rules import CredentialKind, Rules, Severity, table
from keystead.wire.models import rolesanywhere as api

_HIGH = Severity.HIGH

ANYWHERE = table(
    Rules(api.CreateProfile, asks=("rolesanywhere:CreateProfile", "iam:PassRole"), severity=_HIGH),
    Rules(
        api.CreateSession,
        asks=("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"),
        credentials=frozenset({CredentialKind.PROOF}),
    ),
    Rules(api.CreateTrustAnchor, severity=_HIGH),
    Rules(api.DeleteAttributeMapping, severity=_HIGH),
    Rules(api.DeleteCrl, severity=_HIGH),
    Rules(api.DeleteProfile),
    Rules(api.DeleteTrustAnchor),
    Rules(api.DisableCrl, severity=_HIGH),
    Rules(api.DisableProfile),
    Rules(api.DisableTrustAnchor),
    Rules(api.EnableCrl),
    Rules(api.EnableProfile, asks=("rolesanywhere:EnableProfile", "iam:PassRole"), severity=_HIGH),
    Rules(api.EnableTrustAnchor, severity=_HIGH),
    Rules(api.GetCrl),
    Rules(api.GetProfile),
    Rules(api.GetSubject),
    Rules(api.GetTrustAnchor),
    Rules(api.ImportCrl),
    Rules(api.ListCrls),
    Rules(api.ListProfiles),
    Rules(api.ListSubjects),
    Rules(api.ListTagsForResource),
    Rules(api.ListTrustAnchors),
    Rules(api.PutAttributeMapping, severity=_HIGH),
    Rules(api.PutNotificationSettings),
    Rules(api.ResetNotificationSettings),
    Rules(api.TagResource),
    Rules(api.UntagResource),
    Rules(api.UpdateCrl, severity=_HIGH),
    Rules(api.UpdateProfile, asks=("rolesanywhere:UpdateProfile", "iam:PassRole"), severity=_HIGH),
    Rules(api.UpdateTrustAnchor, severity=_HIGH),
)
