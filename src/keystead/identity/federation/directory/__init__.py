"""What does a directory say of a person?  Its settings, and one question over LDAP."""

from keystead.identity.federation.directory.proof import (
    DIRECTORY_STEPS,
    DirectoryProof,
    DirectoryQuestion,
    ask_directory,
)
from keystead.identity.federation.directory.settings import (
    DIRECTORY_KINDS,
    BadDirectory,
    DirectorySettings,
    settings_of_directory,
)

__all__ = (
    "DIRECTORY_KINDS", "DIRECTORY_STEPS", "BadDirectory", "DirectoryProof", "DirectoryQuestion",
    "DirectorySettings", "ask_directory", "settings_of_directory",
)  # fmt: skip
