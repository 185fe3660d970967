"""Which facts of a certificate become tags of a session?  The rules of a profile.

    x509Subject   `*`, or the short name of an attribute: `CN`, `OU`
    x509Issuer    the same
    x509SAN       `DNS`, `URI`, `Name/*`, or `Name/` and the short name of an attribute

A new profile has AWS's default: everything. The name of a tag is the field and the specifier, as
in `x509Subject/CN`. Of several alternative names of a kind the first counts, as AWS has it. Of
several attributes of a kind all count: their values are one text, with `/` between them.
"""

from collections.abc import Iterator, Mapping, Sequence

from keystead.identity.anywhere import limits
from keystead.identity.anywhere.naming import invalid
from keystead.wire.models import rolesanywhere as api

ATTRIBUTES = (
    "CN", "C", "DC", "E", "GN", "L", "O", "OU", "SERIALNUMBER", "SN", "ST", "STREET", "T", "UID",
)  # fmt: skip
"""The short names of the attributes of names that can be mapped."""

_NAMES = frozenset({"*", *ATTRIBUTES})
_ALLOWED: Mapping[str, frozenset[str]] = {
    "x509Subject": _NAMES,
    "x509Issuer": _NAMES,
    "x509SAN": frozenset({"DNS", "URI", *(f"Name/{name}" for name in _NAMES)}),
}
DEFAULT: Mapping[str, Sequence[str]] = {
    "x509Issuer": ("*",),
    "x509SAN": ("DNS", "URI", "Name/*"),
    "x509Subject": ("*",),
}
_FIELDS: tuple[api.CertificateField, ...] = ("x509Issuer", "x509SAN", "x509Subject")

Rules = Mapping[str, Sequence[str]]


def put(rules: Rules, field: str, given: Sequence[api.MappingRule]) -> Rules:
    """The rules with these for a field, beside those that it has."""
    specifiers = tuple(rule.specifier for rule in given)
    _require_known(field, specifiers)
    if not specifiers:
        raise invalid("mappingRules names at least one specifier")
    together = tuple(dict.fromkeys((*rules.get(field, ()), *specifiers)))
    if len(together) > limits.MAPPING_RULES:
        raise invalid(f"A field has at most {limits.MAPPING_RULES} mapping rules")
    return {**rules, field: together}


def without(rules: Rules, field: str, specifiers: Sequence[str] | None) -> Rules:
    """The rules without these of a field; without specifiers, the field has none."""
    if not specifiers:
        return {name: given for name, given in rules.items() if name != field}
    _require_known(field, specifiers)
    left = tuple(each for each in rules.get(field, ()) if each not in specifiers)
    others = {name: given for name, given in rules.items() if name != field}
    return {**others, field: left} if left else others


def _require_known(field: str, specifiers: Sequence[str]) -> None:
    for specifier in specifiers:
        if specifier not in _ALLOWED[field]:
            raise invalid(f"The specifier {specifier[:60]} is not known for {field}")


def shown(rules: Rules) -> list[api.AttributeMapping]:
    """The rules as answers carry them."""
    return [
        api.AttributeMapping(
            certificate_field=field,
            mapping_rules=[api.MappingRule(specifier=each) for each in rules[field]],
        )
        for field in _FIELDS
        if field in rules
    ]


def chosen(rules: Rules, facts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The facts that the rules choose, by their names as tags."""
    for name, value in facts.items():
        field, _, specifier = name.partition("/")
        of_field = rules.get(field, ())
        kind, slash, _ = specifier.rpartition("/")
        if specifier in of_field or ("DNS" != specifier != "URI" and f"{kind}{slash}*" in of_field):
            yield name, value
