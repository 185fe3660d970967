"""What a document of each kind may say: AWS's sentences, in AWS's order (iam.md 4.1-4.9)."""

import json
from typing import Any

import pytest

from keystead.policy.language import refused_documents as say
from keystead.policy.language.condition_keys import refusal as refusal_of_key
from keystead.policy.language.document import (
    DocumentKind,
    MalformedPolicy,
    compile_policy,
    stored_policy,
)
from tests.policy.support import ROOT, USER, allow, deny, text

HOLDERS = (DocumentKind.IDENTITY, DocumentKind.BOUNDARY, DocumentKind.SESSION)
STS = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "sts:AssumeRole"}


def refusal(document: str, kind: DocumentKind = DocumentKind.IDENTITY) -> str:
    """The sentence with which a document is refused, "" when it is accepted."""
    try:
        compile_policy(document, kind)
    except MalformedPolicy as refused:
        return refused.message
    return ""


def one(kind: DocumentKind = DocumentKind.IDENTITY, **elements: Any) -> str:
    """The refusal of one usual statement with other elements; None takes one away."""
    statement = {**allow("kms:Encrypt"), **elements}
    written = {name: value for name, value in statement.items() if value is not None}
    return refusal(text(written), kind)


@pytest.mark.parametrize(
    "document",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"Version":"2012-10-17","Statement":[]}',
        '{"Version":"2012-10-17","Statement":[1]}',
        '{"Version":"2012-10-17","Statement":5}',
        '{"Version":"2012-10-17","Statement":true}',
        '{"Version":"2012-10-17","Statement":"x"}',
        '{"Version":"2012-10-17","Statement":null}',
        '{"Version":"2012-10-17","Statement":[{}]}',
        '{"Version":"2013-10-17","Statement":[]}',
        text(allow())[:-1],
        text(allow()) + " x",
        text(allow()).replace('"Effect"', '"Effect":"Deny","Effect"'),
        text(allow()).replace('"Effect"', '"effect":"Deny","Effect"'),
        text(allow()).replace('"Action"', '"action"'),
        text(allow()).replace("}]", ",}]"),
        text(allow()).replace("{", "{/**/", 1),
        json.dumps({"Version": "2012-10-17", "Id": 1, "Statement": allow()}),
        json.dumps({"Version": "2012-10-17", "Extra": "", "Statement": allow()}),
        json.dumps({"Version": None, "Statement": allow()}),
        text(allow(Extra=1)),
        text(allow(NotAction="x:Y")),
        text(allow(NotResource="*")),
        text(allow(Effect="Permit")),
        text(allow(Effect=None)),
        text(allow(Action=1)),
        text(allow(Action=["kms:*", None])),
        text(allow(Resource={"a": "b"})),
        text(allow(Sid=1)),
        text(allow(Condition=[])),
        text(allow(Condition={"StringEquals": "x"})),
        text(allow(Condition={"StringEquals": {"aws:username": None}})),
        text(allow(Condition={"StringEquals": {"aws:username": [["a"]]}})),
        text(allow(Condition={"StringEquals": {"aws:username": {"a": "b"}}})),
        text(allow(Condition={"StringSimilar": {"aws:username": "a"}})),
        text(allow(Condition={"StringSimilar": {}})),
        text(allow(Condition={"Bool": {}, "bool": {}})),
        text(allow(Condition={"Bool": {"aws:a": "true", "AWS:A": "true"}})),
        text(allow(Condition={"NullIfExists": {"aws:username": "true"}})),
        text(allow()).replace("kms:*", "kms:*\\u0000"),
        text(allow()).replace("kms:*", "kms:*\\ud800"),
        '{"a":' * 17 + "1" + "}" * 17,
        "[" * 100_000,
    ],
)
def test_syntax_errors(document: str) -> None:
    """What does not follow the grammar, or could be read in two ways, is a syntax error."""
    assert refusal(document) == say.SYNTAX
    assert refusal(document, DocumentKind.SCP) == say.ORGANIZATIONS


