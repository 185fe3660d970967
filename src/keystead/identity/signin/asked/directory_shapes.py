"""What is the sign-in by a directory asked?  (sign-in.md 4.6)"""

from keystead.identity.signin.asked.shapes import SERVICE, Secret, StepAnswer
from keystead.wire.operation import Operation


class DirectoryLoginRequest(Secret, frozen=True, kw_only=True):
    """A name and a password of a directory, as somebody typed them."""

    directory: str
    user_name: str
    password: str
    url: str = ""  # of the pages, for the record


DIRECTORY_LOGIN: Operation[DirectoryLoginRequest, StepAnswer] = Operation(
    SERVICE, "DirectoryLogin", DirectoryLoginRequest, StepAnswer, signed=False
)
