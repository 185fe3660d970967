"""`keystead explain`: why was a call refused, or would one be allowed?  Down to the condition."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from keystead.cli import options, output
from keystead.cli.performing import hold
from keystead.failures import Failure

REFUSED = 1


@click.command(short_help="Explain a refusal, or how a request would be decided.")
@click.argument("request_id", metavar="[ID]", required=False)
@options.data
@options.config_file
@options.passphrase_file
@click.option(
    "--principal", metavar="ARN", help="The caller: a user, role, root, provider or service."
)
@click.option("--action", metavar="ACTION", help="Such as kms:Encrypt.")
@click.option("--resource", metavar="ARN", help="A key's ARN, another ARN, or *.")
@click.option("--vpc-endpoint", metavar="ID", help="The VPC endpoint by which the request comes.")
@options.context
@options.session_policies
@options.scope_down_policies
@options.json
def explain(
    *,
    request_id: str | None,
    file: Path | None,
    principal: str | None,
    action: str | None,
    resource: str | None,
    vpc_endpoint: str | None,
    given: tuple[str, ...],
    session_policies: tuple[Path, ...],
    scope_down_policies: tuple[Path, ...],
    as_json: bool,
    **settings: Any,
) -> int:
    """Explain a refusal, or how a request would be decided. No request is made.

    ID is the request id of a refused call; every client shows it. The call is explained as it was
    decided then, even if policies have changed since. Without ID, a request with --principal,
    --action and --resource is explained as it would be decided now.

    Every policy that was considered is shown, and the statement that decided. Each condition is
    shown with the expected and the actual value. The smallest change that would allow the request
    comes last. The exit status is 0 for allowed, 1 for refused.
    """
    question = {"principal": principal, "action": action, "resource": resource}
    others = (*given, *session_policies, *scope_down_policies, *filter(None, [vpc_endpoint]))
    _require_one(request_id, question, others)
    policies = {
        "session_policies": options.texts(session_policies),
        "scope_down_policies": options.texts(scope_down_policies),
        "vpc_endpoint": vpc_endpoint or "",
    }
    if action is not None:
        options.require_action(action)
    config = options.load(file, **settings)
    if request_id is not None:
        answer = hold(config, "explain refusal", id=request_id)
    else:
        context = options.context_values(given)
        answer = hold(config, "explain", **question, context=context, **policies)
    if as_json:
        output.as_json({name: value for name, value in answer.items() if name != "text"})
    else:
        click.echo(answer["text"])
    return 0 if request_id is None and answer["decision"] == "Allowed" else REFUSED


def _require_one(
    request_id: str | None, question: Mapping[str, str | None], given: tuple[object, ...]
) -> None:
    """Require either the ID of a refusal or a whole question."""
    options_given = [f"--{name}" for name, value in question.items() if value is not None]
    if request_id is not None and (options_given or given):
        raise Failure(
            f"an ID and {(*options_given, '--context')[0]} cannot be given together",
            "give the ID alone: a refusal is explained as it was asked",
            status=2,
        )
    missing = [f"--{name}" for name, value in question.items() if value is None]
    if request_id is None and missing:
        raise Failure(
            f"missing {', '.join(missing)}",
            "give the ID of a refusal, or --principal, --action and --resource",
            status=2,
        )