@pytest.mark.parametrize("written", ["\N{CJK UNIFIED IDEOGRAPH-4E2D}", "\\u4e2d"])
def test_characters(written: str) -> None:
    """IAM and KMS take characters up to U+00FF, plain or escaped; Organizations takes all."""
    document = text(allow()).replace("kms:*", f"kms:{written}")
    assert refusal(document) == say.SYNTAX
    assert not refusal(document, DocumentKind.SCP)
    assert not refusal(text(allow()).replace("kms:*", "kms:\xe9\\u00e9"))


def test_a_usual_document_is_accepted_in_every_order() -> None:
    """Elements come in any order, single or in lists; values may be numbers and truths."""
    condition = {
        "numericlessthan": {"aws:MultiFactorAuthAge": [300, 1.5]},
        "Bool": {"aws:SecureTransport": True},
    }
    assert not one(Condition=condition, Sid="", Action=["kms:Encrypt", "KMS:d*"])
    document = '{"Statement":{"Resource":"*","Action":"*","Effect":"Deny"},"Version":"2012-10-17"}'
    assert not refusal(document)
    assert not refusal(f" \t\r\n{document}\n")
    assert not one(Condition={})
    assert not one(Condition={"StringEquals": {}})
    assert not one(Condition={"StringEquals": {"aws:username": []}})


def test_trust_policies_have_a_sentence_for_what_is_no_json() -> None:
    """IAM tells text that is no JSON from JSON that is no policy."""
    assert refusal("{", DocumentKind.TRUST) == say.TRUST_JSON
    assert refusal("{}", DocumentKind.TRUST) == say.SYNTAX


@pytest.mark.parametrize("kind", HOLDERS)
def test_versions(kind: DocumentKind) -> None:
    """Policies about their holder are in the later version, resource policies in either."""
    for version in ("2008-10-17", None):
        assert refusal(text(allow(), version=version), kind) == say.OLD_VERSION
        everybody = allow(Principal="*")
        assert not refusal(text(everybody, version=version), DocumentKind.KEY)
        assert not refusal(text(STS, version=version), DocumentKind.TRUST)
        assert refusal(text(everybody, version=version), DocumentKind.RCP) == say.ORGANIZATIONS
        assert not refusal(text(allow(), version=version), DocumentKind.SCP)


