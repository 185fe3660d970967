"""How does a person get credentials at the command line, without a secret that is stored?

By the sign-in at their own provider of identities (OpenID Connect), in a browser.
"""

from keystead.agent.people.patience import Patience
from keystead.agent.people.provider import Client, Provider, Shown
from keystead.agent.people.signing_in import Flow, SignIn, id_token
from keystead.agent.people.tokens import name_of

__all__ = ["Client", "Flow", "Patience", "Provider", "Shown", "SignIn", "id_token", "name_of"]
