"""What tests need beside the packages of `.venv`, and what is said where it is missing."""

import shutil

import pytest

CHROMIUM = shutil.which("chromium")


def not_tried(what: str, missing: str) -> str:
    """Why a test is skipped, for the summary of the run: `what` is such as `the SDK was`."""
    return f"{missing}: {what} NOT tried"


def needs(what: str, *missing: str) -> pytest.MarkDecorator:
    """Skip a test that tries this, if something is missing on this machine."""
    absent = f"no {' and no '.join(missing)} on this machine"
    return pytest.mark.skipif(bool(missing), reason=not_tried(what, absent))


def missing(*programs: str) -> list[str]:
    """The programs that are not on this machine."""
    return [program for program in programs if shutil.which(program) is None]


def needs_node(what: str) -> pytest.MarkDecorator:
    """Skip a test that tries a program in JavaScript, if there is no Node.js to run it."""
    return needs(what, *missing("node", "npm"))


def needs_chromium(what: str) -> pytest.MarkDecorator:
    """Skip a test that opens pages in Chromium, if it is not here."""
    return needs(what, *missing("chromium"))