@pytest.mark.parametrize(
    "elements",
    [
        {"Effect": "allow"},
        {"Effect": "denY"},
        {"Condition": {"DateEquals": {"aws:CurrentTime": "soon"}}},
        {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/99"}}},
        {"Condition": {"NumericEquals": {"aws:MultiFactorAuthAge": "few"}}},
        {"Condition": {"StringEquals": {"aws:username": "${aws:username"}}},
        {"Condition": {"StringLike": {"aws:username": "a*" * 129}}},
        {"Condition": {"StringLike": {"aws:username": "${aws:userid}" * 257}}},
        {"Condition": {"StringLike": {"aws:username": "*" + "a" * 96 + "?*"}}},
        {"Condition": {"StringLike": {"aws:username": "*?" + "${aws:userid}" * 3 + "*"}}},
        {"Resource": "arn:aws:s3:::${bucket/*"},
        {"Resource": "arn:aws::::x"},
        {"Resource": "arn:aws::x"},
        {"Resource": "arn:aws:s3::example_bucket"},
    ],
)
def test_the_legacy_parser(elements: dict[str, Any]) -> None:
    """Effects in other case, unreadable operands, broken variables, no service."""
    assert one(**elements) == say.LEGACY


@pytest.mark.parametrize(
    "elements",
    [
        {"Condition": {"StringLike": {"aws:username": "a*" * 128}}},
        {"Condition": {"StringLike": {"aws:username": "${aws:userid}" * 256}}},
        {"Condition": {"StringLike": {"aws:username": "*" + "a" * 95 + "?*"}}},
        {"Condition": {"StringLike": {"aws:username": "*?" + "${aws:userid}" * 2 + "*"}}},
        {"Condition": {"StringLike": {"aws:username": "a?" * 128}}},
    ],
)
def test_patterns_may_be_long(elements: dict[str, Any]) -> None:
    """As long as there is a bound to what is searched."""
    assert one(**elements) == ""


@pytest.mark.parametrize(
    ("actions", "sentence"),
    [
        (None, say.NO_ACTIONS),
        ([], say.NO_ACTIONS),
        ("Encrypt", say.NO_VENDOR),
        ("", say.NO_VENDOR),
        (["kms:*", "**"], say.NO_VENDOR),
        ("kms:key:Encrypt", say.TWO_COLONS),
        ("kms:Encrypt, kms:Decrypt", say.TWO_COLONS),
        ("*:Encrypt", "Vendor * is not valid"),
        ("k s:Encrypt", "Vendor k s is not valid"),
        ("kms:Encrypt,", ""),
        ("nobody:knows", ""),
        ("*", ""),
    ],
)
def test_actions(actions: Any, sentence: str) -> None:
    """Actions have one prefix, without wildcards; unknown ones are accepted."""
    assert one(Action=actions) == sentence
    assert one(Action=None, NotAction=actions) == sentence


@pytest.mark.parametrize(
    ("resources", "sentence"),
    [
        (None, say.NO_RESOURCES),
        ([], say.NO_RESOURCES),
        ("key", 'Resource key must be in ARN format or "*".'),
        ("**", 'Resource ** must be in ARN format or "*".'),
        ("", 'Resource  must be in ARN format or "*".'),
        ("a:b", 'Partition "b" is not valid for resource "arn:b:*:*:*:*".'),
        ("arn:x:s3", 'Partition "x" is not valid for resource "arn:x:s3:*:*:*".'),
        ("arn:x:s3:a:b", 'Partition "x" is not valid for resource "arn:x:s3:a:b:*".'),
        ("arn:x::::", 'Partition "x" is not valid for resource "arn:x::::".'),
        ("arn:x:kms:eu:1:k:2", 'Partition "x" is not valid for resource "arn:x:kms:eu:1:k:2".'),
        ("arn:cn:s3:::b", 'Partition "cn" is not valid for resource "arn:cn:s3:::b".'),
        ("arn:aws", say.RESOURCE_VENDOR),
        ("arn:aws:*:eu:1:k", say.RESOURCE_VENDOR),
        ("arn:aws:k?s:eu:1:k", say.RESOURCE_VENDOR),
        (
            "arn:aws:iam:eu:1:user/a",
            "IAM resource arn:aws:iam:eu:1:user/a cannot contain region information.",
        ),
        (
            "arn:aws:s3:eu-west-1::b",
            "Resource arn:aws:s3:eu-west-1::b can not contain region information.",
        ),
        ("arn:aws:s3:eu-west-1:111122223333:accesspoint/a", ""),
        ("arn:aws:s3:*:*:b", ""),
        ("arn:aws:iam:*:1:*", "IAM resource arn:aws:iam:*:1:* cannot contain region information."),
        (["arn:aws:iam::1:*", "arn:aws:iam", "arn:aws:iam:*", "arn:aws:iam::*"], ""),
        (["arn:aws:sqs", "arn:aws:kms:*", "arn:aws:cloudfront:*", "arn:aws:s3::"], ""),
        (["arn:aws:iam::1:root", "arn:aws:iam::*:root"], ""),
        ("arn:aws:iam::1:root/a", say.IAM_PATH),
        ("arn:aws:iam::1:user/a", ""),
        (["*", "arn:aws:kms:*:1:key/*", "arn:*:kms:*:*:key/*", "arn:aws*:s3:::b"], ""),
        ("arn:aws:s3:::${aws:username}/*", ""),
    ],
)
def test_resources(resources: Any, sentence: str) -> None:
    """Resources are `*` or ARNs, as IAM wants them; what they lack is completed."""
    assert one(Resource=resources) == sentence
    assert one(Resource=None, NotResource=resources) == sentence


def test_iams_path_sentence_is_aws_s() -> None:
    """The sentence lists the paths."""
    assert say.IAM_PATH.startswith('IAM resource path must either be "*" or start with user/, ')
    assert say.IAM_PATH.endswith("report/, access-report/.")


ORDERED: list[tuple[dict[str, Any], str]] = [
    ({"Extra": 1}, say.SYNTAX),
    ({"Version": "2008-10-17"}, say.OLD_VERSION),
    ({"Effect": "allow"}, say.LEGACY),
    ({"Sid": "Tw ice"}, say.SID),
    ({"Sid": "Twice"}, say.DUPLICATE_SID),
    ({"Action": []}, say.NO_ACTIONS),
    ({"Resource": []}, say.NO_RESOURCES),
    ({"Resource": "sdfsadf"}, 'Resource sdfsadf must be in ARN format or "*".'),
    ({"Action": "a:a:a"}, say.TWO_COLONS),
    (
        {"Condition": {"Bool": {"aws:ChatbotSourceArn": "true"}}},
        refusal_of_key("aws:ChatbotSourceArn"),
    ),
]


@pytest.mark.parametrize("first", range(len(ORDERED)))
def test_the_first_check_that_fails_speaks(first: int) -> None:
    """With everything wrong that later checks look at, the earliest sentence is given."""
    changes: dict[str, Any] = {}
    for elements, _ in reversed(ORDERED[first:]):
        changes |= elements
    version = changes.pop("Version", "2012-10-17")
    other = allow("kms:Decrypt", Sid="Twice")
    assert refusal(text({**allow(), **changes}, other, version=version)) == ORDERED[first][1]


def test_sids_are_unique_where_iam_reads_them() -> None:
    """They are letters and digits; empty ones do not count; a key policy's may be anything."""
    assert refusal(text(allow(Sid="with blanks"))) == say.SID
    assert refusal(text(allow(Sid="A"), deny(Sid="A"))) == say.DUPLICATE_SID
    assert not refusal(text(allow(Sid=""), deny(Sid="")))
    everybody = deny(Principal="*", Sid="Allow all, please")
    assert not refusal(text(everybody), DocumentKind.KEY)


@pytest.mark.parametrize("kind", [*HOLDERS, DocumentKind.SCP])
def test_no_principals_in_policies_about_their_holder(kind: DocumentKind) -> None:
    """A policy that is attached to somebody names nobody."""
    sentence = say.ORGANIZATIONS if kind is DocumentKind.SCP else say.NO_PRINCIPAL_HERE
    assert one(kind, Principal="*") == sentence
    assert one(kind, NotPrincipal={"AWS": ROOT}) == sentence
    assert one(kind) == ""


def test_trust_policies() -> None:
    """A trust policy names who may assume the role, and nothing else."""
    assert not refusal(text(STS), DocumentKind.TRUST)
    for wrong, sentence in (
        ({"Resource": "*"}, say.NO_RESOURCE_HERE),
        ({"Principal": None}, say.PRINCIPAL_MISSING),
        ({"Principal": None, "NotPrincipal": {"AWS": ROOT}}, say.PRINCIPAL_MISSING),
        ({"Action": "sts:*"}, say.TRUST_ACTIONS),
        ({"Action": "*"}, say.TRUST_ACTIONS),
        ({"Action": ["sts:AssumeRole", "sts:GetFederationToken"]}, say.TRUST_ACTIONS),
        ({"Action": None, "NotAction": "kms:*"}, say.TRUST_ACTIONS),
        ({"Action": None, "NotAction": "sts:AssumeRole"}, say.TRUST_ACTIONS),
        ({"Action": "sts:AssumeRole1"}, say.TRUST_ACTIONS),
        ({"Action": "sts:TagSessions"}, say.TRUST_ACTIONS),
        ({"Action": None}, say.NO_ACTIONS),
    ):
        statement = {name: value for name, value in {**STS, **wrong}.items() if value is not None}
        assert refusal(text(statement), DocumentKind.TRUST) == sentence
    for action in ("sts:AssumeRole*", "sts:TagSession", "sts:SetSourceIdentity", "sts:SetContext"):
        assert not refusal(
            text({**STS, "Action": [action, "sts:assumerolewithsaml"]}), DocumentKind.TRUST
        )


def test_what_key_policies_must_say() -> None:
    """A statement without Action or Resource is refused since August 2025, and void where it was
    stored before; without Principal it is refused.
    """
    everybody = allow(Principal="*")
    for element in ("Action", "Resource"):
        statement = {name: value for name, value in everybody.items() if name != element}
        for written in (statement, {**statement, element: []}):
            lacks = say.NO_ACTIONS if element == "Action" else say.NO_RESOURCES
            assert refusal(text(written), DocumentKind.KEY) == lacks
            compiled = stored_policy(text(written), DocumentKind.KEY).statements[0]
            assert compiled.void
            assert not compiled.actions.matches("kms:encrypt")
    assert refusal(text(allow()), DocumentKind.KEY) == say.PRINCIPAL_MISSING
    assert refusal(text(allow()), DocumentKind.ENDPOINT) == say.PRINCIPAL_MISSING


@pytest.mark.parametrize("kind", [DocumentKind.KEY, DocumentKind.ENDPOINT])
@pytest.mark.parametrize(
    "resource",
    ["arn:aws:kms", "arn:aws:kms:eu-central-1:1", "key", "", "k*", "?:*", "arn:aws:k:${aws:a}::x"],
)
def test_a_resource_that_can_match_nothing_is_refused(kind: DocumentKind, resource: str) -> None:
    """A Deny that could never deny is not stored; one that was keeps meaning nothing."""
    for effect in (allow, deny):
        statement = effect(resource=resource, Principal="*")
        assert refusal(text(statement), kind)
        assert not stored_policy(text(statement), kind).broken
        assert refusal(text(effect(resource=["*", resource], Principal="*")), kind)
    for possible in ("arn:aws:kms:*", "a*", "arn:*", "???:*", "arn:aws:kms:*:1:key/${aws:a}"):
        assert not refusal(text(deny(resource=possible, Principal="*"), version="2008-10-17"), kind)


@pytest.mark.parametrize("kind", [DocumentKind.KEY, DocumentKind.ENDPOINT])
def test_an_allow_for_everybody_else_is_refused(kind: DocumentKind) -> None:
    """NotPrincipal only denies in what we store."""
    others = {"NotPrincipal": {"AWS": [USER, ROOT]}}
    assert refusal(text(allow(**others)), kind) == say.SYNTAX
    assert not refusal(text(deny(**others)), kind)


@pytest.mark.parametrize(
    ("key", "kind"),
    [("kms:EncryptionContext:App", "encryption context"), ("aws:RequestTag/team", "tag")],
)
def test_for_all_values_of_what_is_single_is_too_permissive(key: str, kind: str) -> None:
    """KMS refuses ForAllValues where a missing key would satisfy it."""

    def written(operator: str) -> str:
        return text(allow(Principal="*", Condition={operator: {key: "x"}}))

    assert refusal(written("forallvalues:StringEquals"), DocumentKind.KEY) == (
        "OverlyPermissiveCondition: Using the ForAllValues set operator with a single-valued"
        f" condition key matches requests without the specified {kind} or with an unspecified"
        f" {kind}. To fix, remove ForAllValues."
    )
    assert not refusal(written("ForAnyValue:StringEquals"), DocumentKind.KEY)
    assert not refusal(written("StringEquals"), DocumentKind.KEY)


def test_resource_control_policies() -> None:
    """RCPs deny everybody, service by service; only AWS's full access allows."""
    everybody = {"Principal": "*"}
    assert not refusal(text(deny(**everybody)), DocumentKind.RCP)
    assert not refusal(
        text({"Effect": "Allow", "Action": "*", "Resource": "*", **everybody}), DocumentKind.RCP
    )
    for wrong in (
        allow(**everybody),
        allow("*", Condition={"Bool": {"aws:SecureTransport": "true"}}, **everybody),
        deny("*", **everybody),
        deny(Principal={"AWS": "*"}),
        deny(Principal={"AWS": ROOT}),
        deny(NotPrincipal={"AWS": ROOT}),
        deny(),
        {"Effect": "Deny", "NotAction": "kms:*", "Resource": "*", **everybody},
        allow("*", "arn:aws:kms:*:*:key/*", **everybody),
        allow("*", ["*", "arn:aws:kms:*:*:key/*"], **everybody),
        allow(["*", "kms:*"], **everybody),
        {"Effect": "Allow", "Action": "*", "NotResource": "*", **everybody},
    ):
        assert refusal(text(wrong), DocumentKind.RCP) == say.ORGANIZATIONS


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        (deny(Principal={"AWS": ROOT}), 'the `Principal` of an RCP has to be `"*"`'),
        (deny("*", Principal="*"), "an action of an RCP has to name its service"),
        (allow(Principal="*"), "a statement of an RCP has to be a Deny"),
        (
            {"Effect": "Deny", "NotAction": "kms:*", "Resource": "*", "Principal": "*"},
            "an RCP cannot have `NotAction`",
        ),
    ],
)
def test_the_operator_hears_what_organizations_do_not_say(
    statement: dict[str, Any], why: str
) -> None:
    """Behind the one sentence of Organizations stands what is wrong."""
    with pytest.raises(MalformedPolicy) as refused:
        compile_policy(text(statement), DocumentKind.RCP)
    assert (refused.value.message, refused.value.detail) == (say.ORGANIZATIONS, why)


