"""How would requests be decided?  Many questions, about a live installation or a folder.

Both are asked in the same way (`question.asked`, `evaluate`). They differ only in the source of
principals, resources and policies.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import msgspec

from keystead.call import Guardrails, Resource
from keystead.failures import Failure
from keystead.identity.authentication import Caller
from keystead.inquiry.entrances import Through, named_endpoint
from keystead.inquiry.expectations import Answer, WrittenQuestion, answer
from keystead.inquiry.granted import with_grants
from keystead.inquiry.question import asked, given_keys, named_caller, named_resource, require_known
from keystead.inquiry.sessions import supposed
from keystead.inquiry.view import InstallationView
from keystead.policy.evaluation import ContextValue, Keys, evaluate
from keystead.request_keys import every_request


class World(Protocol):
    """The principals, resources and policies that questions are about."""

    @property
    def keys(self) -> Mapping[str, ContextValue]:
        """The condition keys that every request has."""

    @property
    def guardrails(self) -> Guardrails:
        """The organization's policies over resources."""

    def caller(self, arn: str) -> Caller:
        """The principal with this ARN; raises Failure."""

    def resource(self, arn: str, action: str, caller: Caller, given: Keys) -> Resource:
        """The resource that this ARN means for an action; raises Failure. `given` are facts."""

    def through(self, endpoint_id: str) -> Through:
        """What the VPC endpoint with this id adds; raises Failure. "" is none."""


class Live:
    """A live installation, now."""

    def __init__(self, installation: InstallationView) -> None:
        self._installation = installation
        self.keys = every_request(installation.clock.now())
        self.guardrails = installation.guardrails

    def caller(self, arn: str) -> Caller:
        return named_caller(self._installation, arn)

    def resource(self, arn: str, action: str, caller: Caller, given: Keys) -> Resource:
        named = named_resource(self._installation, arn, action, caller)
        return with_grants(self._installation, named, action, caller, given)

    def through(self, endpoint_id: str) -> Through:
        return named_endpoint(self._installation, endpoint_id)


def answers(world: World, questions: Iterable[WrittenQuestion]) -> list[Answer]:
    """The answer to each question."""
    return [_answer(world, question) for question in questions]


def _answer(world: World, question: WrittenQuestion) -> Answer:
    try:
        require_known(question.action, question.context)
        caller = supposed(
            world.caller(question.principal),
            question.session_policies,
            question.scope_down_policies,
        )
        facts = given_keys(question.context)
        resource = world.resource(question.resource, question.action, caller, facts)
        through = world.through(question.vpc_endpoint)
    except Failure as failure:
        return Answer(problem=failure.message, hint=failure.hint)
    its = asked(
        caller,
        question.action,
        resource,
        facts,
        keys=world.keys,
        guardrails=world.guardrails,
        through=through,
    )
    return answer(evaluate(its))


def simulate(installation: InstallationView, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The answers to some questions about a live installation."""
    questions = msgspec.convert(arguments["questions"], list[WrittenQuestion])
    answered = answers(Live(installation), questions)
    return {"answers": msgspec.to_builtins(answered), "epoch": installation.store.state}
