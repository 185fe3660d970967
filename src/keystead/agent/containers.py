"""Credentials for containers, as on ECS and EKS (iam.md 8.5).

Each workload has a token of its own, and a program sends it as `Authorization`. A workload that is
removed gets nothing from that moment. All of them have the role of the instance: an agent has no
other.
"""

from collections.abc import Collection, Mapping

import msgspec

from keystead.agent import answers
from keystead.agent.answers import Answer
from keystead.agent.holding import Holding
from keystead.agent.state import State, hash_of
from keystead.failures import Failure
from keystead.times import iso_seconds
from keystead.wire.framing import Head

PATH = "/v1/credentials"
_LONGEST_TOKEN = 256


class Containers:
    """Answers the workloads of one instance."""

    __slots__ = ("_holding", "_known", "_state", "_version")

    def __init__(self, holding: Holding, state: State) -> None:
        self._holding = holding
        self._state = state
        self._version = -1
        self._known: Mapping[str, str] = {}

    def answer(self, head: Head, allowed: Collection[str]) -> Answer:
        """The answer to one request at a listener that `allowed` names."""
        if answers.is_forwarded(head) or not answers.is_for(head, allowed):
            return _refused(403, "AccessDenied", "The request is not from this host.")
        if head.path != PATH or head.query:
            return _refused(404, "NotFound", f"The path is {PATH}.")
        if head.method != "GET":
            return _refused(405, "MethodNotAllowed", "The method is GET.")
        try:
            workload = self._workload(head.headers.get("authorization", ""))
        except (Failure, OSError) as failure:  # a person has to mend the directory
            self._holding.tell_once(f"no workload is served: {failure}")
            return _refused(503, "Failed", "The agent cannot read its workloads.")
        if workload is None:
            return _refused(
                401, "AccessDenied", "The authorization token is not that of a workload."
            )
        return self._credentials()

    def _workload(self, token: str) -> str | None:
        """The workload that has this token. It is found by a hash, which tells no part of it."""
        version = self._state.workloads_version()
        if version != self._version or version < 0:
            self._known, self._version = self._state.workloads(), version
        if not token or len(token) > _LONGEST_TOKEN:
            return None
        return self._known.get(hash_of(token))

    def _credentials(self) -> Answer:
        current, held = self._holding.current, self._holding.credentials()
        if current is None or current.role is None:
            return _refused(404, "NoRole", "The instance has no role.")
        if held is None:
            code, message = current.code or "Failed", current.message or "There are no credentials."
            return _refused(503, code, message)
        return _json(
            200,
            {
                "AccessKeyId": held.access_key_id,
                "SecretAccessKey": held.secret_access_key,
                "Token": held.token,
                "Expiration": iso_seconds(held.expiration),
                "AccountId": self._holding.account,
                "RoleArn": current.role.arn,
            },
        )


def _refused(status: int, code: str, message: str) -> Answer:
    return _json(status, {"code": code, "message": message})


def _json(status: int, value: Mapping[str, str]) -> Answer:
    return Answer(status, msgspec.json.encode(value), media_type="application/json")