@pytest.mark.parametrize(
    ("key", "supported"),
    [
        ("aws:SourceIp", True),
        ("AWS:sourceip", True),
        ("aws:PrincipalTag/cost-center", True),
        ("kms:EncryptionContext:a/b:c", True),
        ("kms:EncryptionContextKeys", True),
        ("s3:prefix", True),
        ("id.example.com/a:sub", True),
        ("aws:SuorceIp", False),
        ("aws:ChatbotSourceArn", False),
        ("kms:EncryptionContexts", False),
        ("sts:RequestContext/x", False),
        ("iam:FIDO-certification", False),
        ("saml:nothing", False),
    ],
)
def test_condition_keys(key: str, supported: bool) -> None:
    """A key of ours that never has a value is refused, as a condition and as a variable."""
    condition = text(allow(Condition={"StringEquals": {key: "x"}}))
    variable = text(allow(Resource=f"arn:aws:s3:::${{{key}}}"))
    for document in (condition, variable):
        assert bool(refusal(document)) is not supported
        kind = DocumentKind.IDENTITY
        assert compile_policy(document, kind, accept_unsupported_condition_keys=True)
        assert not stored_policy(document, kind).broken


@pytest.mark.parametrize("key", ["username", ":x", ":aws:username"])
def test_condition_keys_without_a_prefix(key: str) -> None:
    """A key without the name of a service is stored, and never has a value."""
    assert one(Condition={"StringEquals": {key: "x"}}) == ""
    assert one(Condition={"StringEquals": {"aws:": "x"}}) != ""


