"""Which pipeline serves persons?  That of the API, with one other verifier and one more service.

A page's call takes the same steps as every other call, in the same turns: the same policies,
quotas, records and slow lane. Only the first question, who asks, is answered by
`identity.signin.Visitors`.
"""

from dataclasses import replace
from functools import partial

from keystead.identity.call import SigninCall
from keystead.identity.principals import StoredPrincipals
from keystead.identity.signin import SIGNIN, Visitors, shapes
from keystead.server.installation import Installation
from keystead.server.pipeline import Pipeline


def pipeline_for_persons(installation: Installation) -> Pipeline:
    """The pipeline of the console's listener."""
    api, hierarchy = installation.pipeline, installation.hierarchy
    repository, incarnation = installation.identities, hierarchy.incarnation
    signin = partial(
        SigninCall,
        principals=StoredPrincipals(repository, installation.store.read()),
        guardrails=installation.guardrails,
        enforcer=installation.enforcer,
        repository=repository,
        passwords=hierarchy.passwords,
        one_time_codes=hierarchy.one_time_codes,
        typed_names=hierarchy.typed_names,
        tokens=hierarchy.tokens,
        incarnation=incarnation,
        provider_keys=installation.provider_keys,
        outside=installation.outside,
    )
    name = shapes.SERVICE.name
    rules = {**api.rules, name: SIGNIN}
    return replace(
        api,
        authenticator=Visitors(repository, incarnation, installation.config.regions[0]),
        calls={**api.calls, name: signin},
        rules=rules,
        endings=replace(api.endings, rules=rules),
    )
