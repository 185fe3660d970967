"""Is this text XML, with only one possible reading?  The one hardened reader (threat-model PA-8).

A document type is refused, and with it every entity that a document could define. Nothing is
fetched. Comments and processing instructions are dropped before anybody looks, so the text around
them is one text. An encoding that a document declares is never followed: the text was decoded by
the caller, and is UTF-8 here.

The work is bounded before the parser sees the text: by its marks, which make elements and
attributes. The parser itself bounds the depth (256) and the length of a name or text.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Protocol

from lxml import etree

MAX_TAGS = 100_000  # characters `<`: twice the elements, at most
MAX_QUOTES = 200_000  # quotation marks: twice the attributes

_DOCTYPE = "<!DOCTYPE"  # no other spelling is one (XML 1.0, 2.8)
_DECLARATION = re.compile(r"\A<\?xml\s[^>]*?\bencoding\s*=\s*[\"']([A-Za-z0-9._-]*)[\"']")
_UTF8 = "utf-8"


class NotStrictXml(ValueError):
    """The text is refused. The caller decides which AWS error that becomes."""


class Element(Protocol):
    """An element with everything inside it. Names are `{namespace}local`."""

    @property
    def tag(self) -> str: ...

    @property
    def text(self) -> str | None:
        """The text before the first child."""

    def get(self, name: str) -> str | None:
        """The value of an attribute."""

    @property
    def tail(self) -> str | None:
        """The text between this element and its next sibling."""

    @property
    def attrib(self) -> Mapping[str, str]:
        """The attributes. Those of a namespace are named `{namespace}local`."""

    def iterchildren(self, tag: str | None = None) -> Iterator["Element"]:
        """The children, or those with this name."""

    def iter(self) -> Iterator["Element"]:
        """The element itself, and everything inside it."""


def parse(text: str) -> Element:
    """The root of a document; raises NotStrictXml with the reason."""
    if _DOCTYPE in text:
        raise NotStrictXml("the document has a document type")
    if text.count("<") > MAX_TAGS or text.count('"') + text.count("'") > MAX_QUOTES:
        raise NotStrictXml("the document has too many elements or attributes")
    if text.startswith("\ufeff"):
        raise NotStrictXml("the document begins with a byte order mark")
    declared = _DECLARATION.match(text)
    if declared is not None and declared[1].lower() != _UTF8:
        raise NotStrictXml("the document is not declared to be UTF-8")
    try:
        root: Element = etree.fromstring(text.encode(), _parser())
    except UnicodeEncodeError:
        raise NotStrictXml("the document has a lone surrogate") from None
    except etree.XMLSyntaxError:
        raise NotStrictXml("the document is not well-formed") from None
    return root


def written(element: Element) -> str:
    """The text of an element, alone: with the names that elements around it declare for it."""
    return str(etree.tostring(element, encoding="unicode", with_tail=False))


def _parser() -> etree.XMLParser:
    """A parser for one document, because a parser remembers its last errors."""
    return etree.XMLParser(
        encoding=_UTF8,
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        no_network=True,
        huge_tree=False,
        collect_ids=False,
        remove_comments=True,
        remove_pis=True,
        recover=False,
    )
