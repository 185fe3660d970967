"""Which commands does the command line have, and what does their exit status mean?

Each command is imported when it is called: `keystead serve` does not pay for the others. Results
go to standard output, everything else to standard error. The exit status is one of these:

    0  done; the answer is yes           3  no server runs, or there is no installation
    1  the answer is no                  130  interrupted
    2  the command failed; the reason is printed

For `serve`, 1 means that it served and had to end. So a script never takes an error for an answer.
"""

import gc
import importlib
import os
import re
import sys
from collections.abc import Sequence

import click

from keystead import __version__
from keystead.cli.output import complain
from keystead.failures import Failure

COMMANDS = {
    "account": "ceremonies.accounts.account",
    "audit": "installation.audit.audit",
    "clock": "installation.clock.clock",
    "config": "installation.config.config",
    "credential-process": "credentials.credential_process.credential_process",
    "decide": "questions.decide.decide",
    "directory": "ceremonies.directories.directory",
    "explain": "questions.explain.explain",
    "federation": "ceremonies.federation.federation",
    "init": "installation.init.init",
    "instance": "ceremonies.instances.instance",
    "jobs": "installation.jobs.jobs",
    "key": "ceremonies.keys.key",
    "lint": "questions.lint.lint_command",
    "login": "credentials.login.login",
    "logout": "credentials.login.logout",
    "metadata": "credentials.metadata.metadata",
    "recover": "installation.recover.recover",
    "reload": "installation.reload.reload",
    "serve": "installation.serve.serve",
    "service": "ceremonies.services.service",
    "session": "ceremonies.sessions.session",
    "simulate": "questions.simulate.simulate",
    "status": "installation.status.status",
    "version": "version.version",
    "who-can": "questions.who_can.who_can",
}
INTERRUPTED = 130
_QUOTED = re.compile(r"'([^']*)'")
READER_GONE = 141


class _Lazy(click.Group):
    """A group that imports a command when it is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # as above
        path = COMMANDS.get(cmd_name)
        if path is None:
            return None
        module, _, name = path.rpartition(".")
        command = getattr(importlib.import_module(f"keystead.cli.{module}"), name)
        gc.freeze()  # all of it stays, so it is not looked through at the end either
        return command if isinstance(command, click.Command) else None


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="keystead %(version)s")
def keystead() -> None:
    """Keystead: a self-hosted server for the AWS KMS, IAM and STS protocols."""
    gc.enable()  # The command is imported (`keystead.__main__`), and runs next.


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns its exit status. Nothing ever leaves as a traceback."""
    _open_standard_streams()
    try:
        status = keystead.main(list(arguments), prog_name="keystead", standalone_mode=False)
        sys.stdout.flush()
    except Failure as failure:
        return complain(failure.message, failure.hint, failure.status)
    except click.exceptions.NoArgsIsHelpError as shown:
        click.echo(shown.ctx.get_help())
        return 2
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "keystead"
        return complain(_as_ours(error.format_message()), f"see `{where} --help`", 2)
    except click.ClickException as error:
        return complain(_as_ours(error.format_message()), "", error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return complain("interrupted", "", INTERRUPTED)
    except BrokenPipeError:
        # The reader closed the pipe, as it may. Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    except Exception as error:  # noqa: BLE001  # the last place where an error can be caught
        return _our_bug(error)
    return status if isinstance(status, int) else 0


def _open_standard_streams() -> None:
    """Open those that the caller closed, on nothing.

    Otherwise the next file has that number, such as the database, and gets what is printed.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8"))


def _as_ours(message: str) -> str:
    """Click's message in our form: lower case, no period, what was given in backticks."""
    text = message[:1].lower() + message[1:].rstrip(".")
    text = text.replace("is not a valid integer range", "is not a whole number")
    return _QUOTED.sub(r"`\1`", text)


def _our_bug(error: Exception) -> int:
    """Tell a person of an error that nobody foresaw: its place in the code, no traceback."""
    from keystead.cli.error_texts import explained  # noqa: PLC0415  # imports every room

    failure = explained(error)
    return complain(failure.message, failure.hint, failure.status)
