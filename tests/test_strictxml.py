"""The one reader of XML: what it refuses, what it drops, and that nothing costs it too much."""

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keystead.strictxml import MAX_QUOTES, MAX_TAGS, NotStrictXml, parse

LAUGHS = '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><a>&c;</a>'
PIECES = st.sampled_from(
    [
        "<a>", "</a>", "<b x='1'", "/>", ">", "<!--", "-->", "<?p", "?>", "<![CDATA[", "]]>",
        "&amp;",
        "&e;", "&#0;", "&#x41;", "<!DOCTYPE a>", "<!ENTITY e 'x'>", " xmlns='u'", " xmlns:n='u'",
        "<n:a>", "\x00", "\ud800", "\ufffe", "é", "=", '"', "]", "<?xml version='1.0'",
        " encoding='utf-7'", "\r\n",
    ]
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (LAUGHS, "document type"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "document type"),
        ("<a><!-- <!DOCTYPE a> --></a>", "document type"),  # rather too much than too little
        ("<a>&unknown;</a>", "not well-formed"),
        ("<a></b>", "not well-formed"),
        ("<a/><b/>", "not well-formed"),
        ("", "not well-formed"),
        ("<a x='1' x='2'/>", "not well-formed"),
        ("<n:a/>", "not well-formed"),
        ("<a>\x00</a>", "not well-formed"),
        ("<a>\ud800</a>", "lone surrogate"),
        ("\ufeff<a/>", "byte order mark"),
        ('<?xml version="1.0" encoding="utf-16"?><a/>', "not declared to be UTF-8"),
        ("<?xml version='1.0' encoding = 'UTF-7'?><a>+ADw-</a>", "not declared to be UTF-8"),
        ("<a>" * 300 + "</a>" * 300, "not well-formed"),  # too deep
        ("<a>" + "<b/>" * MAX_TAGS + "</a>", "too many"),
        ("<a " + " ".join(f"b{n}=''" for n in range(MAX_QUOTES)) + "/>", "too many"),
    ],
)
def test_what_is_refused(text: str, reason: str) -> None:
    """A text with two readings, or one that costs too much, is no document."""
    with pytest.raises(NotStrictXml, match=reason):
        parse(text)


def test_what_is_read() -> None:
    """A declaration of UTF-8 is none; comments and instructions leave no seam in a text."""
    root = parse(
        '<?xml version="1.0" encoding="UTF-8"?>'
        "<n:a xmlns:n='urn:n' x='1&amp;2'><b>one<!-- x --> and<?p x?> <![CDATA[<two>]]></b></n:a>"
    )
    assert (root.tag, root.get("x"), root.get("y")) == ("{urn:n}a", "1&2", None)
    [child] = root.iterchildren("b")
    assert child.text == "one and <two>"
    assert list(root.iterchildren("c")) == []


def test_a_large_document_takes_no_time() -> None:
    """Ten million characters are read within two seconds, and refused as fast."""
    for inside in ("x" * 9_900_000, "<b/>" * 49_000 + "y" * 9_000_000, "&amp;" * 1_900_000):
        started = time.thread_time()
        parse(f"<a>{inside}</a>")
        assert time.thread_time() - started < 2


@settings(max_examples=300)
@given(st.lists(PIECES, max_size=40).map("".join))
@example("<a xmlns='u'>")
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever the text is, the reader ends with a document without entities, or refuses it."""
    try:
        root = parse(text)
    except NotStrictXml:
        return
    assert isinstance(root.tag, str)
    assert "<!DOCTYPE" not in text
    assert "&e;" not in text or "<![CDATA[" in text or "<!--" in text or "<?" in text
