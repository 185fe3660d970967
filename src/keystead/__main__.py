"""`python -m keystead`, and the command `keystead`.

Imports make some 50,000 objects, and they all stay. To look for garbage among them again and again
would cost as much as half of them, so the collector begins when the command is imported.
"""

import gc
import signal
import sys


def main() -> None:
    """Run the command line and end the process with its status."""
    if sys.argv[1:2] == ["serve"]:  # SIGHUP would end it until it can read settings again
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGHUP,))
    gc.disable()  # until `keystead.cli.keystead`
    from keystead.cli import run  # noqa: PLC0415  # Ctrl-C during imports ends quietly too

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
