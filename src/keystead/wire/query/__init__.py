"""How is a Query request read and answered?  Forms in, XML or JSON out."""

from keystead.wire.query import query_json, xml
from keystead.wire.query.query import parse_form, read
from keystead.wire.query.xml import Escaped, escaped

__all__ = ("Escaped", "escaped", "parse_form", "query_json", "read", "xml")
