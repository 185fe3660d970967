"""Which pipeline serves persons?  That of the API, with one other verifier and one more service.

A page's call takes the same steps as every other call, in the same turns: the same policies,
quotas, records and slow lane. Only the first question, who asks, is answered by
`identity.signin.Visitors`.
"""

from collections.abc import Mapping
from dataclasses import replace

from keystead.call import opener
from keystead.identity.call import SigninCall
from keystead.identity.principals import StoredPrincipals
from keystead.identity.signin import SIGNIN, Visitors, logins, shapes
from keystead.rules import Rules
from keystead.server.console.places import Places
from keystead.server.installation import Installation
from keystead.server.pipeline import Pipeline


def pipeline_for_persons(installation: Installation, places: Places) -> Pipeline:
    """The pipeline of the console's listener."""
    regions, incarnation = installation.config.regions, installation.hierarchy.incarnation
    visitors = Visitors(installation.identities, incarnation, regions[0], installation.last_used)
    return replace(_serving(installation, places, SIGNIN), authenticator=visitors)


def pipeline_for_programs(installation: Installation, places: Places) -> Pipeline:
    """The pipeline of the API's listeners, which give tokens as well."""
    return _serving(installation, places, logins.OF_PROGRAMS)


def _serving(installation: Installation, places: Places, rows: Mapping[str, Rules]) -> Pipeline:
    """The pipeline of the API with the service of sign-in, as far as it has these rows."""
    api, hierarchy = installation.pipeline, installation.hierarchy
    repository = installation.identities
    signin = opener(
        SigninCall,
        principals=StoredPrincipals(repository, installation.store.read()),
        guardrails=installation.guardrails,
        enforcer=installation.enforcer,
        repository=repository,
        passwords=hierarchy.passwords,
        one_time_codes=hierarchy.one_time_codes,
        typed_names=hierarchy.typed_names,
        tokens=hierarchy.tokens,
        incarnation=hierarchy.incarnation,
        session_tokens=hierarchy.session_tokens,
        urls=frozenset(places.urls),
        pages=places.console,
        cross_device_login=installation.config.cross_device_login,
        provider_keys=installation.provider_keys,
        outside=installation.outside,
    )
    name = shapes.SERVICE.name
    rules = {**api.rules, name: rows}
    return replace(
        api,
        calls={**api.calls, name: signin},
        rules=rules,
        endings=replace(api.endings, rules=rules),
    )
