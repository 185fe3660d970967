"""Where do the settings come from, and which of two counts?

    the defaults of `Config`  <  the TOML file  <  KEYSTEAD_… in the environment
        <  command line options

An unknown name is an error. So is a value of another type.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import msgspec

from keystead.failures import Failure, cause_of
from keystead.server.installation.config.checking import check
from keystead.server.installation.config.reference import PREFIX
from keystead.server.installation.config.settings import Config

FILE_VARIABLE = "KEYSTEAD_CONFIG"
_NO_SETTINGS = frozenset({FILE_VARIABLE, "KEYSTEAD_HOME"})  # the latter is of `keystead login`


def load(file: Path | None, environment: Mapping[str, str], options: Mapping[str, Any]) -> Config:
    """The configuration from a file, the environment and the command line; raises Failure."""
    settings: dict[str, Any] = {}
    named = file or (Path(path) if (path := environment.get(FILE_VARIABLE)) else None)
    if named is not None:
        settings.update(_from_file(named))
    settings.update(_from_environment(environment))
    settings.update(_from_options(options))
    config = Config(**settings)
    check(config)
    return config


def _from_file(file: Path) -> dict[str, Any]:
    where = f"`{file}`"
    try:
        with file.open("rb") as opened:
            table = tomllib.load(opened)
    except OSError as error:
        raise Failure(
            f"cannot read {where}: {cause_of(error)}", "name a file with --config"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Failure(
            f"{where} is not TOML: {cause_of(error)}",
            'write lines such as `regions = ["eu-central-1"]`',
        ) from None
    return {
        name: _converted(name, name, value, where, strict=True) for name, value in table.items()
    }


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    settings = {}
    for variable, text in sorted(environment.items()):
        if not variable.startswith(PREFIX) or variable in _NO_SETTINGS:
            continue
        name = variable[len(PREFIX) :].lower()
        value: Any = text
        if _types().get(name) == tuple[str, ...]:
            value = [part.strip() for part in text.split(",") if part.strip()]
        settings[name] = _converted(name, variable, value, "the environment", strict=False)
    return settings


def _from_options(options: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in options.items() if value not in (None, ())}
    return {
        name: _converted(name, name, value, "the command line", strict=False)
        for name, value in given.items()
    }


def _types() -> dict[str, Any]:
    return {field.name: field.type for field in fields(Config)}


def _converted(name: str, shown: str, value: Any, where: str, *, strict: bool) -> Any:
    """One setting in its type; raises Failure for an unknown name or another type."""
    types = _types()
    if name not in types:
        known = ", ".join(f"`{PREFIX}{n.upper()}`" if shown != name else f"`{n}`" for n in types)
        raise Failure(f"unknown setting `{shown}` in {where}", f"the settings are {known}")
    try:
        return msgspec.convert(value, types[name], strict=strict)
    except msgspec.ValidationError:
        raise Failure(
            f"`{shown}` in {where} must be {_kind(types[name])}", f"change the value `{value}`"
        ) from None


def _kind(kind: Any) -> str:
    """The values that a setting may have, in words."""
    words = {
        str: "a text",
        int: "a whole number",
        bool: "true or false",
        tuple[str, ...]: "a list of texts",
    }
    return words.get(kind) or "one of " + ", ".join(f"`{choice}`" for choice in get_args(kind))
