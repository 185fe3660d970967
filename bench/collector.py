"""How long do calls wait for the garbage collector while a million objects come to be kept?

    python -m bench.collector

The longest collection of each generation, in milliseconds of processor time: as Python comes, and
as the server does it (`collecting`); and one full collection that looks at all of them.
"""

import gc
import time
from collections.abc import Callable

from keystead.server.installation.collecting import Collector

EACH_TURN = 1_000  # closures
CLOSURES = 250_000  # each a function, its closure, a cell and a tuple


class Longest:
    """The longest collection of each generation, as a callback of the collector."""

    def __init__(self) -> None:
        self.milliseconds = [0.0, 0.0, 0.0]
        self._began = 0.0

    def __call__(self, phase: str, about: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.process_time()
            return
        took = (time.process_time() - self._began) * 1e3
        generation = about["generation"]
        self.milliseconds[generation] = max(self.milliseconds[generation], took)


def _closure(number: int) -> Callable[[int], bool]:
    pair = (number, str(number))
    return lambda other: other in pair


def _measured(name: str, ended: Callable[[], None]) -> None:
    longest = Longest()
    gc.callbacks.insert(0, longest)
    kept = []
    for number in range(CLOSURES):
        kept.append(_closure(number))
        if not number % EACH_TURN:
            ended()
    gc.callbacks.remove(longest)
    shown = "  ".join(f"{took:7.1f}" for took in longest.milliseconds)
    print(f"{name:28}{shown}   ({4 * len(kept):,} objects)")


def main() -> None:
    _measured("as Python comes", lambda: None)
    collector = Collector(lambda: 1, time.monotonic)
    collector.start()
    _measured("as the server does it", collector.set_aside)
    kept = [_closure(number) for number in range(CLOSURES)]
    gc.unfreeze()
    began = time.process_time()
    gc.collect()
    took = (time.process_time() - began) * 1e3
    print(f"{'all of them at once':28}{took:25.1f}   ({4 * len(kept):,} objects)")


if __name__ == "__main__":
    main()
