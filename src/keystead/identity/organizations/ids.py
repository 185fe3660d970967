"""Which ids do the parts of an organization have?  (iam.md 1.12)

    o-…  an organization     r-…  a root       ou-ROOT-…  a unit of a root
    p-…  a policy            rp-… a resource policy       h-… a handshake       car-… a request

They have small letters and digits, with 5 random bits each. The id of a root is short, as at AWS,
so an id that is taken is not given again.
"""

from keystead.custody.randomness import unique_id
from keystead.identity.repository import Organizations
from keystead.store.protocol import Reader


def organization() -> str:
    return unique_id("o-", 10).lower()


def root(organizations: Organizations, reader: Reader) -> str:
    while True:
        made = unique_id("r-", 4).lower()
        if organizations.is_new_root(reader, made):
            return made


def unit(root_id: str) -> str:
    return unique_id(f"ou-{root_id.removeprefix('r-')}-", 8).lower()


def policy() -> str:
    return unique_id("p-", 10).lower()


def resource_policy() -> str:
    return unique_id("rp-", 10).lower()


def handshake() -> str:
    return unique_id("h-", 16).lower()


def request() -> str:
    return unique_id("car-", 32).lower()
