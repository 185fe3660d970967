"""How is a Query request read and answered?  Forms in, XML or JSON out."""

from keystead.wire.query import ec2, query_json, xml
from keystead.wire.query.ec2 import InvalidParameterValue, MissingParameter
from keystead.wire.query.query import parse_form, read
from keystead.wire.query.xml import Escaped, escaped

__all__ = (
    "Escaped",
    "InvalidParameterValue",
    "MissingParameter",
    "ec2",
    "escaped",
    "parse_form",
    "query_json",
    "read",
    "xml",
)
