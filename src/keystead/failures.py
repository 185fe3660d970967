"""How is a person told that something is wrong?  By a message and a hint what to do."""


class Failure(Exception):
    """A message for a person at the command line, and the exit status.

    `message` says what is wrong, and where; `hint` says what to do. Both are lower case, without
    a final period, with user input in backticks.
    """

    def __init__(self, message: str, hint: str = "", *, status: int = 2) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.status = status


def cause_of(error: Exception) -> str:
    """Why a file or another side cannot be used, in the words of the system."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not text in UTF-8"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error).strip() or type(error).__name__
