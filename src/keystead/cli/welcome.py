"""What is said once, when an installation was made."""

from pathlib import Path
from shlex import quote

import click

from keystead.custody.seals import RECOVERY_FILE
from keystead.server.installation import PASSWORD_FILE, Founded, profiles


def welcome(directory: Path, founded: Founded) -> None:
    """Say what was made, where the secrets are, and what to try."""
    where = directory.resolve()
    files = where / profiles.DIRECTORY
    click.echo(
        f"""\
Keystead made a new installation in {where}

  account        {founded.account_id}
  root user      {founded.email}, one-time password in {where / PASSWORD_FILE}
  administrator  user `{profiles.PROFILE}`, access key in {files / profiles.CREDENTIALS}
  recovery key   {where / RECOVERY_FILE}: keep it, and the password, in another place

Three lines to try:

  export AWS_CONFIG_FILE={_typed(files / profiles.CONFIG)} \
AWS_SHARED_CREDENTIALS_FILE={_typed(files / profiles.CREDENTIALS)} AWS_PROFILE={profiles.PROFILE}
  aws sts get-caller-identity
  aws kms create-key
"""
    )


def _typed(path: Path) -> str:
    """The path as a shell reads it."""
    return quote(str(path))
