"""How is a Query request read and answered?  Forms in, XML or JSON out."""

from keystead.wire.query import query_json, xml
from keystead.wire.query.query import parse_form, read

__all__ = ("parse_form", "query_json", "read", "xml")
