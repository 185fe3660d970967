"""Processes of `keystead` that need not import it first: a process that has forks them.

To start an interpreter and to import every room takes a third of a second of CPU, which hundreds of
commands and restarts of servers would pay. What such a process does is the program's, from `main`
to its exit. Its environment, directory, output and exit status are its own.

The tests of the program's own start do not use this (`Server.program`).
"""

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, Any


class Forked:
    """A process that the nursery forked. (A `subprocess.Popen` to those who wait for it.)"""

    def __init__(self, nursery: "Nursery", pid: int, arguments: list[str]) -> None:
        self._nursery = nursery
        self.pid = pid
        self.args = arguments
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit status, or minus the number of the signal; None while the process runs."""
        if self.returncode is None:
            self.returncode = self._nursery.ask(["wait", self.pid])
        return self.returncode

    def wait(self, timeout: float) -> int:
        """Wait for the end; raises TimeoutExpired."""
        deadline = time.monotonic() + timeout
        while (status := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(self.args, timeout)
            time.sleep(0.002)
        return status

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Nursery:
    """The process that forks, begun when it is first needed; it ends with this one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def begin(self, arguments: list[str], output: Path, errors: Path, **environment: str) -> Forked:
        """Run a command line of `keystead`. Its output is added to these files."""
        own = {**os.environ, **environment}
        asked = ["fork", arguments, str(output), str(errors), str(Path.cwd()), own]
        return Forked(self, int(self.ask(asked)), arguments)

    def ask(self, asked: list[Any]) -> Any:
        with self._lock:
            if self._process is None:
                self._process = subprocess.Popen(
                    [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE
                )
            process = self._process
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())


NURSERY = Nursery()


def run(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a command line of `keystead` to its end."""
    given = [str(argument) for argument in arguments]
    with tempfile.TemporaryDirectory() as files:
        output, errors = Path(files, "stdout"), Path(files, "stderr")
        process = NURSERY.begin(given, output, errors, **environment)
        try:
            status = process.wait(120)
        finally:
            process.kill()
        said = [path.read_text(encoding="utf-8") for path in (output, errors)]
    return subprocess.CompletedProcess(given, status, *said)


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """What the nursery does until its parent ends."""
    for line in iter(requests.readline, b""):
        verb, *details = json.loads(line)
        answer: int | None
        if verb == "wait":
            pid, status = os.waitpid(details[0], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        else:
            answer = os.fork()
            if answer == 0:
                become(*details)
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


def become(
    arguments: list[str], output: str, errors: str, folder: str, environment: dict[str, str]
) -> None:
    """Be the program, in a process of its own, to its exit."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for number, path in enumerate((os.devnull, output, errors)):
        opened = os.open(path, os.O_RDONLY if number == 0 else flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["keystead", *arguments]
    importlib.import_module("keystead.__main__").main()


def prepare() -> None:
    """Import what any command may import."""
    gc.disable()
    cli = importlib.import_module("keystead.cli")
    for name in ("uvloop", "keystead.cli.error_texts", "keystead.cli.installation.welcome"):
        importlib.import_module(name)
    for path in cli.COMMANDS.values():
        importlib.import_module(f"keystead.cli.{path.rpartition('.')[0]}")


if __name__ == "__main__":
    prepare()
    serve(sys.stdin.buffer, sys.stdout.buffer)
