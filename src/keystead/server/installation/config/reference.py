"""How are the settings shown?  Each with its default and its meaning."""

import ast
import inspect
import itertools
from dataclasses import MISSING, fields

from keystead.server.installation.config.settings import READ_AGAIN, Config

PREFIX = "KEYSTEAD_"


def reference() -> str:
    """Every setting as a Markdown table, for the documentation."""
    texts = descriptions()
    lines = ["| setting | environment | default | meaning |", "| --- | --- | --- | --- |"]
    for field in fields(Config):
        default = "" if field.default is MISSING else as_toml(field.default)
        variable = f"{PREFIX}{field.name.upper()}"
        again = " SIGHUP reads it again." if field.name in READ_AGAIN else ""
        lines.append(
            f"| `{field.name}` | `{variable}` | `{default}` | {texts[field.name]}{again} |"
        )
    return "\n".join(lines) + "\n"


def descriptions() -> dict[str, str]:
    """The meaning of each setting: the texts below the fields, from the source of `Config`."""
    tree = ast.parse(inspect.getsource(Config))
    body = next(node for node in tree.body if isinstance(node, ast.ClassDef)).body
    texts: dict[str, str] = {}
    for field, text in itertools.pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
        ):
            texts[field.target.id] = " ".join(str(text.value.value).split())
    return texts


def as_toml(value: object) -> str:
    """A value as the TOML file writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(as_toml(part) for part in value) + "]"
    return str(value) if isinstance(value, int) else f'"{value}"'
