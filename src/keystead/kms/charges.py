"""Against which request quotas does a call of KMS count?  (`quotas`)

Cryptographic operations share one for each family of algorithms. The input tells the family, so no
key is looked for: a call with an algorithm that its key has not is refused anyhow, and counts where
it said.
"""

from collections.abc import Callable, Mapping
from typing import Any, get_args

from keystead.kms import usage
from keystead.quotas import ECC, ML_DSA, ML_KEM, RSA, SYMMETRIC, of_pair
from keystead.wire.models import kms as api

Charged = Callable[[Any], tuple[str, ...]]
"""The names, for an input; for None if the input could not be read."""

_FAMILIES = {"RSA_": RSA, "ECC_": ECC, "SM2": ECC, "ML_DSA_": ML_DSA, "ML_KEM_": ML_KEM}


def _family(spec: str) -> str:
    """The quota of cryptographic operations with keys of this spec."""
    prefixes = (quota for prefix, quota in _FAMILIES.items() if spec.startswith(prefix))
    return next(prefixes, SYMMETRIC)


_OF_ALGORITHM: Mapping[str | None, tuple[str, ...]] = {
    algorithm: (_family(spec),)
    for spec, usages in usage.ALGORITHMS.items()
    for algorithms in usages.values()
    for algorithm in algorithms
}
_OF_PAIR = {
    spec: (ML_KEM if _family(spec) is ML_KEM else of_pair(spec),)
    for spec in get_args(api.DataKeyPairSpec)
}


def named(name: str) -> Charged:
    """Every call counts against one quota."""
    names = (name,)
    return lambda _: names


def by_algorithm(member: str, default: str = SYMMETRIC) -> Charged:
    """Calls count by the algorithm in a member of the input, which says the family."""
    without = (default,)
    return lambda asked: _OF_ALGORITHM.get(getattr(asked, member, None), without)


def by_algorithms(first: str, second: str) -> Charged:
    """The same for two members. A call whose two are of different families counts twice."""
    firsts, seconds = by_algorithm(first), by_algorithm(second)

    def charged(asked: Any) -> tuple[str, ...]:
        names, others = firsts(asked), seconds(asked)
        return names if names == others else (*names, *others)

    return charged


def by_pair(asked: Any) -> tuple[str, ...]:
    """Pairs of data keys count by their spec."""
    return _OF_PAIR.get(getattr(asked, "key_pair_spec", ""), _OF_PAIR["ECC_NIST_P256"])