@pytest.mark.parametrize(
    ("variable", "well_formed"),
    [
        ("${aws:PrincipalTag/cost center}", True),
        ("${aws:PrincipalTag/cost  center of us, 'a b'}", True),
        ("${kms:EncryptionContext:App Name}", True),
        ("${aws:PrincipalTag/ x}", False),
        ("${aws:PrincipalTag/x }", False),
        ("${aws:PrincipalTag/x y,'z'}", False),
        ("${aws:user name}", False),
        ("${aws: username}", False),
        ("${aws:Principal Tag/x}", False),
    ],
)
def test_blanks_in_variables(variable: str, well_formed: bool) -> None:
    """The key of a tag may have blanks inside, and nothing else of a variable may."""
    sentence = "" if well_formed else say.LEGACY
    assert one(Resource=f"arn:aws:s3:::{variable}/*") == sentence
    assert one(Condition={"StringEquals": {"s3:prefix": variable}}) == sentence


def test_a_partition_can_be_demanded() -> None:
    """An ARN of another partition is refused where one is demanded; `*` is in every partition."""

    def refused(partition: str, written: str) -> str:
        document = text(allow(resource=f"arn:{written}:s3:::b"))
        try:
            compile_policy(document, DocumentKind.IDENTITY, partition=partition)
        except MalformedPolicy as why:
            return why.message
        return ""

    assert refused("aws-cn", "aws") == 'Partition "aws" is not valid for resource "arn:aws:s3:::b".'
    assert refused("aws", "aws-cn")
    assert not any(refused("aws-cn", written) for written in ("aws-cn", "*", "aws*"))
    assert not refused("", "aws-us-gov")


