"""`keystead simulate`: do policies allow exactly the expected requests?  A test for CI."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from keystead.arns import Partition, partition_in, partition_named, partition_of, speak
from keystead.cli import options, output
from keystead.cli.performing import office
from keystead.failures import Failure
from keystead.inquiry import expectations
from keystead.inquiry.expectations import Answer, Check, Expectation, Result, WrittenQuestion
from keystead.policy.evaluation import open_to_everybody
from keystead.policy.text import ascii_lower
from keystead.server.installation import Config

HOLD, DO_NOT, WRONG = 0, 1, 2
_TOGETHER, _BYTES = 50, 48 * 1024  # the most questions, and their size, in a request to a server

Ask = Callable[[list[WrittenQuestion]], list[Answer]]


@click.command(short_help="Test which requests are allowed and which are refused.")
@click.argument("expected", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--policies",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A folder of policies to ask about, instead of an installation.",
)
@options.data
@options.config_file
@options.passphrase_file
@options.json
def simulate(
    *,
    expected: Path,
    policies: Path | None,
    file: Path | None,
    as_json: bool,
    **settings: Any,
) -> int:
    """Test the expectations in FILE, about an installation or a folder of policies.

    Nothing is changed and no request is made: each expectation is decided as a request would be.
    FILE is a JSON list; docs/simulate.md describes an expectation and the folder. The exit status
    is 0 when all expectations hold, 1 when some do not, 2 when the file or the folder is wrong.
    """
    tests = expectations.read(expected)
    config = options.load(file, **settings)
    results = list(_tested(expected, tests, config, policies))
    if as_json:
        output.as_json(_as_data(results))
    else:
        for line in _lines(results):
            click.echo(line)
    return HOLD if all(result.holds for result in results) else DO_NOT


def _tested(
    file: Path, tests: list[Expectation], config: Config, policies: Path | None
) -> Iterator[Result]:
    if policies is not None:
        yield from _judged(file, tests, _of_folder(config, policies, _partition(file, tests)))
        return
    with office(config) as hold:
        epochs: set[int] = set()

        def ask(questions: list[WrittenQuestion]) -> list[Answer]:
            page = hold("simulate", {"questions": msgspec.to_builtins(questions)})
            epochs.add(page["epoch"])
            return msgspec.convert(page["answers"], list[Answer])

        yield from _judged(file, tests, ask)
    if len(epochs) > 1:
        output.note("the installation was changed meanwhile: test again to be sure")


def _partition(file: Path, tests: list[Expectation]) -> Partition | None:
    """The partition of the tested principals; None if no principal names one.

    Raises Failure for several.
    """
    arns = (test.principal for test in tests if test.principal.startswith("arn:"))
    named = map(partition_named, {partition_in(arn) for arn in arns})
    partitions = [partition for partition in named if partition is not None]
    if len(partitions) > 1:
        names = ", ".join(
            f"`{name}`" for name in sorted(partition.name for partition in partitions)
        )
        raise Failure(
            f"`{file}`: its principals are of several partitions: {names}",
            "write a file and a folder for each partition",
            status=WRONG,
        )
    return partitions[0] if partitions else None


def _of_folder(config: Config, policies: Path, partition: Partition | None) -> Ask:
    # These import the whole server, which a client of a running server does not need.
    from keystead.inquiry.policy_folder import PolicyFolder  # noqa: PLC0415  # as said
    from keystead.inquiry.simulate import answers  # noqa: PLC0415  # as said

    speak(partition or partition_of(config.regions[0]))
    folder = PolicyFolder(
        policies,
        accept_unsupported_condition_keys=config.accept_unsupported_condition_keys,
    )
    return lambda questions: answers(folder, questions)


def _judged(file: Path, tests: list[Expectation], ask: Ask) -> Iterator[Result]:
    """The result of each expectation; raises Failure for an expectation that cannot be tested."""
    questions = [question for test in tests for question in test.questions()]
    answers = _answered(questions, ask)
    for number, test in enumerate(tests, 1):
        own = [next(answers) for _ in test.questions()]
        for answer in own:
            if answer.problem:
                position = expectations.where(file, number, test.name)
                raise Failure(f"{position}: {answer.problem}", answer.hint, status=WRONG)
        yield expectations.judge(test, own)


def _answered(questions: list[WrittenQuestion], ask: Ask) -> Iterator[Answer]:
    done = 0
    for some in _in_pages(questions):
        yield from ask(some)
        done += len(some)
        if len(questions) > _TOGETHER:
            output.progress(done, len(questions))


def _in_pages(questions: list[WrittenQuestion]) -> Iterator[list[WrittenQuestion]]:
    """The questions in pages, each with as many questions as one request takes."""
    page: list[WrittenQuestion] = []
    size = 0
    for question in questions:
        length = len(msgspec.json.encode(question)) + 1
        if page and (len(page) == _TOGETHER or size + length > _BYTES):
            yield page
            page, size = [], 0
        page.append(question)
        size += length
    if page:
        yield page


def _lines(results: list[Result]) -> Iterator[str]:
    for result in results:
        name = result.expectation.name
        if result.holds:
            yield f"ok      {name}"
        for check in result.checks:
            if not check.holds:
                yield f"NOT OK  {name}"
                yield from (f"        {line}" for line in _why(check))
    holding = sum(result.holds for result in results)
    not_holding = len(results) - holding
    end = f"{holding} held, {not_holding} did not" if not_holding else "all held"
    yield ""
    yield f"{len(results)} expectation{'s' if len(results) > 1 else ''}: {end}"


def _why(check: Check) -> Iterator[str]:
    question, answer = check.question, check.answer
    yield f"{question.action} on {question.resource}: {check.reason}"
    yield answer.message or _allowed(question, answer)
    for statement in answer.statements:
        sid = f" `{statement.sid}`" if statement.sid else ""
        of = f" of {statement.attached_to}" if statement.attached_to else ""
        yield output.printable(
            f"{statement.effect} in {statement.kind} {statement.policy}{of},"
            f" statement {statement.index + 1}{sid}"
        )


def _allowed(question: WrittenQuestion, answer: Answer) -> str:
    if not answer.kind and open_to_everybody(ascii_lower(question.action)):
        return "allowed to everybody"
    return f"allowed by the {answer.kind or 'root user'}"


def _as_data(results: list[Result]) -> dict[str, Any]:
    return {
        "holds": all(result.holds for result in results),
        "expectations": len(results),
        "notHolding": sum(not result.holds for result in results),
        "results": [
            {
                "name": result.expectation.name,
                "holds": result.holds,
                "expect": result.expectation.expect,
                "by": result.expectation.by,
                "checks": [_check_as_data(check) for check in result.checks],
            }
            for result in results
        ],
    }


def _check_as_data(check: Check) -> dict[str, Any]:
    answer: dict[str, Any] = msgspec.to_builtins(check.answer)
    del answer["problem"], answer["hint"]
    question: dict[str, Any] = msgspec.to_builtins(check.question)
    return {**question, "holds": check.holds, "reason": check.reason, **answer}
