"""What `make fast` leaves out: whatever starts a server, and what proves something at length.

`make test` runs everything. A file that takes more than a few seconds belongs here.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")

SERVERS = {"server", "own_server"}  # fixtures that start a process
LEFT_OUT = (
    "tests/cli/test_archive.py",
    "tests/cli/test_commands.py",
    "tests/cli/test_installations.py",
    "tests/clients/",
    "tests/console/test_command_line.py",
    "tests/console/test_login_doors.py",
    "tests/differential/",
    "tests/directories/",
    "tests/durability/",
    "tests/hostile/",
    "tests/inquiry/",
    "tests/matrix/",
    "tests/memory/",
    "tests/story/",
    "tests/federation/test_keys.py",
    "tests/identity/test_login_profiles.py",
    "tests/kms/test_grant_machine.py",
    "tests/kms/test_import_kinds.py",
    "tests/kms/test_imported_vectors.py",
    "tests/network/test_across_regions.py",
    "tests/network/test_coming.py",
    "tests/network/test_instance_guard.py",
    "tests/network/test_proxy.py",
    "tests/network/test_reloading.py",
    "tests/server/test_long_documents.py",
    "tests/server/test_million.py",
    "tests/server/test_passwords.py",
    "tests/server/test_slow_door.py",
    "tests/server/test_slow_lane.py",
    "tests/server/test_throttle.py",
    "tests/test_permits.py",
    "tests/test_caches.py",
    "tests/test_setup.py",
    "tests/test_typing.py",
    "tests/audit/test_archive.py",
    "tests/audit/test_failed_syncs.py",
    "tests/audit/test_power_loss.py",
    "tests/audit/test_recovery.py",
    "tests/console/",
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
    "tests/server/test_extras.py",
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

_FOLDERS = tuple(name for name in LEFT_OUT if name.endswith("/"))

CASES = 6
"""Of the like cases of one test so many are tried, from the first to the last."""

SAMPLE = 20
"""Of the decision vectors every twentieth of each file is tried."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="leave out what takes long")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import what is left out: each worker would, for many seconds."""
    if not config.getoption("--fast"):
        return None
    name = collection_path.relative_to(config.rootpath).as_posix()
    return True if f"{name}/".startswith(_FOLDERS) or name in LEFT_OUT else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the longest, and deselect what is left out."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))
    if not config.getoption("--fast"):
        return
    kept = sampled([item for item in items if not is_left_out(item.nodeid, fixtures(item))])
    config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    items[:] = kept


def sampled(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """At most `CASES` of each test, evenly spread over its cases."""
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    chosen = {item for like in cases.values() for item in spread(like, CASES)}
    return [item for item in items if item in chosen]


def spread(cases: Sequence[T], most: int) -> list[T]:
    """At most so many of these, the first and the last among them."""
    if len(cases) <= most:
        return list(cases)
    return [cases[number * (len(cases) - 1) // (most - 1)] for number in range(most)]


def fixtures(item: pytest.Item) -> Sequence[str]:
    return item.fixturenames if isinstance(item, pytest.Function) else ()


def is_left_out(name: str, fixtures: Sequence[str]) -> bool:
    """Does it start a server, or take long?"""
    return name.startswith(LEFT_OUT) or not SERVERS.isdisjoint(fixtures)
