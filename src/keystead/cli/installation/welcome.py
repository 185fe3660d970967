"""The text about a new installation, printed once by the first command that can."""

from pathlib import Path
from shlex import quote

import click

from keystead.custody.seals import RECOVERY_FILE
from keystead.server.installation import PASSWORD_FILE, founding, profiles


def welcome(directory: Path) -> None:
    """Print the account, the files with secrets, and three lines to try; only the first time."""
    made = founding.untold(directory)
    if made is None:
        return
    where = directory.resolve()
    files = where / profiles.DIRECTORY
    click.echo(
        f"""\
Keystead made a new installation in {where}

  account        {made.account_id}
  root user      {made.email}, one-time password in {where / PASSWORD_FILE}
  administrator  user `{profiles.PROFILE}`, access key in {files / profiles.CREDENTIALS}
  recovery key   {where / RECOVERY_FILE}: keep it, and the password, in another place

Three lines to try:

  export AWS_CONFIG_FILE={_typed(files / profiles.CONFIG)} \
AWS_SHARED_CREDENTIALS_FILE={_typed(files / profiles.CREDENTIALS)} AWS_PROFILE={profiles.PROFILE}
  aws sts get-caller-identity
  aws kms create-key
"""
    )
    founding.told(directory)


def _typed(path: Path) -> str:
    """The path as a shell reads it."""
    return quote(str(path))
