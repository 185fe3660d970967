"""What is looked at?  One document, its statements as they are written, and what is found."""

from collections.abc import Iterator

import msgspec

from keystead.policy.findings.json_tree import Location, Member, Node, Text
from keystead.policy.findings.report import Report
from keystead.policy.language import RULES, Dialect, DocumentKind, Rules
from keystead.policy.text import ascii_lower

_SERVICES = {"S3": "s3", "S3ObjectLambda": "s3-object-lambda", "DynamoDB": "dynamodb"}


class Subject(msgspec.Struct, frozen=True, eq=False):
    """A document under examination. Only what has the right type is looked at further."""

    text: Text
    root: Node
    kind: DocumentKind
    resource_type: str  # as ValidatePolicy names it, or "" for a policy of no type in particular
    any_key: bool  # condition keys that never have a value here are accepted
    partition: str  # of the ARNs that can be meant here
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
        """Note an issue of these places."""
        located = [self.text.of(one) if isinstance(one, Node) else one for one in places]
        self.report.add(code, *located, refused=refused, **words)

    def add_name(
        self, code: str, member: Member, *, refused: bool = False, **words: object
    ) -> None:
        """Note an issue of a member's name."""
        self.report.add(code, self.text.of_name(member), refused=refused, **words)


class WrittenStatement(msgspec.Struct, frozen=True, eq=False):
    """A statement that is an object, whatever else it is."""

    node: Node

    @property
    def allow(self) -> bool:
        effect = self.node.get("Effect")
        return effect is not None and effect.node.scalar == "Allow"

    def get(self, name: str) -> Member | None:
        return self.node.get(name)

    def either(self, name: str) -> Member | None:
        """An element or its `Not` form, whichever is there."""
        return self.node.get(name) or self.node.get(f"Not{name}")

    def texts(self, name: str) -> list[Node]:
        """The strings of an element that is one or several."""
        member = self.node.get(name)
        return [] if member is None else texts(member.node)

    def actions(self) -> list[str]:
        """What its Action names, in lower case."""
        return [ascii_lower(node.scalar) for node in self.texts("Action")]

    def conditions(self) -> Iterator[tuple[Member, Member]]:
        """Each operator with each of its keys."""
        condition = self.node.get("Condition")
        for operator in condition.node.members if condition is not None else ():
            for key in operator.node.members:
                yield operator, key

    def keys(self) -> set[str]:
        """The condition keys that it asks for, in lower case."""
        return {ascii_lower(key.name) for _, key in self.conditions()}

    def principals(self, kind: str) -> list[Node]:
        """The strings of one type of principal in its Principal element."""
        member = self.node.get("Principal")
        found = member.node.get(kind) if member is not None else None
        return [] if found is None else texts(found.node)


def texts(node: Node) -> list[Node]:
    """The strings of a value that is one or several."""
    if node.kind == "string":
        return [node]
    return [item for item in node.items if item.kind == "string"]
