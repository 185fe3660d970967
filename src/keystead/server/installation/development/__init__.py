"""How is an installation for development made, and kept apart from all others?  (decision 0043)

It is marked for ever when it is made (`custody/seals`). Every answer (`server/app`) and every
record (`audit/records/record`) says so. Here is what it may listen on, and how it is seeded.
"""

from keystead.server.installation.development.local import is_of_a_page, require_local
from keystead.server.installation.development.planting import plant
from keystead.server.installation.development.seed import Seed, read_seed

__all__ = ("Seed", "is_of_a_page", "plant", "read_seed", "require_local")
