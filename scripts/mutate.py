"""Do the tests of the policy engine notice its defects?  One small defect at a time, and its tests.

    python scripts/mutate.py [--json FILE] [--survivors] [--slow] [--prose] [MODULE …]

MODULE is `evaluation/steps`, …; without one, all modules of `src/keystead/policy`.
Every mutant (`mutants`) is tried in a fork of a process that has imported everything: the changed
function gets its new code, or, for what a module makes when it is imported, the engine is imported
again. Tried are the checks that enter the changed function, decision vectors and unit tests, until
one fails. FILE keeps every outcome: a run that was broken off goes on where it stopped, a module
that was changed is begun again, `--survivors` tries again what survived. `--slow` takes the tests
that need more than a moment as well, `--prose` changes sentences too. Prints the score and the
survivors.
"""

import argparse
import functools
import gc
import hashlib
import importlib
import importlib.abc
import importlib.machinery
import json
import os
import random
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
POLICY = ROOT / "src" / "keystead" / "policy"
TESTS = ROOT / "tests" / "policy"
sys.path[:0] = [str(ROOT), str(ROOT / "src"), str(ROOT / "scripts")]

import hypothesis  # noqa: E402  # after the path
import pytest  # noqa: E402  # as above
from _pytest.runner import runtestprotocol  # noqa: E402  # as above

from mutants import Mutant, mutants  # type: ignore[import-not-found]  # noqa: E402  # beside us

APART = ("test_vectors.py", "test_differential.py")  # run as vectors, and much too slow
SLOW = 0.5  # seconds, while it is recorded
FEW_AGAIN, MOST_AGAIN = 150, 1000  # unit tests, when the engine is imported again
NOTICED_NOTHING = (
    pytest.ExitCode.OK,
    pytest.ExitCode.USAGE_ERROR,
    pytest.ExitCode.NO_TESTS_COLLECTED,
)
KILLED, SURVIVED, UNREACHED = "killed", "survived", "unreached"

Outcome = dict[str, Any]
Place = tuple[str, int]
"""A function: its file, and the line where it begins."""


class Check:
    """A test of one kind or the other: whether it fails, what it enters, how long it takes."""

    def __init__(self, name: str, run: Callable[[], bool]) -> None:
        self.name = name
        self.passes = run
        self.entered: set[Place] = set()
        self.seconds = 0.0

    def record(self) -> bool:
        """Run it once as the engine is, and note the functions that it enters; does it pass?"""
        entered, engine = self.entered, str(POLICY)

        def note(frame: FrameType, event: str, _: Any) -> None:
            code = frame.f_code
            if event == "call" and code.co_filename.startswith(engine):
                entered.add((code.co_filename, code.co_firstlineno))

        forget()
        start = time.process_time()
        sys.setprofile(note)
        try:
            passed = self.passes()
        finally:
            sys.setprofile(None)
        self.seconds = time.process_time() - start
        return passed


def forget() -> None:
    """Empty every cache of the engine."""
    for cached in _caches():
        cached.cache_clear()


@functools.cache
def _caches() -> list[Any]:
    made = functools._lru_cache_wrapper  # noqa: SLF001  # the type has no public name
    found = [one for one in gc.get_objects() if isinstance(one, made)]
    return [one for one in found if str(one.__module__).startswith("keystead.policy")]


def vectors() -> list[Check]:
    """The decision vectors, in an order that mixes their files."""
    tests = importlib.import_module("tests.policy.test_vectors")
    engine = importlib.import_module("tests.policy.disagreements").engine

    def run(vector: dict[str, Any]) -> bool:
        try:
            tests.check(engine({"id": vector["id"], **vector["scenario"]}), vector)
            tests.check_enforced(vector)
        except Exception:  # noqa: BLE001  # whatever a mutant does is not what was expected
            return False
        return True

    checks = [Check(each["id"], functools.partial(run, each)) for each in tests.every_vector()]
    random.Random(1).shuffle(checks)  # an order, no secret
    return checks


