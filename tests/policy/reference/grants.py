"""Does a grant let the caller do this?  (KMS: grants, grant constraints)

A grant is written as the request of CreateGrant has it. It names its grantee as a key policy names
a principal: a role stands for its sessions, an account only delegates.
"""

from tests.policy.reference import patterns, principals
from tests.policy.reference.request import Document, Request

CONTEXT = "kms:encryptioncontext:"
WITHOUT_CONTEXT = ("kms:describekey",)  # a constraint on the context is not about these


def forms(request: Request) -> set[str]:
    """In which forms do grants that allow the request name the caller?"""
    found: set[str] = set()
    for grant in request.grants:
        operations = [f"kms:{patterns.ascii_lower(name)}" for name in grant["Operations"]]
        if request.action in operations and _met(grant, request):
            found |= principals.forms({"AWS": grant["GranteePrincipal"]}, request.caller)
    return found


def _met(grant: Document, request: Request) -> bool:
    if request.action in WITHOUT_CONTEXT:
        return True
    has = {
        key.removeprefix(CONTEXT): value
        for key, value in request.context.items()
        if key.startswith(CONTEXT)
    }
    for kind, pairs in (grant.get("Constraints") or {}).items():
        wanted = {patterns.ascii_lower(name): value for name, value in pairs.items()}
        if kind == "EncryptionContextEquals" and has != wanted:
            return False
        if kind == "EncryptionContextSubset" and not wanted.items() <= has.items():
            return False
    return True
