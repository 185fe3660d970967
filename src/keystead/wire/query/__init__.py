"""How is a Query request read and answered?  Forms in, XML or JSON out."""

from keystead.wire.query import ec2, query_json, xml
from keystead.wire.query.ec2 import InvalidParameterValue, MissingParameter
from keystead.wire.query.query import in_path, parse_form, read
from keystead.wire.query.xml import Escaped, escaped

__all__ = (
    "Escaped",
    "InvalidParameterValue",
    "MissingParameter",
    "ec2",
    "escaped",
    "in_path",
    "parse_form",
    "query_json",
    "read",
    "xml",
)
