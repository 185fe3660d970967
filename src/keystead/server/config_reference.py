"""The reference of the configuration, made of the texts below its fields."""

import ast
import inspect
import itertools
from dataclasses import MISSING, fields

from keystead.server import config
from keystead.server.config import PREFIX, Config


def descriptions() -> dict[str, str]:
    """What each setting means."""
    tree = ast.parse(inspect.getsource(config))
    body = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Config").body
    found: dict[str, str] = {}
    for field, text in itertools.pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
        ):
            found[field.target.id] = " ".join(str(text.value.value).split())
    return found


def as_toml(value: object) -> str:
    """A value as the TOML file writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(as_toml(part) for part in value) + "]"
    return str(value) if isinstance(value, int) else f'"{value}"'


def markdown() -> str:
    """The table for the documentation."""
    texts = descriptions()
    lines = ["| setting | environment | default | meaning |", "| --- | --- | --- | --- |"]
    for field in fields(Config):
        default = "" if field.default is MISSING else as_toml(field.default)
        variable = f"{PREFIX}{field.name.upper()}"
        lines.append(f"| `{field.name}` | `{variable}` | `{default}` | {texts[field.name]} |")
    return "\n".join(lines) + "\n"
