"""`keystead` with the operations of the tests that leave work, and one worker that computes.

python -m tests.server.slow_server serve --data DIR …
"""

import keystead.kms.operations  # noqa: F401  # they are registered before some are replaced
from keystead.__main__ import main
from keystead.server.lane import lane
from keystead.work import PROCESSOR
from tests.server import slow_operations

if __name__ == "__main__":
    slow_operations.register()
    lane.WORKERS[PROCESSOR] = 1  # type: ignore[index]  # it is a dictionary
    main()
