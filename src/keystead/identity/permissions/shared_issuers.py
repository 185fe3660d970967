"""Which providers of identities serve the tenants of many, and what must a trust policy say?

Everybody may get a token from such a provider. A trust policy that names it alone, or with the
audience that all of its tenants share, lets all of them in. So an Allow for it needs a condition
that tells the tenant (threat-model ST-9). The list names the providers that AWS's guide calls
shared, and those of web identities that need no record (iam.md 4.4). Its entries were not compared
with the guide one by one; `allow_unscoped_trust` is the way round a wrong one.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from keystead.policy.language import MalformedPolicy
from keystead.policy.text import ascii_lower


class Issuer(msgspec.Struct, frozen=True):
    """A shared provider: a condition on one of these claims tells the tenant."""

    claims: tuple[str, ...] = ("sub",)
    begins: str = ""  # how each value of the claim begins, for every tenant


SHARED: Mapping[str, Issuer] = {
    "accounts.google.com": Issuer(("aud", "sub", "oaud")),
    "agent.buildkite.com": Issuer(begins="organization:"),
    "api.pulumi.com/oidc": Issuer(("aud",)),
    "app.terraform.io": Issuer(begins="organization:"),
    "cognito-identity.amazonaws.com": Issuer(("aud", "sub")),
    "gitlab.com": Issuer(begins="project_path:"),
    "graph.facebook.com": Issuer(("app_id", "id")),
    "oidc-configuration.audit-log.githubusercontent.com": Issuer(),
    "oidc.codefresh.io": Issuer(begins="account:"),
    "oidc.vercel.com": Issuer(("aud", "sub")),
    "proidc.upbound.io": Issuer(),
    "sandboxes.cloud": Issuer(("aud",)),
    "scalr.io": Issuer(begins="account:"),
    "studio.datachain.ai/api": Issuer(),
    "token.actions.githubusercontent.com": Issuer(begins="repo:"),
    "tokens.cloud.shisho.dev": Issuer(),
    "vstoken.actions.githubusercontent.com": Issuer(begins="repo:"),
    "www.amazon.com": Issuer(("app_id", "user_id")),
}

# Operators under which a missing claim fails, and which say which value it has.
_TELLS = re.compile(r"(?:foranyvalue:)?string(?:equals|equalsignorecase|like)")
_VARIES = re.compile(r"[*?]|\$\{")
_WHOLE_NAME = re.compile(r"[^/:]+[/:]")
_PROVIDER = re.compile(r"(?:.*:oidc-provider/)?(.*)", re.DOTALL)


def require_tenants(document: str) -> None:
    """Refuse a valid trust policy that lets in all tenants of a shared provider.

    Raises MalformedPolicy with the name of the provider and the claims that would do.
    """
    statements = msgspec.json.decode(document, type=dict[str, Any])["Statement"]
    for statement in _listed(statements):
        if statement["Effect"] == "Allow":
            for name in _providers(statement):
                issuer = SHARED.get(name)
                if issuer is not None and not _tells_tenant(statement, name, issuer):
                    claims = " or ".join(f"{name}:{claim}" for claim in issuer.claims)
                    raise MalformedPolicy(
                        f"The provider {name} serves many tenants: an Allow for it needs a"
                        f" condition on {claims}"
                    )


def _providers(statement: Mapping[str, Any]) -> Iterator[str]:
    """The providers that a statement names, without what stands before them in an ARN."""
    principal = statement.get("Principal")
    if isinstance(principal, dict):
        for name in _listed(principal.get("Federated", ())):
            found = _PROVIDER.fullmatch(ascii_lower(name))
            if found is not None:
                yield found[1].rstrip("/")


def _tells_tenant(statement: Mapping[str, Any], name: str, issuer: Issuer) -> bool:
    """Is there a condition on a claim, each of whose values leaves the tenant no choice?"""
    wanted = {f"{name}:{claim}" for claim in issuer.claims}
    return any(
        _TELLS.fullmatch(ascii_lower(operator)) is not None
        and ascii_lower(key) in wanted
        and all(_is_of_one(value, issuer) for value in _listed(values))
        for operator, asked in statement.get("Condition", {}).items()
        for key, values in asked.items()
    )


def _is_of_one(value: str | float, issuer: Issuer) -> bool:
    """Does a value say something of the tenant before anything in it varies?

    A number or a truth value is a text to such an operator, and nothing in it varies.
    """
    fixed, *varying = _VARIES.split(ascii_lower(str(value)), maxsplit=1)
    if not fixed.startswith(issuer.begins):
        return False
    name = fixed.removeprefix(issuer.begins)
    if varying and issuer.begins:  # `repo:example*` is also of the tenant `example-other`
        return _WHOLE_NAME.match(name) is not None
    return bool(name)


def _listed(value: Any) -> Iterable[Any]:
    return value if isinstance(value, (list, tuple)) else (value,)
