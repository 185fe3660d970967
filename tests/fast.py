"""What `make fast` leaves out: whatever starts a server, and what proves something at length.

`make test` runs everything. A file that takes more than a few seconds belongs here.
"""

from collections.abc import Sequence

import pytest

SERVERS = {"server", "own_server"}  # fixtures that start a process
LEFT_OUT = (
    "tests/cli/test_archive.py",
    "tests/cli/test_commands.py",
    "tests/clients/",
    "tests/differential/",
    "tests/durability/",
    "tests/hostile/",
    "tests/inquiry/",
    "tests/matrix/",
    "tests/memory/",
    "tests/story/",
    "tests/test_caches.py",
    "tests/test_setup.py",
    "tests/test_typing.py",
    "tests/audit/test_archive.py",
    "tests/audit/test_failed_syncs.py",
    "tests/audit/test_power_loss.py",
    "tests/audit/test_recovery.py",
    "tests/custody/test_root.py",
    "tests/kms/test_machine.py",
    "tests/policy/test_differential.py",
    "tests/policy/test_findings_properties.py",
    "tests/policy/test_generators.py",
    "tests/policy/test_possibility.py",
    "tests/policy/test_properties.py",
    "tests/server/test_checkpoint_file.py",
    "tests/server/test_development.py",
    "tests/server/test_evictions.py",
    "tests/server/test_founding.py",
    "tests/server/test_kept.py",
    "tests/server/test_mutations.py",
    "tests/server/test_newest_state.py",
    "tests/server/test_revocations.py",
    "tests/server/test_slow_server.py",
    "tests/server/test_tls.py",
    "tests/server/test_unsupported_keys.py",
    "tests/store/test_power_loss.py",
    "tests/trails/test_export.py",
)
LONGEST = (
    "tests/story/test_terraform.py",
    "tests/durability/",
    "tests/memory/",
    "tests/server/test_evictions.py",
    "tests/hostile/",
    "tests/audit/test_failed_syncs.py",
    "tests/server/test_founding.py",
    "tests/store/test_power_loss.py",
)
"""They are begun first: at the end no worker waits while another is in a long test."""

SAMPLE = 20
"""Of the decision vectors every twentieth of each file is tried."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="leave out what takes long")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the longest, and deselect what is left out."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))
    if not config.getoption("--fast"):
        return
    kept = [item for item in items if not is_left_out(item.nodeid, fixtures(item))]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    items[:] = kept


def fixtures(item: pytest.Item) -> Sequence[str]:
    return item.fixturenames if isinstance(item, pytest.Function) else ()


def is_left_out(name: str, fixtures: Sequence[str]) -> bool:
    """Does it start a server, or take long?"""
    return name.startswith(LEFT_OUT) or not SERVERS.isdisjoint(fixtures)
