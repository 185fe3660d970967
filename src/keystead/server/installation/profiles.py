"""Which files do the AWS CLI and the SDKs read?  `aws/config` and `aws/credentials`.

The administrator's key is written once. The endpoint in `aws/config` follows the address on which
the server listens. Nothing else in the file is touched, because people keep their own profiles in
it.
"""

from pathlib import Path

from keystead.custody.files import create_private, make_directory, replace_private
from keystead.identity.access_keys import IssuedKey

DIRECTORY = "aws"
CONFIG = "config"
CREDENTIALS = "credentials"
PROFILE = "admin"
_SECTION = f"[profile {PROFILE}]"


def write(directory: Path, key: IssuedKey, *, region: str, endpoint_url: str) -> None:
    """Write both files for a new administrator."""
    files = directory / DIRECTORY
    make_directory(files)
    create_private(
        files / CREDENTIALS,
        f"[{PROFILE}]\naws_access_key_id = {key.access_key_id}\n"
        f"aws_secret_access_key = {key.secret}\n".encode(),
    )
    text = f"{_SECTION}\nregion = {region}\nendpoint_url = {endpoint_url}\n"
    create_private(files / CONFIG, text.encode())


def point_to(directory: Path, endpoint_url: str) -> None:
    """Let the administrator's profile use this endpoint, if the files are still there."""
    path = directory / DIRECTORY / CONFIG
    try:
        before = path.read_text()
    except FileNotFoundError:  # the operator keeps it elsewhere
        return
    after = _with_endpoint(before, endpoint_url)
    if after != before:
        replace_private(path, after.encode())


def _with_endpoint(text: str, endpoint_url: str) -> str:
    """The text with another endpoint in the administrator's section; unchanged without one."""
    lines = text.splitlines(keepends=True)
    inside = False
    for i, line in enumerate(lines):
        if line.lstrip().startswith("["):
            inside = line.strip() == _SECTION
        elif inside and line.partition("=")[0].strip() == "endpoint_url":
            lines[i] = f"endpoint_url = {endpoint_url}\n"
    return "".join(lines)
