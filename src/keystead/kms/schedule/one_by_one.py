"""How is work done that waits for a date?  One key after the other, each in its own transaction.

An index leads to the keys whose date has come. It proves nothing. So the work reads the row itself,
and does nothing unless the authenticated row says the same. A key that fails is told, and does not
stop the others.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

from keystead.kms.keys import Place
from keystead.store.protocol import Store, StoreCorrupt, StoreUnavailable, Transaction

_MOST = 100  # keys in one run, so that callers wait for no more

D = TypeVar("D")


def one_by_one(
    store: Store,
    places: Iterable[Place],
    work: Callable[[Transaction, Place], D],
    failed: Callable[[Place, Exception], None],
) -> list[D]:
    """Do the work for these keys; `failed` is told of each failure. Raises errors of the store."""
    done: list[D] = []
    for place in places:
        try:
            with store.write() as transaction:
                done.append(work(transaction, place))
        except (StoreUnavailable, StoreCorrupt):
            raise
        except Exception as error:  # noqa: BLE001  # after any failure the next key has its turn
            failed(place, error)
        if len(done) == _MOST:
            break
    return done
