"""Which policy documents can be stored, per kind?  (IAM: grammar; validation at save time)

`refusal` answers with a reason, or None for a document that can be stored. The kinds:
identity, boundary, session, scp, rcp, key (of a KMS key), trust (of a role), endpoint, and
resource (of a resource of a service that is not ours).
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.policy.reference import conditions, patterns, principals, values

IDENTITY_LIKE = ("identity", "boundary", "session", "scp")
CHARACTERS = re.compile(r"[\t\n\r\u0020-\u00ff]*")
ELEMENTS = {
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
}
# Blanks between tokens do not count.
LARGEST = {
    "identity": 10_240,
    "boundary": 6_144,
    "session": 2_048,
    "scp": 5_120,
    "rcp": 5_120,
    "key": 32_768,
}
CANONICAL_USER = re.compile(r"[0-9a-f]{64}")
TRUST_ACTION = re.compile(
    r"sts:(assumerole[a-z]*\*?|tagsession|setsourceidentity|setcontext)", re.IGNORECASE
)
IAM_PATHS = (
    "user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/",
    "server-certificate/", "policy/", "sms-mfa/", "saml-provider/", "oidc-provider/",
    "report/", "access-report/",
)  # fmt: skip
PRINCIPAL_ARN = re.compile(
    r"arn:aws:iam::[0-9]{12}:(root|(user|role)/[^*?]+)"
    r"|arn:aws:sts::[0-9]{12}:(assumed-role/[^*?/]+/[^*?/]+|federated-user/[^*?]+)"
)
UNIQUE_ID = re.compile(r"(AIDA|AROA)[A-Z2-7]{17}")


class Refused(Exception):
    """The document cannot be stored."""


def refusal(document: Any, kind: str) -> str | None:
    try:
        _check(document, kind)
    except Refused as reason:
        return str(reason)
    return None


def require(condition: bool, reason: str) -> None:
    if not condition:
        raise Refused(reason)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def texts(value: Any) -> list[str]:
    """One text or a list of texts."""
    found = as_list(value)
    require(all(isinstance(each, str) for each in found), "a text or a list of texts is needed")
    return found


def statements(document: Any) -> list[dict[str, Any]]:
    return as_list(document["Statement"])


def condition_values(value: Any) -> list[str]:
    """JSON numbers and booleans count as their text."""
    return [each if isinstance(each, str) else json.dumps(each) for each in as_list(value)]


def conditions_of(statement: dict[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    for operator, keys in statement.get("Condition", {}).items():
        for key, value in keys.items():
            yield operator, key, condition_values(value)


def is_full_access_rcp(document: Any) -> bool:
    """RCPFullAWSAccess, which is attached everywhere and cannot be detached."""
    found = statements(document)
    return len(found) == 1 and {**found[0], "Sid": ""} == {
        "Sid": "",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "*",
        "Resource": "*",
    }


def _check(document: Any, kind: str) -> None:
    # (1) Grammar.
    require(isinstance(document, dict), "not a JSON object")
    require(set(document) <= {"Version", "Id", "Statement"}, "unknown element")
    require("Statement" in document, "no statement")
    version = document.get("Version", "2008-10-17")
    require(version in ("2008-10-17", "2012-10-17"), "unknown version")
    found = as_list(document["Statement"])
    require(found != [], "empty list of statements")
    for statement in found:
        _check_grammar(statement)
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    require(CHARACTERS.fullmatch(text) is not None, "character outside U+0020 to U+00FF")
    require(len(text) <= LARGEST.get(kind, len(text)), "too long")
    # (2) Version.
    if kind in ("identity", "boundary", "session", "rcp"):
        require(version == "2012-10-17", "version must be 2012-10-17")
    # (3) Sids.
    if kind not in ("key", "resource", "endpoint"):
        sids = [statement["Sid"] for statement in found if statement.get("Sid")]
        require(len(sids) == len(set(sids)), "statement ids must be unique")
        require(all(re.fullmatch("[A-Za-z0-9]*", sid) for sid in sids), "invalid Sid")
    # (4) What the kind demands of each statement.
    if kind == "rcp" and is_full_access_rcp(document):
        return
    for statement in found:
        _check_kind(statement, kind)


def _check_grammar(statement: Any) -> None:
    require(isinstance(statement, dict), "a statement is a JSON object")
    require(set(statement) <= ELEMENTS, "unknown element")
    require(statement.get("Effect") in ("Allow", "Deny"), "Effect is Allow or Deny")
    require(isinstance(statement.get("Sid", ""), str), "Sid is a text")
    for element in ("Principal", "Action", "Resource"):
        both = element in statement and f"Not{element}" in statement
        require(not both, f"{element} and Not{element} exclude each other")
    for element in ("Action", "NotAction", "Resource", "NotResource"):
        texts(statement.get(element, []))
    for element in ("Principal", "NotPrincipal"):
        if element in statement:
            _check_principal(statement[element])
    require(isinstance(statement.get("Condition", {}), dict), "Condition is an object")
    _check_names(statement.get("Condition", {}))
    for keys in statement.get("Condition", {}).values():
        require(isinstance(keys, dict), "an operator holds an object")
        _check_names(keys)
        for value in keys.values():
            scalars = all(isinstance(each, str | int | float | bool) for each in as_list(value))
            require(scalars, "a condition value is a text, number or boolean")
    for operator, _, wanted in conditions_of(statement):
        _check_condition(operator, wanted)
    for action in texts(statement.get("Action", statement.get("NotAction", []))):
        _check_action(action)


def _check_names(members: dict[str, Any]) -> None:
    lowered = [patterns.ascii_lower(name) for name in members]
    require(len(lowered) == len(set(lowered)), "names that differ only by case")


def _check_condition(name: str, wanted: list[str]) -> None:
    parts = conditions.operator_parts(name)
    require(parts is not None, f"unknown operator {name}")
    base = parts[1] if parts else ""
    readers = {"numeric": values.number, "date": values.moment, "binary": values.octets}
    for family, read in readers.items():
        if base.startswith(family):
            require(None not in [read(value) for value in wanted], f"not of the type of {name}")
    if base in ("ipaddress", "notipaddress"):
        require(None not in [values.network(value) for value in wanted], "not an address or CIDR")


def _check_principal(element: Any) -> None:
    if element == "*":
        return
    require(isinstance(element, dict), "Principal is * or an object")
    require(set(element) <= {"AWS", "Service", "Federated", "CanonicalUser"}, "principal type")
    for value in element.values():
        texts(value)
    require(principals.listed(element) != [], "nobody is named")
    for kind, value in principals.listed(element):
        if kind == "AWS":
            known = value == "*" or principals.ACCOUNT_ID.fullmatch(value)
            known = known or PRINCIPAL_ARN.fullmatch(value) or UNIQUE_ID.fullmatch(value)
            require(bool(known), f"invalid principal {value}")
        elif kind == "CanonicalUser":
            require(CANONICAL_USER.fullmatch(value) is not None, "64 hexadecimal digits")
        else:
            require("*" not in value and "?" not in value, "wildcard in a principal")


def _check_kind(statement: dict[str, Any], kind: str) -> None:
    has = statement.keys()
    if kind in IDENTITY_LIKE:
        require(not has & {"Principal", "NotPrincipal"}, "Principal is not allowed here")
    if kind in ("key", "trust", "rcp", "endpoint"):
        require(bool(has & {"Principal", "NotPrincipal"}), "Principal is required")
    if has & {"Principal", "NotPrincipal"}:
        named = principals.listed(statement.get("Principal", statement.get("NotPrincipal")))
        types = [each for each, _ in named]
        require(kind == "trust" or "Federated" not in types, "Federated is for trust policies")
        require(kind == "resource" or "CanonicalUser" not in types, "CanonicalUser is S3's")
    if kind in ("trust", "rcp"):
        require("NotPrincipal" not in has, "NotPrincipal is not allowed here")
    if kind != "resource" and statement["Effect"] == "Allow":
        require("NotPrincipal" not in has, "Allow with NotPrincipal")
    if kind == "rcp":
        require(statement["Effect"] == "Deny", "an RCP only denies")
        require(statement["Principal"] == "*", "the Principal of an RCP is *")
        require("NotAction" not in has, "NotAction is not allowed here")
        require(
            "*" not in texts(statement.get("Action", [])), "the Action of an RCP names a service"
        )
    if kind == "key":
        for operator, key, _ in conditions_of(statement):
            _check_overly_permissive(operator, key)
    if kind == "trust":
        require(not has & {"Resource", "NotResource"}, "Has prohibited field Resource.")
        require("Action" in has, "Policy statement must contain actions.")
        for action in texts(statement["Action"]):
            require(TRUST_ACTION.fullmatch(action) is not None, "not an action of trust policies")
    if kind in (*IDENTITY_LIKE, "rcp", "key"):
        actions = texts(statement.get("Action", statement.get("NotAction", [])))
        resources = texts(statement.get("Resource", statement.get("NotResource", [])))
        require(actions != [], "Policy statement must contain actions.")
        require(resources != [], "Policy statement must contain resources.")
        for resource in resources:
            if kind == "key":
                _check_reachable(resource)
            else:
                _check_resource(resource, kind)


def _check_overly_permissive(operator: str, key: str) -> None:
    """KMS: ForAllValues is true for a missing key, and these keys have one value at most."""
    single = patterns.ascii_lower(key).startswith(("kms:encryptioncontext:", "aws:requesttag/"))
    every = patterns.ascii_lower(operator).startswith("forallvalues:")
    require(not (single and every), "overly permissive condition")


def _check_action(action: str) -> None:
    if action == "*":
        return
    require(action.count(":") == 1, "an action has a vendor and exactly one colon")
    vendor = action.split(":", maxsplit=1)[0]
    require(re.fullmatch(r"[A-Za-z0-9-]+", vendor) is not None, f"Vendor {vendor} is not valid")


def _check_reachable(resource: str) -> None:
    """In a key policy a pattern that no ARN can match is refused (KMS: Resource)."""
    parts = patterns.arn_parts(patterns.wildcards(resource))
    require(patterns.matches(parts[0], "arn"), f"Resource {resource} is no ARN")
    require(len(parts) == 6 or resource.endswith("*"), "a short ARN matches nothing")
    require("${" not in ":".join(resource.split(":")[:5]), "a variable in the first five parts")


def _check_resource(resource: str, kind: str) -> None:
    if resource == "*":
        return
    parts = resource.split(":", 5)
    require(parts[0] == "arn", f'Resource {resource} must be in ARN format or "*".')
    require(len(parts) >= 3 and parts[2] != "", "The policy failed legacy parsing")
    if kind in ("identity", "boundary"):
        if len(parts) == 5:
            account = re.fullmatch(r"([0-9]{12}|aws|)|.*[*?].*", parts[4])
            require(account is not None, "The policy failed legacy parsing")
        parts = patterns.completed(parts)
    require(len(parts) == 6, "The policy failed legacy parsing")
    if kind != "scp" and parts[2] == "s3" and parts[3] not in ("", "*"):
        points = ("accesspoint", "job/", "storage-lens", "access-grants", "async-request", "*")
        require(parts[5].startswith(points), "an S3 ARN cannot contain region information")
    require(re.fullmatch(r"aws|\*", parts[1]) is not None, f"Partition {parts[1]}")
    require("*" not in parts[2] and "?" not in parts[2], "Resource vendor must be fully qualified")
    if parts[2] == "iam":
        require(
            parts[3] == "" or len(resource.split(":")) < 6,
            "IAM resource cannot contain region information.",
        )
        starts = parts[5] in ("*", "root") or parts[5].startswith(IAM_PATHS)
        require(starts, "IAM resource path must either be * or start with a known type")
