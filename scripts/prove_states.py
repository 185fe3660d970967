"""Random lives of keys, held against simple models, at length. `make prove-states` runs it.

    python scripts/prove_states.py ROUNDS [NAME…]

    ROUNDS   sequences of calls for each machine; a sequence has up to 60 steps
    NAME     only these machines: lives, relatives, imports, regions, granting

The same machines as `tests/kms/test_*machine.py` run, each longer. Exit status 1 when a key was in
another state than its model, with the shortest sequence of calls that shows it.
"""

import sys
import time
import traceback
from pathlib import Path
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from tests.kms.test_grant_machine import Granting
from tests.kms.test_import_machine import Imports
from tests.kms.test_imported_regions_machine import ImportedSet
from tests.kms.test_imports import made_before
from tests.kms.test_machine import Lives
from tests.kms.test_multi_region_machine import Relatives

from keystead.custody import wrapping

MACHINES: dict[str, type[RuleBasedStateMachine]] = {
    "lives": Lives,
    "relatives": Relatives,
    "imports": Imports,
    "regions": ImportedSet,
    "granting": Granting,
}


def main() -> int:
    if len(sys.argv) < 2 or not sys.argv[1].isdigit() or {*sys.argv[2:]} - {*MACHINES}:
        sys.exit(f"usage: python scripts/prove_states.py ROUNDS [{' '.join(MACHINES)}]")
    rounds = int(sys.argv[1])
    with patch.object(wrapping, "generate_private_key", made_before):
        held = [proved(name, rounds) for name in sys.argv[2:] or MACHINES]
    return 0 if all(held) else 1


def proved(name: str, rounds: int) -> bool:
    """Run one machine; does every key do as its model says?"""
    chosen = settings(
        max_examples=rounds, stateful_step_count=60, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    began = time.monotonic()
    try:
        run_state_machine_as_test(MACHINES[name], settings=chosen)
    except Exception:  # noqa: BLE001  # whatever it is, the sequence that led to it is told
        traceback.print_exc()
        verdict = "does NOT hold"
    else:
        verdict = "holds"
    print(f"{name}: {rounds} sequences, {time.monotonic() - began:.0f} s: {verdict}", flush=True)
    return verdict == "holds"


if __name__ == "__main__":
    sys.exit(main())
