"""Every declined operation, by the table of rows: who may ask hears its answer, no other does."""

import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

import keystead.identity.iam
import keystead.identity.sts
from keystead.errors import AwsError
from keystead.identity.rules import (
    DECLINED_IAM,
    DECLINED_STS,
    About,
    DeclinedRules,
    EmptyList,
    Missing,
    Refused,
)
from keystead.policy.evaluation import AccessDenied
from keystead.wire.models import iam as api
from keystead.wire.models import sts
from keystead.wire.operation import Operation
from tests.condition_keys import TABLES
from tests.conftest import Server
from tests.identity.refusals import refused
from tests.identity.world import Person, Tenant, World, allow, deny, document
from tests.setting import filled

# The operations register themselves when their modules are imported.
REGISTERED = (keystead.identity.iam, keystead.identity.sts)
ROWS = (*DECLINED_IAM, *DECLINED_STS)
OF_USERS = [row for row in ROWS if row.about in {About.USER, About.KEY_OWNER, About.USER_OR_ALL}]
CODES = {
    Missing: "NoSuchEntity",
    Refused.DENIED: "AccessDenied",
    Refused.DISABLED: "FeatureDisabled",
}
ACCOUNT = "arn:aws:iam::111122223333"
REQUEST = f"{ACCOUNT}:delegation-request/{'A' * 24}"
PROVIDER = f"{ACCOUNT}:oidc-provider/idp.example"
MADE = {"@delegation request": REQUEST, "@provider": PROVIDER}
CERTIFICATE = {"certificate_body": "x", "private_key": "x"}

each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.operation.name)


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    """An account with the user and the provider that the rows of the table are about."""
    world = World.create(tmp_path_factory.mktemp("identity"))
    tenant = world.account("root@example.com", "111122223333")
    tenant.root(api.CreateUser, user_name="jo")
    tenant.root(api.CreateOpenIDConnectProvider, url="https://idp.example")
    yield tenant
    world.store.close()


def members(row: DeclinedRules) -> dict[str, Any]:
    """The members of a good request, from the table of condition keys."""
    operation = row.operation
    rows = TABLES[operation.service.name]
    request: Mapping[str, Any] = next(r.request for r in rows if r.operation == operation.name)
    fields = {f.encode_name.lower(): f for f in msgspec.structs.fields(operation.input)}
    return {
        fields[name.lower()].name: msgspec.convert(filled(value, MADE), fields[name.lower()].type)
        for name, value in request.items()
    }


def answered(person: Person, row: DeclinedRules, **other: Any) -> str | list[Any]:
    """The list of the answer, or the code of the error."""
    try:
        answer = person(row.operation, **{**members(row), **other})
    except AwsError as error:
        return error.query_code or error.code
    assert isinstance(row.answer, EmptyList)
    assert answer.is_truncated is False
    listed: list[Any] = getattr(answer, row.answer.member)
    return listed


@each_row
def test_who_may_ask_hears_the_answer(tenant: Tenant, row: DeclinedRules) -> None:
    """The own action alone is enough. The decision is recorded, and nothing has changed."""
    person = tenant.user(f"own-{row.operation.name}", allow(row.asks[0]))
    before = tenant.root(api.GetAccountSummary)

    if isinstance(row.answer, EmptyList):
        assert answered(person, row) == []
    else:
        key = type(row.answer) if isinstance(row.answer, Missing) else row.answer
        assert answered(person, row) == CODES[key]
    event = tenant.world.last_event
    assert event is not None
    assert [(d.action, d.allowed) for d in event.decisions] == [(row.asks[0], True)]
    assert tenant.root(api.GetAccountSummary) == before


@each_row
def test_nobody_else_hears_it(tenant: Tenant, row: DeclinedRules) -> None:
    """All actions but the own are not enough: the refusal is one by policy."""
    everything, but = allow("*"), deny(row.asks[0])
    person = tenant.user(f"not-{row.operation.name}", everything, but)

    with pytest.raises(AccessDenied) as caught:
        person(row.operation, **members(row))

    assert caught.value.decision is not None
    assert "with an explicit deny in an identity-based policy" in str(caught.value)


RESOURCES = {
    About.ANYTHING: "*",
    About.USER: f"{ACCOUNT}:user/jo",
    About.KEY_OWNER: f"{ACCOUNT}:user/jo",
    About.USER_OR_ALL: f"{ACCOUNT}:user/jo",
    About.SERVER_CERTIFICATE: f"{ACCOUNT}:server-certificate/www",
    About.DELEGATION_REQUEST: REQUEST,
    About.ENTITY: REQUEST,
    About.ROLE_TEMPLATE: "arn:aws:iam::aws:role-template/s3.amazonaws.com/reader:1",
    About.OIDC_PROVIDER: PROVIDER,
}


@each_row
def test_the_resource_is_its_own(tenant: Tenant, row: DeclinedRules) -> None:
    """The question is about the thing that the request names."""
    answered(tenant.root, row)

    event = tenant.world.last_event
    assert event is not None
    assert [d.resource for d in event.decisions] == [RESOURCES[row.about]]


def test_no_identity_is_propagated(tenant: Tenant) -> None:
    """A provider with a context provider or an Identity Center is refused, another is made."""
    provider = api.ContextProvider(subject_source_key="sub")
    for asked in ({"context_provider": provider}, {"identity_center_instance_arn": "arn:x"}):
        with refused("InvalidInput", "Trusted identity propagation is not available."):
            tenant.root(api.CreateOpenIDConnectProvider, url="https://idp.example/2", **asked)
    tenant.root(api.CreateOpenIDConnectProvider, url="https://idp.example/2")


