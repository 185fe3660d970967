"""Are the resources ARNs that can exist?  (iam.md 4.6)"""

import re

from keystead.pauses import pausing
from keystead.policy.findings.checks import variables
from keystead.policy.findings.checks.variables import masked
from keystead.policy.findings.json_tree import Location, Node
from keystead.policy.findings.subject import Subject
from keystead.policy.language import (
    IAM_PATHS,
    ROOT_USER,
    DocumentKind,
    MalformedVariable,
    PatternTooLong,
    Texts,
    has_region_in_s3,
    pattern,
)
from keystead.policy.text import resource_glob

REGION = re.compile(r"[a-z]{2,3}(?:-[a-z]+)+-[0-9]{1,2}")
_ACCOUNT = re.compile(r"[0-9]{12}|aws")
_DIGITS = re.compile(r"[0-9]+")
_GLOBAL = frozenset({"iam", "sts", "organizations"})
_FIRST_WORDS = {"kms": ("key/", "alias/"), "iam": IAM_PATHS}


def check(subject: Subject) -> None:
    for statement in pausing(subject.statements, after=4):
        for name in ("Resource", "NotResource"):
            for node in pausing(statement.texts(name)):
                variables.check(subject, node)
                if node.scalar != "*":
                    _resource(subject, node)


def _resource(subject: Subject, node: Node) -> None:
    text = masked(node.scalar)
    if not text.startswith("arn:"):
        subject.add("INVALID_ARN_PREFIX", node)
        return
    parts = text.split(":", 5)
    if len(parts) < 6 or not parts[2] or not parts[5]:
        subject.add("MISSING_ARN_FIELD", node)
        return
    _arn(subject, node, parts)
    _of_type(subject, node, parts)
    try:
        pattern(node.scalar, Texts(subject.dialect), resource_glob)
    except PatternTooLong:
        subject.add("INVALID_ARN_RESOURCE", node)
    except MalformedVariable:
        return  # noted already


def _arn(subject: Subject, node: Node, parts: list[str]) -> None:
    """Check the first five parts of an ARN, and the sixth by the rules of its service."""
    _, partition, service, _, _, resource = parts
    first_five = sum(len(part) + 1 for part in parts[:5])
    for start, length in variables.starts(node.scalar):
        if start < first_five:
            location = subject.text.of_part(node, start, length)
            subject.add(
                "VARIABLE_UNSUPPORTED_IN_ELEMENT",
                location,
                variable=node.scalar[start : start + length],
            )
    if partition != subject.partition and not _is_wild(partition):
        location = _part(subject, node, parts, 1)
        subject.add(
            "INVALID_PARTITION",
            location,
            service=service,
            partition=partition,
            supported=subject.partition,
        )
    if _is_wild(service):
        location = _part(subject, node, parts, 2)
        subject.add("WILDCARD_IN_SERVICE_NAME", location, refused=subject.rules.arns)
        return
    if service != service.lower():
        location = _part(subject, node, parts, 2)
        subject.add("INVALID_ARN_SERVICE_CASE", location, service=service)
    _region(subject, node, parts)
    _account(subject, node, parts)
    if (service, resource) == ("iam", ROOT_USER):
        return
    first_words = _FIRST_WORDS.get(service)
    if first_words is not None and not _may_begin(resource, first_words, exact=service == "iam"):
        subject.add("INVALID_ARN_RESOURCE", _part(subject, node, parts, 5))


def _region(subject: Subject, node: Node, parts: list[str]) -> None:
    service, region = parts[2], parts[3]
    location = _part(subject, node, parts, 3)
    without = service in _GLOBAL or _is_bucket(parts)
    if region and without and (region != "*" or service == "iam"):
        subject.add("ARN_REGION_NOT_ALLOWED", location, service=service)
    elif not region and service == "kms":
        subject.add("MISSING_ARN_REGION", location, service=service)
    elif region and not _is_wild(region) and not REGION.fullmatch(region):
        subject.add("INVALID_ARN_REGION", location, region=region)


def _account(subject: Subject, node: Node, parts: list[str]) -> None:
    service, account = parts[2], parts[4]
    if account and account != "*" and _is_bucket(parts):
        subject.add("ARN_ACCOUNT_NOT_ALLOWED", _part(subject, node, parts, 4), service=service)
        return
    if _is_wild(account) or _ACCOUNT.fullmatch(account):
        return
    if service == "kms" or service in _GLOBAL or _DIGITS.fullmatch(account):
        subject.add("INVALID_ARN_ACCOUNT", _part(subject, node, parts, 4), account=account)


def _of_type(subject: Subject, node: Node, parts: list[str]) -> None:
    """Note a resource of another type than that of the policy."""
    service, resource, kind = parts[2], parts[5], subject.resource_type
    alias = service == "kms" and resource.startswith("alias/")
    if subject.kind is DocumentKind.KEY and alias:
        kind = "AWS::KMS::Key"
    elif subject.service in ("", service) or _is_wild(service):
        return
    subject.add("UNSUPPORTED_RESOURCE_ARN_IN_POLICY", node, resource_type=kind)


def _part(subject: Subject, node: Node, parts: list[str], number: int) -> Location:
    """The location of one part of an ARN."""
    start = sum(len(part) + 1 for part in parts[:number])
    return subject.text.of_part(node, start, len(parts[number]))


def _may_begin(resource: str, words: tuple[str, ...], *, exact: bool) -> bool:
    """Is a resource `*`, or does it begin with one of these words?

    Without `exact`, a pattern may have a wildcard inside the word.
    """
    if resource == "*" or resource.startswith(words):
        return True
    head = re.split(r"[*?$]", resource, maxsplit=1)[0]
    wild = head != resource
    return wild and not exact and any(word.startswith(head) for word in words)


def _is_bucket(parts: list[str]) -> bool:
    """Is this the ARN of an S3 bucket, or of an object in a bucket?"""
    return parts[2] == "s3" and not has_region_in_s3(parts[5])


def _is_wild(text: str) -> bool:
    return "*" in text or "?" in text or "$" in text
