"""How is a secret given to a command?  As the first line of a file that its owner alone may read.

Never as an argument: everybody on a host sees those.
"""

from pathlib import Path

from keystead.custody.files import read_private
from keystead.failures import Failure

_LONGEST = 1024  # bytes


def secret_in(file: str | Path) -> str:
    """The secret in a file; raises Failure, or SealError if others may read it."""
    line = read_private(Path(file)).partition(b"\n")[0].rstrip(b"\r")
    if not line:
        raise Failure(f"`{file}` is empty", "write the secret into its first line")
    try:
        text = line.decode()
    except UnicodeDecodeError:
        text = ""
    if not text or len(line) > _LONGEST:
        raise Failure(
            f"`{file}` holds no secret: its first line is no text of at most {_LONGEST} bytes",
            "write the secret into its first line, and nothing else",
        )
    return text
