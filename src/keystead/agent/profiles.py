"""What do the files of AWS's tools say of a profile?  That of `AWS_PROFILE`, or `default`.

    $AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials   [admin]           the access key
    $AWS_CONFIG_FILE or ~/.aws/config                    [profile admin]   endpoint_url, region

Only an access key that stands there counts. A profile that assumes a role, or runs a command, is
for SDKs.
"""

import os
from collections.abc import Mapping
from configparser import Error, RawConfigParser
from pathlib import Path

from keystead.agent.server import read_text
from keystead.custody.files import SealError, read_private
from keystead.failures import Failure


def name_in(environment: Mapping[str, str] = os.environ) -> str:
    """The name of the profile."""
    return environment.get("AWS_PROFILE") or "default"


def keys(environment: Mapping[str, str] = os.environ) -> Mapping[str, str]:
    """What the file of credentials says; raises Failure if others may read it."""
    path = _file(environment, "AWS_SHARED_CREDENTIALS_FILE")
    if not path.exists():
        return {}
    try:
        text = read_private(path).decode("utf-8", "replace")
    except SealError as error:
        raise Failure(str(error), error.hint) from None
    return _section(path, text, name_in(environment))


def settings(environment: Mapping[str, str] = os.environ) -> Mapping[str, str]:
    """What the file of settings says; raises Failure if it cannot be read."""
    path, name = _file(environment, "AWS_CONFIG_FILE"), name_in(environment)
    if not path.exists():
        return {}
    text = read_text(path, "the file of profiles")
    return _section(path, text, name if name == "default" else f"profile {name}")


_USUAL = {"AWS_SHARED_CREDENTIALS_FILE": "credentials", "AWS_CONFIG_FILE": "config"}


def _file(environment: Mapping[str, str], variable: str) -> Path:
    named = environment.get(variable)
    home = environment.get("HOME", "/nonexistent")
    return Path(named) if named else Path(home, ".aws", _USUAL[variable])


def _section(path: Path, text: str, name: str) -> Mapping[str, str]:
    parser = RawConfigParser(default_section="")
    try:
        parser.read_string(text)
    except Error:
        raise Failure(f"`{path}` is no file of profiles", "see `aws configure`") from None
    return dict(parser[name]) if parser.has_section(name) else {}