@pytest.mark.parametrize("key", ["kms:ResourceAliases", "aws:ResourceTag/team"])
def test_keys_that_key_policies_do_not_see_are_refused_there(key: str) -> None:
    """What only identity-based policies see is of no use in a key policy."""
    condition = {"ForAnyValue:StringEquals": {key: "x"}}
    assert refusal(text(allow(Principal="*", Condition=condition)), DocumentKind.KEY)
    assert not one(Condition=condition)


def test_only_iam_asks_for_its_own_arns() -> None:
    """What an organization's policy says of IAM's resources is not looked at as closely."""
    for resource in ("arn:aws:iam:eu-1:1:user/a", "arn:aws:iam::1:a"):
        assert one(Resource=resource) != ""
        assert not refusal(text(deny(resource=resource)), DocumentKind.SCP)


def test_partitions_may_have_wildcards() -> None:
    """Any part but the service may."""
    for partition in ("aws", "*", "aw?", "a*"):
        assert one(Resource=f"arn:{partition}:s3:::b") == ""


def test_variables_are_condition_keys_as_well() -> None:
    """A key that never has a value is refused inside a value too, as it is in a resource."""
    for value in ("${aws:ChatbotSourceArn}", "x${aws:ChatbotSourceArn, 'y'}*"):
        condition = {"StringLike": {"aws:username": ["x", value]}}
        assert one(Condition=condition) == refusal_of_key("aws:ChatbotSourceArn")
    assert one(Condition={"StringLike": {"aws:username": "${aws:userid}"}}) == ""