@pytest.mark.parametrize("row", OF_USERS, ids=lambda row: row.operation.name)
def test_the_user_is_the_resource(tenant: Tenant, row: DeclinedRules) -> None:
    """A permission for this user is enough; the same for another user is not."""
    name = row.operation.name
    for user, refused_by_policy in (("jo", False), ("other", True)):
        statement = {"Effect": "Allow", "Action": row.asks[0], "Resource": f"{ACCOUNT}:user/{user}"}
        person = tenant.user(f"{user}-{name}", document(statement))
        decided_by_policy = False
        try:
            person(row.operation, **members(row))
        except AwsError as error:
            decided_by_policy = isinstance(error, AccessDenied) and error.decision is not None
        assert decided_by_policy is refused_by_policy


@pytest.mark.parametrize("row", OF_USERS, ids=lambda row: row.operation.name)
def test_a_user_who_is_missing(tenant: Tenant, row: DeclinedRules) -> None:
    """Who may ask about a user who does not exist is told so; who may not, is refused."""
    with refused("NoSuchEntity", "The user with name nobody cannot be found."):
        tenant.root(row.operation, **{**members(row), "user_name": "nobody"})
    stranger = tenant.user(f"stranger-{row.operation.name}")
    with refused("AccessDenied", "no identity-based policy allows"):
        stranger(row.operation, **{**members(row), "user_name": "nobody"})


def test_signing_certificates_of_root(tenant: Tenant) -> None:
    """Without a name root asks about itself."""
    assert tenant.root(api.ListSigningCertificates).certificates == []


def test_services_with_credentials_of_their_own(tenant: Tenant) -> None:
    """An unknown service has none, and is refused."""
    for service in ("codecommit.amazonaws.com", "bedrock.amazonaws.com", None):
        answer = tenant.root(
            api.ListServiceSpecificCredentials, user_name="jo", service_name=service
        )
        assert answer.service_specific_credentials == []
    with refused("NotSupportedService", "does not support service-specific credentials"):
        tenant.root(api.ListServiceSpecificCredentials, user_name="jo", service_name="codecommit")


def test_the_path_of_a_new_certificate(tenant: Tenant) -> None:
    """A certificate is asked about under the path that it is to have."""
    below = "arn:aws:iam::111122223333:server-certificate/cloudfront/*"
    action = "iam:UploadServerCertificate"
    person = tenant.user("uploader", document(
        {"Effect": "Allow", "Action": action, "Resource": below}
    ))  # fmt: skip
    for path, words in (("/cloudfront/", "does not implement"), ("/", "no identity-based policy")):
        with refused("AccessDenied", words):
            person(
                api.UploadServerCertificate,
                path=path, server_certificate_name="www", **CERTIFICATE,
            )  # fmt: skip


def test_tags_need_a_permission_of_their_own(tenant: Tenant) -> None:
    """A request with tags asks about the tags too; the same without tags does not."""
    tags = [sts.Tag(key="Cost", value="7")]
    token = {"audience": ["https://example.com"], "signing_algorithm": "RS256"}
    person = tenant.user("token", allow("sts:GetWebIdentityToken"))
    with refused("AccessDenied", "sts:TagGetWebIdentityToken"):
        person(sts.GetWebIdentityToken, **token, tags=tags)
    with refused("AccessDenied", "does not implement"):
        person(sts.GetWebIdentityToken, **token)


WITH_ARNS: tuple[tuple[Operation[Any, Any], str], ...] = (
    (api.GetHumanReadableSummary, "entity_arn"),
    (api.GetRoleTemplateVersion, "template_arn"),
    (api.AcquireRole, "template_arn"),
)


@pytest.mark.parametrize("text", ["x", "arn:aws:s3:::bucket", "arn:aws:iam::111122223333:user/jo"])
def test_arns_of_other_things(tenant: Tenant, text: str) -> None:
    """Only the ARN of a thing of the right kind is asked about."""
    for operation, member in WITH_ARNS:
        with pytest.raises(AwsError) as caught:
            tenant.root(operation, **{member: text})
        assert caught.value.query_code in {"InvalidInput", "ValidationError"}


def test_things_of_another_account(tenant: Tenant) -> None:
    """Not even root is told anything about what would be in another account."""
    arn = f"arn:aws:iam::999988887777:delegation-request/{'A' * 24}"
    with refused("AccessDenied", "is not authorized to perform: iam:GetHumanReadableSummary"):
        tenant.root(api.GetHumanReadableSummary, entity_arn=arn)
    with refused("NoSuchEntity"):
        tenant.root(api.GetHumanReadableSummary, entity_arn=arn.replace("999988887777", tenant.id))


@each_row
def test_unsigned_requests(server: Server, row: DeclinedRules) -> None:
    """An unsigned request hears nothing but that it is unsigned."""
    service = row.operation.service
    body = urlencode({"Action": row.operation.name, "Version": service.version}).encode()
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(server.endpoint, body)
    assert caught.value.code == 403
    [code] = re.findall(r"<Code>(\w+)</Code>", caught.value.read().decode())
    assert code == "MissingAuthenticationToken"
