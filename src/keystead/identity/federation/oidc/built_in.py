"""Which providers need no record in an account?  (iam.md 4.4, 8.2; decision 0064)

AWS has four. Two of them give id tokens, and an operator may turn these on. The tokens of the other
two are known to their own services alone, and are not taken.

Such a provider is the same for every account. It has no thumbprint, so only authorities that the
system knows vouch for its keys, and no client ids: the trust policy says which audience it means.
"""

from keystead.identity.federation.oidc.discovery import SCHEME, Provider

BUILT_IN = frozenset({"accounts.google.com", "cognito-identity.amazonaws.com"})
WITH_ACCESS_TOKENS = frozenset({"graph.facebook.com", "www.amazon.com"})


class NotBuiltIn(ValueError):
    """A name that cannot be turned on. `by_access_token`: because its tokens are no id tokens."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.by_access_token = name in WITH_ACCESS_TOKENS


def read_built_in(names: tuple[str, ...]) -> frozenset[str]:
    """The providers that an operator turns on; raises NotBuiltIn."""
    for name in names:
        if name not in BUILT_IN:
            raise NotBuiltIn(name)
    return frozenset(names)


def built_in(issuer: str, turned_on: frozenset[str]) -> Provider | None:
    """The provider of this issuer, if it is turned on."""
    name = issuer.removeprefix(SCHEME)
    if name not in turned_on:
        return None
    return Provider("", name, name, name, frozenset(), (), built_in=True)
