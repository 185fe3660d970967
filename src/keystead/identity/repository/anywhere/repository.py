"""The tables of IAM Roles Anywhere."""

from keystead.custody.rows import RowSeals
from keystead.identity.repository.anywhere.anchors import TrustAnchors
from keystead.identity.repository.anywhere.crls import Crls
from keystead.identity.repository.anywhere.profiles import AnywhereProfiles
from keystead.identity.repository.anywhere.released import ReleasedCertificates
from keystead.identity.repository.anywhere.subjects import AnywhereSubjects, UsedRequests


class Anywhere:
    """What Roles Anywhere remembers of every account."""

    __slots__ = ("anchors", "crls", "profiles", "released", "subjects", "used_requests")

    def __init__(self, seals: RowSeals) -> None:
        self.anchors = TrustAnchors(seals)
        self.profiles = AnywhereProfiles(seals)
        self.released = ReleasedCertificates(seals)
        self.crls = Crls(seals, self.released)
        self.subjects = AnywhereSubjects(seals)
        self.used_requests = UsedRequests(seals)
