"""How a policy document is given back."""

from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from keystead.identity.iam.documents import encoded

CHARACTERS = "\t\n\r" + "".join(map(chr, range(0x20, 0x100)))  # of a document (iam.md 1.7)


@given(st.text(CHARACTERS, max_size=200))
def test_encoding_is_of_rfc_3986(document: str) -> None:
    """Every character but the unreserved ones is percent-encoded, as UTF-8."""
    assert encoded(document) == quote(document, safe="-_.~")


def test_runs_of_reserved_characters() -> None:
    """Many reserved characters in a row are each encoded."""
    assert encoded('{"é' + " " * 100) == "%7B%22%C3%A9" + "%20" * 100
