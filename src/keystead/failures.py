"""What does a person get when something is wrong?  What it is, where, and what to do."""


class Failure(Exception):
    """A message for a person at the command line, with the exit status that goes with it.

    The text is lower case, without a final period, user input in backticks.
    """

    def __init__(self, message: str, hint: str = "", *, status: int = 2) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.status = status
