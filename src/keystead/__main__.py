"""`python -m keystead`, and the command `keystead`."""

import sys


def main() -> None:
    """Run the command line and end the process with its status."""
    from keystead.cli import run  # noqa: PLC0415  # Ctrl-C during imports ends quietly too

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
