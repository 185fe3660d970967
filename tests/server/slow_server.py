"""`keystead` with the operations of the tests that leave work.

python -m tests.server.slow_server serve --data DIR …
"""

import keystead.kms.operations  # noqa: F401  # they are registered before some are replaced
from keystead.__main__ import main
from tests.server import slow_operations

if __name__ == "__main__":
    slow_operations.register()
    main()
