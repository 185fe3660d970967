"""How does a person of this installation sign in for the command line?  (sign-in.md 4.12)"""

from keystead.agent.login.asking import Asked, on_another_device, on_this_device
from keystead.agent.login.keeping import NotSignedIn, Store, Stored
from keystead.agent.login.keys import new_key
from keystead.agent.login.tokens import Ended, Tokens, ended, redeemed, renewed

__all__ = [
    "Asked", "Ended", "NotSignedIn", "Store", "Stored", "Tokens", "ended", "new_key",
    "on_another_device", "on_this_device", "redeemed", "renewed",
]  # fmt: skip
