"""How does a person get credentials at the command line, without a secret that is stored?

By the sign-in at their own provider of identities (OpenID Connect), in a browser.
"""

from keystead.agent.people.kept import held
from keystead.agent.people.patience import Patience
from keystead.agent.people.provider import Client, Provider
from keystead.agent.people.returning import Listener, Return, unheard
from keystead.agent.people.signing_in import Flow, SignIn, id_token
from keystead.agent.people.tokens import name_of, subject_of

__all__ = [
    "Client", "Flow", "Listener", "Patience", "Provider", "Return", "SignIn", "held",
    "id_token", "name_of", "subject_of", "unheard",
]  # fmt: skip
