"""`keystead lint`: what is wrong with these policies?  For CI, and before they are written."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from keystead.arns import partition_of
from keystead.cli import options, output
from keystead.inquiry.lint import Linted, lint
from keystead.policy.findings import PolicyFinding
from keystead.policy.language import DocumentKind

CLEAN, FOUND = 0, 1

_KINDS = {
    "identity": DocumentKind.IDENTITY,
    "boundary": DocumentKind.BOUNDARY,
    "session": DocumentKind.SESSION,
    "key": DocumentKind.KEY,
    "trust": DocumentKind.TRUST,
    "resource": DocumentKind.RESOURCE,
    "endpoint": DocumentKind.ENDPOINT,
    "scp": DocumentKind.SCP,
    "rcp": DocumentKind.RCP,
}
_WORST = ("error", "security-warning", "warning", "suggestion")  # the worst first
_ANNOTATIONS = {"ERROR": "error", "SECURITY_WARNING": "warning", "WARNING": "warning"}
_ESCAPED = (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"))
_ESCAPED_MEMBERS = ((":", "%3A"), (",", "%2C"))


@click.command("lint")
@click.argument("places", metavar="FILE…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--type", "kind", type=click.Choice(list(_KINDS)), help="What all of them are.")
@click.option(
    "--fail-on", type=click.Choice(_WORST), default="security-warning", show_default=True,
    help="The mildest finding with which the exit status is 1.",
)  # fmt: skip
@click.option("--github", is_flag=True, help="Print annotations for GitHub's workflows.")
@options.config_file
@options.json
def lint_command(
    *,
    places: tuple[Path, ...],
    kind: str | None,
    fail_on: str,
    github: bool,
    file: Path | None,
    as_json: bool,
) -> int:
    """Say what is wrong with policies in files and folders.

    The findings are those of Access Analyzer's ValidatePolicy, with the place of each. Of a folder
    every .json file is a policy. The exit status is 0 when nothing is wrong, 1 when something is,
    2 when a file cannot be read.
    """
    config = options.load(file)
    found = list(
        lint(
            places,
            None if kind is None else _KINDS[kind],
            any_key=config.accept_unsupported_condition_keys,
            partition=partition_of(config.regions[0]).name,
        )
    )
    if as_json:
        output.as_json(_as_data(found))
    else:
        for line in (_annotations if github else _lines)(found):
            click.echo(line)
    counted = {name.upper().replace("-", "_") for name in _WORST[: _WORST.index(fail_on) + 1]}
    return FOUND if any(one.type in counted for each in found for one in each.findings) else CLEAN


def _lines(found: list[Linted]) -> Iterator[str]:
    count = 0
    for each in found:
        for one in each.findings:
            count += 1
            start = one.locations[0].start
            place = f"{each.file}:{start.line}:{start.column + 1}"
            word = one.type.lower().replace("_", " ")
            yield output.printable(f"{place}: {word}: {one.details} [{one.code}]")
    files = "1 policy" if len(found) == 1 else f"{len(found)} policies"
    yield f"{files}: {f'{count} found' if count else 'nothing found'}"


def _annotations(found: list[Linted]) -> Iterator[str]:
    """Lines that a workflow on GitHub shows at their places in the change."""
    for each in found:
        for one in each.findings:
            members = {"file": str(each.file), **_place(one), "title": one.code}
            told = ",".join(
                f"{name}={_escaped(str(value), *_ESCAPED_MEMBERS)}"
                for name, value in members.items()
            )
            kind = _ANNOTATIONS.get(one.type, "notice")
            yield f"::{kind} {told}::{_escaped(one.details)}"


def _place(finding: PolicyFinding) -> dict[str, int]:
    """Where it stands, columns from 1; they mean something only within one line."""
    start, end = finding.locations[0].start, finding.locations[0].end
    if end.line != start.line:
        return {"line": start.line, "endLine": end.line}
    return {
        "line": start.line,
        "endLine": end.line,
        "col": start.column + 1,
        "endColumn": end.column + 1,
    }


def _escaped(text: str, *more: tuple[str, str]) -> str:
    for character, instead in (*_ESCAPED, *more):
        text = text.replace(character, instead)
    return text


def _as_data(found: list[Linted]) -> dict[str, Any]:
    return {
        "policies": [
            {
                "file": str(each.file),
                "kind": each.kind.value,
                "findings": [_finding(one) for one in each.findings],
            }
            for each in found
        ],
        "found": sum(len(each.findings) for each in found),
    }


def _finding(one: PolicyFinding) -> dict[str, Any]:
    start, end = one.locations[0].start, one.locations[0].end
    return {
        "type": one.type.value,
        "code": one.code,
        "details": one.details,
        "line": start.line,
        "column": start.column + 1,
        "endLine": end.line,
        "endColumn": end.column + 1,
        "link": one.link,
    }