@pytest.mark.parametrize("place", ["name", "value", "list"])
def test_escapes_write_no_other_characters(place: str) -> None:
    """What IAM does not take plainly it does not take as an escape, in names neither."""
    conditions: dict[str, dict[str, Any]] = {
        "name": {"app:\N{CYRILLIC SMALL LETTER ZHE}": "x"},
        "value": {"app:x": "\N{CYRILLIC SMALL LETTER ZHE}"},
        "list": {"app:x": ["x", "\N{CYRILLIC SMALL LETTER ZHE}"]},
    }
    written = text(allow(Condition={"StringEquals": conditions[place]}))
    assert "\\u0436" in written
    assert refusal(written) == say.SYNTAX
    assert not refusal(written, DocumentKind.SCP)
    assert not refusal(written.replace("\\u0436", "\\u00e9"))


@pytest.mark.parametrize(
    "key",
    [
        "iam:ServiceSpecificCredentialServiceName",
        "iam:ServiceSpecificCredentialAgeDays",
        "aws:ChatbotSourceArn",
        "aws:SignInSessionArn",
        "sts:AWSServiceName",
        "sts:RequestContext/x",
    ],
)
def test_keys_that_exist_and_have_no_value_here(key: str) -> None:
    """They are told from keys that do not exist, and the setting that stores them is named."""
    told = one(Condition={"StringEquals": {key: "x"}})
    assert told.startswith(f"Condition key {key} is not supported: it exists at AWS and has no")
    assert "accept_unsupported_condition_keys" in told
    for nothing in ("iam:Nothing", "aws:SuorceIp", "kms:"):
        told = one(Condition={"StringEquals": {nothing: "x"}})
        assert told == f"Condition key {nothing} is not supported: it does not exist."
