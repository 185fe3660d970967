"""Everybody who may ask, over one installation: each kind of credentials, and how it is obtained.

Who asks is governed by what `give` says: one group's policy for a user, and one policy for each
of two roles. A request that is asked is undone with its turn, so each is asked of the same state.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from botocore.credentials import Credentials

from keystead.audit.records.event import Event
from keystead.identity.identifiers import TEMPORARY_KEY, access_key_id
from keystead.identity.repository import Login
from keystead.identity.sessions import RowKind, Session, SessionKind, SessionRow
from keystead.identity.sessions.tokens import sealed_token
from keystead.rules import CredentialKind
from keystead.server.pipeline import Later
from keystead.wire.http import HttpRequest
from keystead.wire.models import iam as api
from keystead.wire.models import kms as kms_api
from tests import setting
from tests.condition_keys import REPLICA_REGION
from tests.identity.assuming import stored_role, trusting
from tests.identity.world import REGION as OF_THINGS
from tests.identity.world import Tenant, World, document
from tests.matrix.examples import Example
from tests.raw import Answer
from tests.server import sdk
from tests.server.installations import REGION, Local, open_local
from tests.server.test_sessions import credentials

Kind = CredentialKind
Json = Mapping[str, Any]
NOTHING: Json = {}
ALL: Json = {"Effect": "Allow", "Action": "*", "Resource": "*"}
ASKER, ROLES = "asker", ("asking", "chained")


def allow(actions: Sequence[str], resources: Sequence[str] = ("*",)) -> Json:
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def all_but(action: str) -> Json:
    return {"Effect": "Allow", "NotAction": action, "Resource": "*"}


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of a request: its answer, and its record."""

    answer: Answer
    event: Event
    changed: bool  # something, before it was undone

    @property
    def asked(self) -> set[str]:
        return {each.action for each in self.event.decisions}

    @property
    def refused(self) -> list[str]:
        """The actions that were refused by policy."""
        return [each.action for each in self.event.decisions if not each.allowed]

    @property
    def resources(self) -> list[str]:
        return [each.resource for each in self.event.decisions]

    def __str__(self) -> str:
        decided = [(each.action, each.resource, each.outcome) for each in self.event.decisions]
        return f"{self.answer.status} {self.answer.code} {self.answer.message} {decided}"


@dataclass(frozen=True, slots=True)
class Stranger:
    """Another account: its administrator, and a user whom it allows nothing."""

    account: str
    administrator: Credentials
    nobody: Credentials


REGIONAL = {"ec2", "keystead-instances", "rolesanywhere"}
"""The services that act on things in the Region in which `tests/setting.py` makes them."""


