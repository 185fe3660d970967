"""The server decides as the second evaluator does, over calls that make and change everything.

`make prove-differential` runs the same comparison at length (PE-11, P-07).
"""

from pathlib import Path

import pytest

from keystead.identity.permissions import attached, passed
from keystead.policy.evaluation import PrincipalPolicies
from tests.differential.comparing import Comparison
from tests.differential.land import Land

SHARES, ROUNDS = 2, 45


def compared(directory: Path, rounds: range) -> Comparison:
    """The comparison after these rounds, each by its own seed."""
    land = Land.create(directory)
    found = Comparison(land)
    for seed in rounds:
        found.round(seed)
    land.local.installation.close()
    return found


@pytest.mark.parametrize("share", range(SHARES))
def test_the_server_agrees_with_the_second_evaluator(tmp_path: Path, share: int) -> None:
    """Each decision about each caller is the same, with its reason, whatever was changed before."""
    found = compared(tmp_path, range(share * ROUNDS, (share + 1) * ROUNDS))

    assert not found.disagreements, "\n\n".join(found.disagreements[:3])
    outcomes = found.outcomes
    assert outcomes["decided: Allowed"] > 4 * ROUNDS
    assert outcomes["decided: ImplicitlyDenied"] > 4 * ROUNDS
    assert outcomes["decided: ExplicitlyDenied"] > ROUNDS / 2
    assert outcomes["begun: federated user"]
    assert outcomes["begun: role abroad"]
    assert outcomes["begun: vouched by AssumeRoleWithSAML"]
    assert outcomes["begun: vouched by AssumeRoleWithWebIdentity"]


@pytest.mark.parametrize("defect", ["boundaries", "session policies"])
def test_a_defect_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, defect: str
) -> None:  # fmt: skip
    """A server that forgets a kind of policy disagrees within a few rounds."""
    if defect == "boundaries":
        of = attached.of

        def unbounded(*asked: object) -> PrincipalPolicies:
            found = of(*asked)  # type: ignore[arg-type]  # passed on as they are
            return PrincipalPolicies(identity_based=found.identity_based)

        monkeypatch.setattr(attached, "of", unbounded)
    else:
        monkeypatch.setattr(passed, "session_policies", lambda *_: ())
    assert compared(tmp_path, range(24)).disagreements
