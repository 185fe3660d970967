"""Which document is examined?  Its statements as they are written, and its findings so far."""

from collections.abc import Iterator

import msgspec

from keystead.pauses import pausing
from keystead.policy.findings.json_tree import Location, Member, Node, Text
from keystead.policy.findings.report import Report
from keystead.policy.language import RULES, Dialect, DocumentKind, Rules
from keystead.policy.text import ascii_lower

_SERVICES = {"S3": "s3", "S3ObjectLambda": "s3-object-lambda", "DynamoDB": "dynamodb"}


class Subject(msgspec.Struct, frozen=True, eq=False):
    """A document under examination. Only elements of the right type are examined further."""

    text: Text
    root: Node
    kind: DocumentKind
    resource_type: str  # as ValidatePolicy names it; "" if the policy is of no type in particular
    any_key: bool  # are condition keys accepted that never have a value here?
    partition: str  # of the ARNs that exist here
    dialect: Dialect
    statements: tuple["WrittenStatement", ...]
    report: Report

    @property
    def rules(self) -> Rules:
        return RULES[self.kind]

    @property
    def service(self) -> str:
        """The service of the resource that the policy is attached to, or ""."""
        return _SERVICES.get(self.resource_type.partition("::")[2].partition("::")[0], "")

    def add(
        self, code: str, *places: Node | Location, refused: bool = False, **words: object
    ) -> None:
        """Note an issue at these places."""
        located = [self.text.of(where) if isinstance(where, Node) else where for where in places]
        self.report.add(code, *located, refused=refused, **words)

    def add_name(
        self, code: str, member: Member, *, refused: bool = False, **words: object
    ) -> None:
        """Note an issue at a member's name."""
        self.report.add(code, self.text.of_name(member), refused=refused, **words)


class WrittenStatement(msgspec.Struct, frozen=True, eq=False):
    """A statement as it is written. It is an object, and may have any other mistake."""

    node: Node

    @property
    def allow(self) -> bool:
        effect = self.node.get("Effect")
        return effect is not None and effect.node.scalar == "Allow"

    def get(self, name: str) -> Member | None:
        return self.node.get(name)

    def either(self, name: str) -> Member | None:
        """The element with this name, or else its `Not` form."""
        return self.node.get(name) or self.node.get(f"Not{name}")

    def texts(self, name: str) -> list[Node]:
        """The strings of an element, which may be one string or a list."""
        member = self.node.get(name)
        return [] if member is None else texts(member.node)

    def actions(self) -> list[str]:
        """The actions that its Action element names, in lower case."""
        return [ascii_lower(node.scalar) for node in self.texts("Action")]

    def conditions(self) -> Iterator[tuple[Member, Member]]:
        """Each operator with each of its keys."""
        condition = self.node.get("Condition")
        for operator in condition.node.members if condition is not None else ():
            for key in pausing(operator.node.members):
                yield operator, key

    def keys(self) -> set[str]:
        """The condition keys that it uses, in lower case."""
        return {ascii_lower(key.name) for _, key in self.conditions()}

    def principals(self, kind: str) -> list[Node]:
        """The strings of one type of principal in its Principal element."""
        member = self.node.get("Principal")
        named = member.node.get(kind) if member is not None else None
        return [] if named is None else texts(named.node)


def texts(node: Node) -> list[Node]:
    """The strings of a value, which may be one string or a list."""
    if node.kind == "string":
        return [node]
    return [item for item in node.items if item.kind == "string"]