def unit_tests(items: Sequence[pytest.Item]) -> list[Check]:
    def run(item: pytest.Item) -> bool:
        reports = runtestprotocol(item, log=False, nextitem=None)
        return not any(report.failed for report in reports)

    return [Check(item.nodeid, functools.partial(run, item)) for item in items]


class Trial:
    """Tries the mutants of one module against the checks that may notice them."""

    def __init__(self, path: Path, checks: Sequence[Check], limit: float) -> None:
        self.path, self.checks, self.limit = path, checks, limit
        self.module = module_name(path)
        self.noticed: dict[str, list[Check]] = defaultdict(list)  # function -> its latest killers

    def run(self, mutant: Mutant) -> tuple[str, str]:
        """The outcome, and the check that noticed the mutant."""
        if not mutant.around:
            return self._fork(functools.partial(self._imported_again, mutant))
        within = (str(self.path), mutant.around[0])
        reached = [check for check in self.checks if within in check.entered]
        if not reached:
            outcome, by = self._fork(functools.partial(self._imported_again, mutant))
            return (UNREACHED if outcome == SURVIVED else outcome), by
        return self._fork(functools.partial(self._in_place, mutant, self._ordered(mutant, reached)))

    def _ordered(self, mutant: Mutant, reached: Sequence[Check]) -> list[Check]:
        """Who noticed something in the function last, the module's own tests, vectors, others."""
        own = _named_after(self.path)
        latest = self.noticed[mutant.function][-8:]
        tests = sorted((one for one in reached if ".py::" in one.name), key=lambda one: one.seconds)
        return list(
            dict.fromkeys(
                [
                    *reversed(latest),
                    *filter(own, tests),
                    *(check for check in reached if ".py::" not in check.name),
                    *tests,
                ]
            )
        )

    def _fork(self, attempt: Callable[[], Iterator[tuple[Check | str, bool]]]) -> tuple[str, str]:
        """Make the attempt in a child; a child that takes too long or crashes has noticed."""
        receive, send = os.pipe()
        child = os.fork()
        if child == 0:
            self._child(attempt, send)
        os.close(send)
        with os.fdopen(receive) as pipe:
            told = pipe.read()
        _, status = os.waitpid(child, 0)
        names = told.split("\n")
        if os.WIFSIGNALED(status):
            return KILLED, f"signal {os.WTERMSIG(status)} in {names[-1]}"
        return (KILLED, names[-1]) if os.WEXITSTATUS(status) else (SURVIVED, "")

    def _child(self, attempt: Callable[[], Iterator[tuple[Check | str, bool]]], pipe: int) -> None:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        status = 0
        try:
            signal.setitimer(signal.ITIMER_VIRTUAL, self.limit)  # its default is to end us
            for check, passed in attempt():
                name = check if isinstance(check, str) else check.name
                if not passed:
                    os.write(pipe, f"\n{name}".encode())
                    status = 1
                    break
                signal.setitimer(signal.ITIMER_VIRTUAL, self.limit)
        except BaseException as error:  # noqa: BLE001  # a mutant may raise anything anywhere
            os.write(pipe, f"\n{type(error).__name__}".encode())
            status = 1
        os._exit(status)

    def _in_place(self, mutant: Mutant, checks: Sequence[Check]) -> Iterator[tuple[Check, bool]]:
        function = _function(sys.modules[self.module], mutant.function)
        function.__code__ = _code(mutant.compile(str(self.path)), mutant.function)
        forget()
        for check in checks:
            yield check, check.passes()

    def _imported_again(self, mutant: Mutant) -> Iterator[tuple[str, bool]]:
        """The engine with the mutant from its start: vectors, then tests that enter the module."""
        gone = ("keystead.policy", "tests.policy")
        for name in [name for name in sys.modules if name.startswith(gone)]:
            del sys.modules[name]
        sys.meta_path.insert(0, _Finder(self.module, mutant.compile(str(self.path))))
        checks = vectors()
        if self.module in sys.modules:  # else none of them has to do with it
            for check in checks:
                yield check.name, check.passes()
        importlib.import_module(self.module)  # tests that cannot would merely not be collected
        own, file, folder = _named_after(self.path), str(self.path), f"{self.path.parent}{os.sep}"
        tests = [check for check in self.checks if ".py::" in check.name]
        entering = [
            check
            for check in tests
            if own(check) or any(place[0] == file for place in check.entered)
        ]
        # What has no function is entered by nobody: it is a table for its neighbours.
        tests = entering or [
            check for check in tests if any(place[0].startswith(folder) for place in check.entered)
        ]
        first = sorted(tests, key=lambda check: (not own(check), check.seconds))
        for some in (first[:FEW_AGAIN], first[FEW_AGAIN:MOST_AGAIN]):
            names = [check.name for check in some]
            signal.setitimer(signal.ITIMER_VIRTUAL, 4 * self.limit)
            code = pytest.main([*OPTIONS, "-x", *names]) if names else pytest.ExitCode.OK
            if code == pytest.ExitCode.USAGE_ERROR:  # a parameter is named after what was changed
                functions = dict.fromkeys(name.partition("[")[0] for name in names)
                code = pytest.main([*OPTIONS, "-x", *functions])
            yield "unit tests", code in NOTICED_NOTHING


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from its changed code."""

    def __init__(self, module: str, code: CodeType) -> None:
        self.module, self.code = module, code

    def find_spec(self, name: str, *_: Any) -> importlib.machinery.ModuleSpec | None:
        if name != self.module:
            return None
        spec, file = importlib.machinery.ModuleSpec(name, self), Path(self.code.co_filename)
        if file.stem == "__init__":
            spec.submodule_search_locations = [str(file.parent)]
        return spec

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = self.code.co_filename
        exec(self.code, module.__dict__)  # noqa: S102  # this is what a loader does


def _named_after(path: Path) -> Callable[[Check], bool]:
    """Is a test one of this module: of a file, or of a table, that has its name?"""
    names = f"test_{path.stem}.py", f"[{path.stem}:"
    return lambda check: any(name in check.name for name in names)


def _function(module: ModuleType, path: str) -> FunctionType:
    """The outermost function of a mutant, out of whatever wraps it."""
    found: Any = module
    for name in path.split("."):
        found = found.__dict__[name]
        found = getattr(found, "__func__", getattr(found, "fget", found))
        found = getattr(found, "__wrapped__", found)
        if isinstance(found, FunctionType):
            return found
    raise TypeError(path)


def _code(code: CodeType, path: str) -> CodeType:
    """The code of the outermost function of a path."""
    for name in path.split("."):
        code = next(
            one for one in code.co_consts if isinstance(one, CodeType) and one.co_name == name
        )
        if code.co_flags & 0x02:  # CO_NEWLOCALS: a function, not the body of a class
            return code
    raise TypeError(path)


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__")


def unit_files() -> list[Path]:
    return [file for file in sorted(TESTS.glob("test_*.py")) if file.name not in APART]


OPTIONS = ["-q", "-s", "-p", "no:xdist", "-o", "timeout=0", "-W", "ignore"]


class Session:
    """A pytest plugin: collects the unit tests, and then tries mutants instead of running them."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        results = Results(self.options.json)
        checks = [*unit_tests(session.items), *vectors()]
        checks = [check for check in checks if results.recorded(check)]
        results.save()
        print(f"\n{len(checks):,} checks", file=sys.stderr, flush=True)
        gc.freeze()
        for path in self.options.modules:
            own = _named_after(path)
            quick = [each for each in checks if each.seconds < SLOW or own(each)]
            self._try(path, checks if self.options.slow else quick, results)
        results.report(self.options.modules)
        return True

    def _try(self, path: Path, checks: Sequence[Check], results: "Results") -> None:
        source = path.read_text(encoding="utf-8")
        name = str(path.relative_to(POLICY).with_suffix(""))
        known = results.of(name, hashlib.sha256(source.encode()).hexdigest())
        trial = Trial(path, checks, self.options.limit)
        by_name = {check.name: check for check in checks}
        for mutant in mutants(source, prose=self.options.prose):
            key = mutant.key(name)
            before = known.get(key)
            if before and (before["outcome"] == KILLED or not self.options.survivors):
                continue
            start = time.monotonic()
            outcome, by = trial.run(mutant)
            if by in by_name:
                trial.noticed[mutant.function].append(by_name[by])
            known[key] = {
                "line": source.splitlines()[mutant.line - 1].strip(),
                "function": mutant.function,
                "outcome": outcome,
                "by": by,
                "seconds": round(time.monotonic() - start, 3),
            }
            results.save(every=50)
            if outcome != KILLED:
                print(f"{outcome}: {key}", file=sys.stderr, flush=True)
        results.save()


