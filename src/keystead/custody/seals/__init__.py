"""How is the root key wrapped, and how does it come back?"""

from keystead.custody.seals.providers import FileSeal, PassphraseSeal, SealProvider
from keystead.custody.seals.root import (
    RECOVERY_FILE,
    SEAL_FILE,
    RootKey,
    initialise,
    memory_for_passphrase,
    open_root,
    recover,
)

__all__ = (
    "RECOVERY_FILE", "SEAL_FILE", "FileSeal", "PassphraseSeal", "RootKey", "SealProvider",
    "initialise", "memory_for_passphrase", "open_root", "recover",
)  # fmt: skip
