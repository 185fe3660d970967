"""Which function answers which operation?

`@implements(api.Encrypt)` registers a function and lets mypy hold its question and its answer
against AWS's own model. An operation without an entry is one that we do not serve: the caller
gets AWS's error for an unknown operation, and `docs/operations.md` shows the gap.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from keystead.call import Call
from keystead.wire.operation import Operation
from keystead.work import Work

C = TypeVar("C", bound=Call)
In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(frozen=True, slots=True)
class Implementation:
    """An operation and the function that answers it."""

    operation: Operation[Any, Any]
    function: Callable[[Any, Any], Any]


_implementations: dict[tuple[str, str], Implementation] = {}


def implements(
    operation: Operation[In, Out],
) -> Callable[[Callable[[C, In], Out]], Callable[[C, In], Out]]:
    """Register the decorated function as the one that answers `operation`."""

    def register(function: Callable[[C, In], Out]) -> Callable[[C, In], Out]:
        key = (operation.service.name, operation.name)
        if key in _implementations:
            raise RuntimeError(f"two functions implement {operation.service.name}:{operation.name}")
        _implementations[key] = Implementation(operation, function)
        return function

    return register


def implements_with_work(
    operation: Operation[In, Out],
) -> Callable[[Callable[[C, In], Out | Work[Any]]], Callable[[C, In], Out | Work[Any]]]:
    """Register a function that may leave work to be done, and is then run again (`work`)."""

    def register(
        function: Callable[[C, In], Out | Work[Any]],
    ) -> Callable[[C, In], Out | Work[Any]]:
        implements(operation)(cast("Callable[[C, In], Out]", function))
        return function

    return register


def implementation(service: str, name: str) -> Implementation | None:
    """The implementation of one operation, or None."""
    return _implementations.get((service, name))


def implemented() -> list[Implementation]:
    """Every implementation there is, for the coverage table."""
    return [_implementations[key] for key in sorted(_implementations)]
