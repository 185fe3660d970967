"""Which rules do all structures of the services' models follow?  A shape is their base.

A shape is a frozen value with snake_case members. On the wire a member has the name of the model:
`key_id` is `KeyId`. Where this rule does not give the right name, the member declares it. An
optional member is None if it is not given, and None is never written.
"""

from typing import ClassVar

import msgspec


class Shape(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, rename="pascal"
):
    """A structure of a service's model. Subclasses are generated (`wire.models`)."""

    # Members that no event, message or repr may show: the model's `sensitive` trait, and the
    # tokens, codes and ciphertexts that kms.md 22.2 keeps out of events.
    SENSITIVE: ClassVar[frozenset[str]] = frozenset()

    def __repr__(self) -> str:
        """The members that are given. Secret members and blobs are shown as `…`."""
        shown = []
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is None:
                continue
            hidden = name in self.SENSITIVE or isinstance(value, bytes)
            shown.append(f"{name}=…" if hidden else f"{name}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"
