"""`with refused("NoSuchEntity"):` the block is refused with this code of the Query protocol."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from keystead.errors import AwsError


@contextmanager
def refused(code: str, message: str = "") -> Iterator[None]:
    """The block raises the AWS error `code`, and its message contains `message`."""
    with pytest.raises(AwsError) as caught:
        yield
    assert message in (caught.value.message or "")
    assert (caught.value.query_code or caught.value.code) == code
