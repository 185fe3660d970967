"""Which facts has an operation?  They are generated from a service's model, never hand-written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from keystead.errors import AwsError

In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(frozen=True, slots=True)
class Service:
    """One AWS service: how its requests are recognised, and how its answers are written."""

    name: str  # "kms", "iam", "sts": the signing name and the action prefix
    protocol: str  # "json", "query" or "rest-json"
    version: str  # API version, "2014-11-01"
    target_prefix: str = ""  # "TrentService" (json)
    xml_namespace: str = ""  # (query)
    event_source: str = ""  # "kms.amazonaws.com"
    event_type: str = "AwsApiCall"  # of its records
    clock_skew_seconds: int = 900  # KMS and Organizations 300, IAM and STS 900 (iam.md 3.7)
    is_global: bool = False  # any Region of the installation, or us-east-1, may be signed for
    echoes_values: bool = True  # a violation quotes the value; IAM never does (iam.md 10.1)
    gives_reasons: bool = False  # a violation is an InvalidInputException with a `Reason`
    iso_times: bool = False  # (rest-json) timestamps are texts, and not seconds


@dataclass(frozen=True, slots=True)
class Operation(Generic[In, Out]):
    """One operation. `output` is NoneType for an operation without output."""

    service: Service
    name: str  # "Encrypt"
    input: type[In]
    output: type[Out]
    signed: bool = True
    read_only: bool = False
    errors: tuple[type[AwsError], ...] = ()
    result_wrapper: str = ""  # (query) "CreateUserResult"; "" when there is no output
    method: str = "POST"  # (rest-json)
    path: str = "/"  # (rest-json) "/policy/validation", "/profile/{profileId}"
    success: int = 200  # (rest-json) the status of an answer
    in_query: frozenset[str] = frozenset()  # (rest-json) members in the query string
    in_path: frozenset[str] = frozenset()  # (rest-json) members in the path
    in_either: frozenset[str] = (
        frozenset()
    )  # (rest-json) of `in_query`, those that the body may have
    sensitive: frozenset[str] = field(default_factory=frozenset)  # members never recorded


Operations = Mapping[str, "Operation[object, object]"]