class Results:
    """Every outcome so far, by module and mutant; kept in a file when there is one.

    So is what each check enters, as long as no module of the engine changes.
    """

    def __init__(self, file: Path | None) -> None:
        self.file, self._unsaved = file, 0
        self.modules: dict[str, dict[str, Any]] = {}
        self.checks: dict[str, Any] = {}
        self._engine = hashlib.sha256(
            b"".join(path.read_bytes() for path in sorted(POLICY.rglob("*.py")))
        ).hexdigest()
        if file is not None and file.exists():
            kept = json.loads(file.read_text(encoding="utf-8"))
            self.modules = kept["modules"]
            if kept["engine"] == self._engine:
                self.checks = kept["checks"]

    def recorded(self, check: Check) -> bool:
        """Let a check know what it enters; one that fails without any mutant is left out."""
        if known := self.checks.get(check.name):
            check.entered = {(str(POLICY / file), line) for file, line in known["entered"]}
            check.seconds = known["seconds"]
            return True
        if not check.record():
            print(f"left out, it fails: {check.name}", file=sys.stderr, flush=True)
            return False
        entered = sorted((str(Path(file).relative_to(POLICY)), n) for file, n in check.entered)
        self.checks[check.name] = {"entered": entered, "seconds": round(check.seconds, 5)}
        return True

    def of(self, module: str, digest: str) -> dict[str, Outcome]:
        """What is known of a module's mutants; nothing, when it is another text now."""
        if self.modules.get(module, {}).get("sha256") != digest:
            self.modules[module] = {"sha256": digest, "mutants": {}}
        known: dict[str, Outcome] = self.modules[module]["mutants"]
        return known

    def save(self, every: int = 1) -> None:
        self._unsaved += 1
        if self.file is not None and self._unsaved >= every:
            partial = self.file.with_suffix(".partial")
            kept = {"engine": self._engine, "modules": self.modules, "checks": self.checks}
            partial.write_text(json.dumps(kept, separators=(",", ":")), encoding="utf-8")
            partial.replace(self.file)
            self._unsaved = 0

    def report(self, paths: Sequence[Path]) -> None:
        total = killed = 0
        for path in paths:
            name = str(path.relative_to(POLICY).with_suffix(""))
            found = list(self.modules[name]["mutants"].items())
            if not found:
                continue
            dead = sum(one["outcome"] == KILLED for _, one in found)
            total, killed = total + len(found), killed + dead
            print(f"{name:14}{dead:6} of {len(found):5} killed {dead / len(found):8.1%}")
            for key, one in found:
                if one["outcome"] != KILLED:
                    print(f"    {one['outcome']}: {key.partition(':')[2]}")
        if total:
            print(f"{'all':14}{killed:6} of {total:5} killed {killed / total:8.1%}")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE")
    parser.add_argument("--json", type=lambda name: Path(name).absolute(), metavar="FILE")
    parser.add_argument("--survivors", action="store_true")
    parser.add_argument("--prose", action="store_true")
    parser.add_argument("--slow", action="store_true")
    parser.add_argument("--limit", type=float, default=5.0, metavar="SECONDS")
    options = parser.parse_args()
    os.chdir(ROOT)
    named = [POLICY / f"{name}.py" for name in options.modules]
    options.modules = named or sorted(POLICY.rglob("*.py"))
    if missing := [path for path in options.modules if not path.exists()]:
        parser.error(f"no such module: {missing[0].relative_to(POLICY)}")
    hypothesis.settings.register_profile(
        "mutants",
        max_examples=40,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    hypothesis.settings.load_profile("mutants")
    return int(pytest.main([*OPTIONS, *map(str, unit_files())], plugins=[Session(options)]))


if __name__ == "__main__":
    sys.exit(main())
