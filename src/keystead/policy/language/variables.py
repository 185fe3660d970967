"""What does a text with variables mean for this request?  (iam.md 4.8; threat-model PE-4)

    ${key}   ${key, 'default text'}   ${*} ${?} ${$}

A template is parsed once, when the policy is written. Values are substituted in one pass, and are
literal: a `*`, `?` or `$` in a value only means itself. If a variable has neither a value nor a
default, the whole text means nothing for this request, and the answer is None.
"""

import re
from collections.abc import Callable

import msgspec

from keystead.pauses import pause
from keystead.policy.language.condition_keys import hidden_from_key_policies
from keystead.policy.language.kinds import RULES, DocumentKind
from keystead.policy.language.principal import Keys
from keystead.policy.text import (
    FILTERED,
    Matcher,
    Token,
    Tokens,
    ascii_lower,
    is_too_long,
    shortest,
    wildcards,
)

# A key of a family may have blanks inside its last part: `aws:PrincipalTag/cost center`.
VARIABLE = re.compile(
    r"""\$\{(?:([*?$])|([^\s,'"{}$]+"""
    r"""|[^\s,'"{}$:/]+:[^\s,'"{}$:/]+[:/][^\s,'"{}$]+(?:\x20+[^\s,'"{}$]+)+)"""
    r"""(?:, '([^'"]*)')?)\}"""
)


_LONG_VALUE = " " * FILTERED  # a variable counts as many characters as its value may cost


class MalformedVariable(ValueError):
    """A `${` that begins no variable: a brace or quote is missing, or the key is not valid."""


class PatternTooLong(ValueError):
    """The pattern exceeds a limit of stored patterns (`patterns.is_too_long`)."""


class Dialect(msgspec.Struct, frozen=True, gc=False):
    """How the texts of one document are read. It depends on the document's version and kind."""

    variables: bool = True  # False in Version 2008-10-17: `${…}` is literal text
    key_policy: bool = False  # a key policy does not see every key (kms.md 11)
    short_arns: bool = False  # an ARN of fewer than six parts is completed with `*` (iam.md 4.6)

    def name(self, key: str) -> str:
        """The name under which a request holds the value of a key, or "" for a hidden key."""
        name = ascii_lower(key)
        return "" if self.key_policy and hidden_from_key_policies(name) else name


def dialect_of(kind: DocumentKind, *, variables: bool) -> Dialect:
    """The dialect of a document of this kind. `variables`: its version has variables."""
    return Dialect(variables, kind is DocumentKind.KEY, RULES[kind].short_arns)


class Variable(msgspec.Struct, frozen=True, gc=False):
    """A reference to a condition key."""

    key: str  # as written
    name: str  # the name under which a request holds its value
    default: str | None

    def value(self, keys: Keys) -> str | None:
        """The text to substitute, or None. A multi-valued key has no single text."""
        value = keys.get(self.name)
        return value if isinstance(value, str) else self.default


class Template(msgspec.Struct, frozen=True, gc=False):
    """Literal texts, wildcards and variables, in order."""

    parts: tuple[Token | Variable, ...]

    @property
    def variables(self) -> tuple[Variable, ...]:
        return tuple(part for part in self.parts if isinstance(part, Variable))

    def tokens(self, value: str = "") -> Tokens:
        """The tokens, with `value` in place of every variable."""
        return tuple(value if isinstance(part, Variable) else part for part in self.parts)

    @property
    def text(self) -> str:
        """The literal text."""
        return "".join(part for part in self.parts if isinstance(part, str))

    def may_be(self, value: str) -> bool:
        """Does the value begin as this text does?  Most texts of a long list do not."""
        first = self.parts[0]
        return not isinstance(first, str) or value.startswith(first)

    def substituted(self, keys: Keys, length: int) -> Tokens | None:
        """The tokens for this request. None if a value is missing, or if they cannot match.

        They cannot match a text of this length if they demand more characters.
        """
        tokens: list[Token] = []
        for part in self.parts:
            token = part.value(keys) if isinstance(part, Variable) else part
            if token is None:
                return None
            tokens.append(token)
        return tuple(tokens) if shortest(tokens) <= length else None

    def resolved(self, keys: Keys, length: int) -> str | None:
        """The text for this request, of a template without wildcards.

        None if a value is missing, or if the text is longer than `length`.
        """
        tokens = self.substituted(keys, length)
        return None if tokens is None else "".join(t for t in tokens if isinstance(t, str))


def template(text: str, dialect: Dialect, *, wild: bool) -> Template:
    """Parse a text; `wild` gives `*` and `?` their meaning. Raises MalformedVariable."""
    if not dialect.variables or "${" not in text:
        return Template(_literal(text, wild))
    parts: list[Token | Variable] = []
    position = 0
    for match in VARIABLE.finditer(text):
        parts += _literal(_plain(text[position : match.start()]), wild)
        escape, key, default = match.groups()
        parts.append(escape or Variable(key, dialect.name(key), default))
        position = match.end()
    parts += _literal(_plain(text[position:]), wild)
    return Template(tuple(parts))


class Texts:
    """The texts of one document, as its dialect reads them. Each is parsed once."""

    __slots__ = ("_templates", "dialect")

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._templates: dict[tuple[str, bool], Template] = {}

    def template(self, text: str, *, wild: bool) -> Template:
        """`template` of a text of this document; a computation that parses many pauses here."""
        parsed = self._templates.get((text, wild))
        if parsed is None:
            pause()
            parsed = self._templates[text, wild] = template(text, self.dialect, wild=wild)
        return parsed


def _literal(text: str, wild: bool) -> Tokens:
    return wildcards(text) if wild else ((text,) if text else ())


def _plain(text: str) -> str:
    if "${" in text:
        raise MalformedVariable(text)
    return text


def pattern(
    text: str, texts: Texts, compiled: Callable[[Tokens], Matcher]
) -> Callable[[str, Keys], bool]:
    """A test: does a text match this pattern, under the keys of a request?

    Raises MalformedVariable or PatternTooLong.
    """
    parsed = texts.template(text, wild=True)
    if is_too_long(parsed.tokens(_LONG_VALUE)):
        raise PatternTooLong(text)
    if not parsed.variables:
        matcher = compiled(parsed.tokens())
        return lambda value, _: matcher(value)

    def matches(value: str, keys: Keys) -> bool:
        tokens = parsed.substituted(keys, len(value))
        return tokens is not None and compiled(tokens)(value)

    return matches