@dataclass
class Askers:
    """An installation with everything that the examples act on, and everybody who asks."""

    local: Local
    made: dict[str, Any] = field(default_factory=dict)
    kinds: dict[CredentialKind, Credentials] = field(default_factory=dict)
    given: tuple[Json, ...] = ()

    @classmethod
    def create(cls, directory: Path) -> "Askers":
        regions = (REGION, REPLICA_REGION, OF_THINGS)
        askers = cls(open_local(directory / "data", regions=regions))
        askers.made |= setting.keys(_Kms(askers.local), askers.local.time.wall())
        askers.made |= setting.people(askers.tenant, OF_THINGS)
        askers.made["@root account"] = askers.made["@member"]  # whose root has tasks
        askers._people()
        askers.local.installation.commit()
        askers._sign_in()
        return askers

    @property
    def tenant(self) -> Tenant:
        """The account of the things, as its root acts on it in this process."""
        here = self.local.installation
        number = self.local.founded.account_id
        account = here.identities.accounts.get(here.store.read(), number)
        assert account is not None
        return Tenant(self.world, account, "")

    @property
    def world(self) -> World:
        here = self.local.installation
        return World(here.store, here.hierarchy, here.identities, now=self.local.time.wall())

    # who asks

    def _people(self) -> None:
        """A user, in a group that has its policies, and two roles that this account assumes."""
        tenant = self.tenant
        tenant.root(api.CreateGroup, group_name=ASKER)
        key = tenant.user(ASKER).key
        tenant.root(api.AddUserToGroup, group_name=ASKER, user_name=ASKER)
        for name in ROLES:
            tenant.root(
                api.CreateRole, role_name=name, assume_role_policy_document=trusting(tenant.id)
            )
        assert key is not None
        root = tenant.root_key()
        self.kinds[Kind.USER_KEY] = Credentials(key.access_key_id, key.secret)
        self.kinds[Kind.ROOT_KEY] = Credentials(root.access_key_id, root.secret)

    def _sign_in(self) -> None:
        """Temporary credentials of each kind, begun while everything is allowed."""
        self.give(ALL)
        user, root = self.kinds[Kind.USER_KEY], self.kinds[Kind.ROOT_KEY]
        for kind, who in ((Kind.SESSION, user), (Kind.ROOT_SESSION, root)):
            self.kinds[kind] = self.begin("GetSessionToken", who)
        self.kinds[Kind.SESSION_WITH_MFA] = self._with_mfa()
        self.kinds[Kind.FEDERATION] = self.begin(
            "GetFederationToken", user, Name="fred", Policy=document(ALL)
        )
        self.kinds[Kind.ROOT_TASK] = self._root_task("IAMAuditRootUserCredentials")
        self.kinds[Kind.LOGIN] = self._logged_in(ASKER)
        self.kinds[Kind.LOGIN_ROOT] = self._logged_in("")
        self.kinds[Kind.ROLE] = self.assume(ROLES[0])
        self.chained = self.assume(ROLES[1], self.kinds[Kind.ROLE])

    def user(self, example: Example) -> Credentials:
        """The user's key, or its session where the operation takes no keys."""
        keys = Kind.USER_KEY in example.credentials
        return self.kinds[Kind.USER_KEY if keys else Kind.SESSION]

    def begin(self, operation: str, who: Credentials | None, **members: str) -> Credentials:
        """New temporary credentials, by a call of STS."""
        return credentials(self.local.sts(operation, who, **members))

    def assume(self, role: str, who: Credentials | None = None, **members: str) -> Credentials:
        """A session of one of the two roles; by the administrator unless told otherwise."""
        arn = f"arn:aws:iam::{self.tenant.id}:role/{role}"
        return self.begin("AssumeRole", who, RoleArn=arn, RoleSessionName="me", **members)

    def _root_task(self, task: str) -> Credentials:
        """A session of the root user of the member account, for one task."""
        trusted = {"ServicePrincipal": "iam.amazonaws.com"}
        assert self.local.organizations("EnableAWSServiceAccess", **trusted).status == 200
        assert self.local.iam("EnableOrganizationsRootCredentialsManagement").status == 200
        arn = f"arn:aws:iam::aws:policy/root-task/{task}"
        members = {"TargetPrincipal": self.made["@member"], "TaskPolicyArn.arn": arn}
        return self.begin("AssumeRoot", None, **members)

    def _with_mfa(self) -> Credentials:
        """A session of the user's that knows of a second factor, as it would be sealed."""
        here, now = self.local.installation, self.local.time.wall()
        user = here.identities.users.named(here.store.read(), self.tenant.id, ASKER)
        assert user is not None
        since = int(now.timestamp())
        row = SessionRow(RowKind.USER, user.account, user.user_id)
        session = Session(
            SessionKind.USER, user.account, (row,), since, expires=since + 3600, mfa=since
        )
        key_id = access_key_id(TEMPORARY_KEY, self.tenant.id)
        token = sealed_token(here.hierarchy.session_tokens, key_id, "secret", session, now)
        return Credentials(key_id, "secret", token)

    def _logged_in(self, name: str) -> Credentials:
        """A session for the command line, of the user or of root, as it would be sealed."""
        here, now = self.local.installation, self.local.time.wall()
        account, since = self.tenant.id, int(now.timestamp())
        kind, subject, login_id = RowKind.ROOT, account, name or "root"
        if name:
            user = here.identities.users.named(here.store.read(), account, name)
            assert user is not None
            kind, subject = RowKind.USER, user.user_id
        login: dict[str, Any] = {
            "account": account, "login_id": login_id, "subject": subject, "person": "",
            "factors": "", "session": b"", "client": "same-device", "proof_key": "",
            "generation": 1, "renewed": since, "answer": "", "source_ip": "", "agent": "",
            "began": since, "used": since, "expires": since + 43_200,
        }  # fmt: skip
        with here.store.write() as transaction:
            here.identities.logins.insert(transaction, Login(**login), 50)
        here.commit()
        rows = SessionRow(kind, account, subject), SessionRow(RowKind.LOGIN, account, login_id)
        session = Session(SessionKind.LOGIN, account, rows, since, expires=since + 900)
        key_id = access_key_id(TEMPORARY_KEY, account)
        token = sealed_token(here.hierarchy.session_tokens, key_id, "secret", session, now)
        return Credentials(key_id, "secret", token)

    def stranger(self) -> "Stranger":
        """An account of its own."""
        tenant = self.world.account("stranger@example.com")
        people = (tenant.administrator(), tenant.user("nobody"))
        self.local.installation.commit()
        keys = [each.key for each in people if each.key is not None]
        return Stranger(tenant.id, *(Credentials(key.access_key_id, key.secret) for key in keys))

    def opened(self, account: str) -> dict[str, Any]:
        """Things as the examples name them that let another account in, by policies of their own.

        Keys are named by their ARNs.
        """
        own = [{"AWS": each} for each in (self.tenant.id, account)]
        statements = [{**ALL, "Principal": each} for each in own]
        text = document(*({**each, "Action": "kms:*"} for each in statements))
        kms = _Kms(self.local)
        keys = [kms.call("CreateKey", {"Policy": text}).key_metadata.arn for _ in range(2)]
        primary = kms.call("CreateKey", {"Policy": text, "MultiRegion": True}).key_metadata
        replica = {"KeyId": primary.key_id, "ReplicaRegion": REPLICA_REGION, "Policy": text}
        kms.call("ReplicateKey", replica)
        context = {"App": "Pay", "stage": ""}
        encrypt = {"KeyId": keys[0], "Plaintext": b"x", "EncryptionContext": context}
        blob = kms.call("Encrypt", encrypt).ciphertext_blob
        role = stored_role(self.tenant, "opened", trusting(account))
        self.local.installation.commit()
        shared = setting.sharing(kms, "arn", Policy=text)
        retirer = {"RetiringPrincipal": f"arn:aws:iam::{account}:root"}
        grant = setting.granted(kms, keys[0], **retirer)["@grant"]
        self.local.installation.commit()
        return {
            "@key": keys[0], "@bare": keys[1], "@primary": primary.arn, "@blob": blob,
            "@role": role.arn, "@grant": grant, **shared,
        }  # fmt: skip

    def give(self, *statements: Json, roles: Sequence[str] = ROLES) -> None:
        """Replace all that the user and these roles may do."""
        if statements == self.given:
            return
        text = {"PolicyName": "given", "PolicyDocument": document(*statements)}
        requests = [self.local.iam_request("PutGroupPolicy", GroupName=ASKER, **text)]
        requests += [
            self.local.iam_request("PutRolePolicy", RoleName=name, **text) for name in roles
        ]
        for given in self.local.installation.pipeline.answer_all(requests, 60.0):
            assert not isinstance(given, Later)
            assert given.response.status == 200, given.response.body
        self.local.installation.commit()
        self.given = statements if roles == ROLES else ()

    # asking

    def ask(self, example: Example, who: Credentials, made: setting.Made = NOTHING) -> Seen:
        """Send the request of an example, and undo what it did."""
        return self.send(self.request(example, who, made))

    def send(self, request: HttpRequest) -> Seen:
        """Send a request, and undo what it did."""
        self.local.events.clear()
        installation = self.local.installation
        response = sdk.answered(self.local, request)
        if changed := installation.store.dirty:  # else all that is cached stays true
            installation.trail.abandon()
        headers = {name.lower(): value for name, value in response.headers}
        event, *_elsewhere = self.local.events  # a call may have a record in another Region, too
        return Seen(Answer(response.status, headers, response.body), event, changed)

    def request(
        self, example: Example, who: Credentials, made: setting.Made = NOTHING
    ) -> HttpRequest:
        """The request of an example, as an SDK sends it."""
        names = {**self.made, **made}
        sent = {name: setting.filled(value, names) for name, value in example.request.items()}
        region = OF_THINGS if example.service in REGIONAL else REGION
        return sdk.request(self.local, example.service, example.operation, who, sent, region=region)


def unsigned(request: HttpRequest) -> HttpRequest:
    """The same request, as somebody sends it who has no credentials."""
    dropped = ("authorization", "x-amz-date", "x-amz-security-token")
    headers = {name: value for name, value in request.headers.items() if name not in dropped}
    return msgspec.structs.replace(request, headers=headers)


class _Kms:
    """The administrator of a local installation, who calls KMS."""

    def __init__(self, local: Local) -> None:
        self.local = local

    def call(self, name: str, members: Json) -> Any:
        answer = self.local.kms(name, **msgspec.to_builtins(members))
        assert answer.status == 200, answer.body
        output = kms_api.OPERATIONS[name].output
        return msgspec.json.decode(answer.body, type=output, strict=False) if answer.body else None
