"""One data directory: its configuration, its founding, its jobs and its ceremonies."""

from keystead.server.installation import (
    ceremonies,
    config,
    control,
    development,
    founding,
    process,
    profiles,
)
from keystead.server.installation.ceremonies import perform
from keystead.server.installation.clock_repository import ClockRepository
from keystead.server.installation.collecting import Collector
from keystead.server.installation.config import (
    READ_AGAIN,
    Address,
    Config,
    Network,
    as_toml,
    descriptions,
    parse_address,
)
from keystead.server.installation.founding import (
    AUDIT_DIRECTORY,
    PASSWORD_FILE,
    STORE_FILE,
    Choices,
    Founded,
    ceremony_event,
)
from keystead.server.installation.installation import Installation
from keystead.server.installation.jobs import Jobs
from keystead.server.installation.opening import lock, passphrase, seal
from keystead.server.installation.serving import Serving

__all__ = (
    "AUDIT_DIRECTORY", "PASSWORD_FILE", "READ_AGAIN", "STORE_FILE", "Address", "Choices",
    "ClockRepository",
    "Collector", "Config", "Founded", "Installation", "Jobs", "Network", "Serving", "as_toml",
    "ceremonies", "ceremony_event", "config", "control", "descriptions", "development",
    "founding", "lock", "parse_address", "passphrase", "perform", "process", "profiles", "seal",
)  # fmt: skip
