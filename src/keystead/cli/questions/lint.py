"""`keystead lint`: are these policies right?  For CI, and before a policy is stored."""

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
@click.argument("paths", metavar="FILE…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--type", "kind", type=click.Choice(list(_KINDS)), help="The kind of all policies.")
@click.option(
    "--fail-on", type=click.Choice(_WORST), default="security-warning", show_default=True,
    help="The mildest finding with which the exit status is 1.",
)  # fmt: skip
@click.option("--github", is_flag=True, help="Print annotations for GitHub's workflows.")
@options.config_file
@options.json
def lint_command(
    *,
    paths: tuple[Path, ...],
    kind: str | None,
    fail_on: str,
    github: bool,
    file: Path | None,
    as_json: bool,
) -> int:
    """Check policies in files and folders.

    The findings are those of Access Analyzer's ValidatePolicy, each with its line and column. In a
    folder every .json file is taken for a policy. The exit status is 0 when nothing is wrong, 1
    when something is, 2 when a file cannot be read.
    """
    config = options.load(file)
    linted = list(
        lint(
            paths,
            None if kind is None else _KINDS[kind],
            any_key=config.accept_unsupported_condition_keys,
            partition=partition_of(config.regions[0]).name,
        )
    )
    if as_json:
        output.as_json(_as_data(linted))
    else:
        for line in (_annotations if github else _lines)(linted):
            click.echo(line)
    counted = {name.upper().replace("-", "_") for name in _WORST[: _WORST.index(fail_on) + 1]}
    return (
        FOUND
        if any(finding.type in counted for policy in linted for finding in policy.findings)
        else CLEAN
    )


def _lines(linted: list[Linted]) -> Iterator[str]:
    count = 0
    for policy in linted:
        for finding in policy.findings:
            count += 1
            start = finding.locations[0].start
            position = f"{policy.file}:{start.line}:{start.column + 1}"
            word = finding.type.lower().replace("_", " ")
            yield output.printable(f"{position}: {word}: {finding.details} [{finding.code}]")
    files = "1 policy" if len(linted) == 1 else f"{len(linted)} policies"
    yield f"{files}: {f'{count} found' if count else 'nothing found'}"


def _annotations(linted: list[Linted]) -> Iterator[str]:
    """Lines for a workflow on GitHub, which shows each at its line of the change."""
    for policy in linted:
        for finding in policy.findings:
            members = {"file": str(policy.file), **_place(finding), "title": finding.code}
            told = ",".join(
                f"{name}={_escaped(str(value), *_ESCAPED_MEMBERS)}"
                for name, value in members.items()
            )
            kind = _ANNOTATIONS.get(finding.type, "notice")
            yield f"::{kind} {told}::{_escaped(finding.details)}"


def _place(finding: PolicyFinding) -> dict[str, int]:
    """The position of a finding, columns from 1. A finding over several lines has no columns."""
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


def _as_data(linted: list[Linted]) -> dict[str, Any]:
    return {
        "policies": [
            {
                "file": str(policy.file),
                "kind": policy.kind.value,
                "findings": [_finding(finding) for finding in policy.findings],
            }
            for policy in linted
        ],
        "found": sum(len(policy.findings) for policy in linted),
    }


def _finding(finding: PolicyFinding) -> dict[str, Any]:
    start, end = finding.locations[0].start, finding.locations[0].end
    return {
        "type": finding.type.value,
        "code": finding.code,
        "details": finding.details,
        "line": start.line,
        "column": start.column + 1,
        "endLine": end.line,
        "endColumn": end.column + 1,
        "link": finding.link,
    }
