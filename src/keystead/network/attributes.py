"""Which attributes does a request set, as policies see it?

A policy may ask about the value of one (`ec2:Attribute/HttpTokens`), or which one it is
(`ec2:Attribute`). A request that sets several is asked about for each of them, so that no policy
about one is passed by beside another. Names are those of the API reference, of a list that of one
of its items. Values of lists and structures, and policies, are not told.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from keystead.policy.evaluation import ContextValue
from keystead.wire.shape import Shape

_POLICY = "PolicyDocument"


def given(request: Shape, names: Iterable[str]) -> dict[str, ContextValue]:
    """The keys of these members of a request, as far as it has them and they are simple."""
    members = _members(request, names)
    values = {name: _text(value) for name, value in members.items() if name != _POLICY}
    return {f"ec2:attribute/{name.lower()}": text for name, text in values.items() if text}


def each(request: Shape, names: Iterable[str]) -> Iterator[dict[str, ContextValue]]:
    """The keys of each question about a request; without any of these members it is one."""
    values = given(request, names)
    members = _members(request, names)
    if not members:
        yield values
    for name in members:
        yield {**values, "ec2:attribute": name}


def _members(request: Shape, names: Iterable[str]) -> Mapping[str, object]:
    fields = {field.encode_name: field.name for field in msgspec.structs.fields(request)}
    found = {name: getattr(request, fields[name]) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | str) else ""
