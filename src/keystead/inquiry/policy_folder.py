"""Which principals and resources does a folder of policies describe?  Without an installation.

Every document is checked as the server checks it when it is stored. A principal in a key policy
or a trust policy means a user, a role or an account of the folder. Facts that only a store knows
are left out: users and roles have no unique ids (a policy means the ARN), and there is no clock.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from keystead.arns import Arn, account_in, is_account_id, kms_arn, partition_of, spoken, sts_arn
from keystead.call import Resource, Target
from keystead.failures import Failure
from keystead.identity import limits, managed_policies, tagging
from keystead.identity.authentication import Caller, callers
from keystead.identity.kinds import GROUP, POLICY, ROLE, USER, EntityKind, required
from keystead.identity.names import canonical, root_arn
from keystead.identity.permissions import trust
from keystead.inquiry import resources
from keystead.inquiry.entrances import NO_ENDPOINT, Through
from keystead.inquiry.folder_files import (
    TRUST,
    GroupFacts,
    KeyFacts,
    RoleFacts,
    UserFacts,
    documents,
    facts,
    folders,
    inside,
    require_apart,
    require_path,
    text,
    wrong,
)
from keystead.kms.keys import Key, KeyRecord, key_view
from keystead.policy.evaluation import (
    Keys,
    OverAccount,
    PolicySource,
    Principal,
    PrincipalPolicies,
    principal_keys,
)
from keystead.policy.language import (
    DocumentKind,
    MalformedPolicy,
    Policy,
    PrincipalType,
    compile_policy,
    document_size,
    is_too_long,
    resolved,
)
from keystead.request_keys import ANY_TIME

Sources = tuple[PolicySource, ...]
Levels = tuple[Sources, ...]

_IN_ACCOUNT = frozenset({"users", "groups", "roles", "managed", "keys", "scps", "rcps"})
_ORGANIZATION = ("scps", "rcps")
_SESSION = re.compile(r"arn:[^:]+:sts::([0-9]{12}):assumed-role/([^/]+)/([^/]+)")


class _Written(msgspec.Struct, frozen=True):
    """A managed policy: its ARN, and its text."""

    arn: str
    path: Path
    text: str


class PolicyFolder:
    """A folder, read and checked. (simulate.World)"""

    hint = "the folder has no such key in this Region (`region` and `aliases` in KEY-ID.toml)"

    def __init__(self, folder: Path, *, accept_unsupported_condition_keys: bool = False) -> None:
        """Its ARNs are of the partition of this process."""
        if not folder.is_dir():
            raise wrong(folder, "it is not a folder", "name the folder of the accounts")
        self._any_key = accept_unsupported_condition_keys
        self.keys = ANY_TIME
        self.guardrails = self
        self._callers: dict[str, Caller] = {}
        self._roles: dict[tuple[str, str], str] = {}  # ARNs by account and name
        self._assumable: dict[str, Target] = {}
        self._keys: dict[str, Key] = {}  # by their own ARNs and their aliases'
        accounts = [entry for entry in inside(folder) if entry.name not in _ORGANIZATION]
        for account in accounts:
            if not account.is_dir() or not is_account_id(account.name):
                raise wrong(account, "it is not an account (twelve digits), nor scps or rcps")
        if not accounts:
            raise wrong(folder, "there is no account in it")
        self._rcps = {
            entry.name: self._levels(folder, entry, DocumentKind.RCP) for entry in accounts
        }
        for account in accounts:
            self._add_account(folder, account)
        for account in accounts:
            self._add_trust(account)
            self._add_keys(account)

    # (simulate.World)

    def caller(self, arn: str) -> Caller:
        """The root user, user or role with this ARN; of a role, also a session."""
        caller = self._callers.get(arn) or self._session(arn)
        if caller is None:
            raise Failure(
                f"there is no principal `{arn}`",
                "the folder has no such user, role or account",
                status=2,
            )
        return caller

    def _session(self, arn: str) -> Caller | None:
        """The session of a role that has this ARN. Its `aws:userid` is not known here."""
        match = _SESSION.fullmatch(arn)
        if match is None:
            return None
        account, name, session = match.groups()
        role = self._callers.get(self._roles.get((account, name), ""))
        if role is None or arn != sts_arn(account, f"assumed-role/{name}/{session}"):
            return None
        who = replace(role.principal, arn=arn, user_id=f"{role.principal.unique_id}:{session}")
        return replace(role, principal=who)

    def resource(self, arn: str, action: str, caller: Caller, given: Keys) -> Resource:  # noqa: ARG002  # a folder has no grants
        """The resource that this ARN means for an action; raises Failure."""
        return resources.named(self, arn, action, caller.principal.account)

    def through(self, endpoint_id: str) -> Through:
        """A folder has no endpoints: raises Failure for an id."""
        if endpoint_id:
            hint = "ask a live installation, or give the keys of the endpoint as `context`"
            raise Failure(f"a folder of policies has no VPC endpoint `{endpoint_id}`", hint)
        return NO_ENDPOINT

    # (resources.Known)

    def key(self, account: str, region: str, key_id: str) -> Key | None:
        """The key with this id."""
        return self._keys.get(kms_arn(region, account, f"key/{key_id}"))

    def key_by_alias(self, account: str, region: str, name: str) -> Key | None:
        """The key that an alias names, as a request sees it that names the alias."""
        key = self._keys.get(kms_arn(region, account, name))
        return key and key.requested_by(name)

    def identity(self, arn: Arn) -> Resource | None:
        """The user or role with exactly this ARN; managed policies have no tags here."""
        caller = self._callers.get(str(arn))
        if caller is None or caller.principal.type is PrincipalType.ACCOUNT:
            return None
        keys = tagging.resource_keys(caller.principal.tags, "aws", "iam")
        return Target(str(arn), arn.account, condition_keys=keys)

    def assumable(self, arn: Arn) -> Resource | None:
        """The role with exactly this ARN, with its trust policy."""
        return self._assumable.get(str(arn))

    def root_user(self, account: str) -> Resource:
        """A folder has no central root access: nobody assumes root there."""
        return Target(root_arn(account), account, resource_policy_required=True)

    def organization_part(self, arn: Arn, action: str) -> Resource:  # noqa: ARG002  # as resources.Known
        """A folder has no resource policy of an organization."""
        return Target(str(arn), arn.account)

    # (call.Guardrails)

    def over(self, account: str) -> OverAccount:
        """The RCPs over an account's resources."""
        return OverAccount(self._rcps.get(account, ()))

    # reading

    def _levels(self, folder: Path, account: Path, kind: DocumentKind) -> Levels:
        """The organization's policies over an account. A missing folder is not a level."""
        name = "scps" if kind is DocumentKind.SCP else "rcps"
        return tuple(
            tuple(self._sources(where / name, kind, where.name))
            for where in (folder, account)
            if (where / name).exists()
        )

    def _sources(
        self, folder: Path, kind: DocumentKind, attached_to: str, *besides: str
    ) -> Iterator[PolicySource]:
        for path, name in documents(folder, *besides):
            yield PolicySource(self._compiled(path, text(path), kind), name, attached_to)

    def _compiled(
        self,
        path: Path,
        document: str,
        kind: DocumentKind,
        principals: Mapping[str, str] | None = None,
    ) -> Policy:
        """A document, compiled, with the checks of the server that stores it."""
        if is_too_long(document, kind):
            raise wrong(path, f"it is longer than a {kind.value} may be")
        try:
            return compile_policy(
                document,
                kind,
                principals,
                accept_unsupported_condition_keys=self._any_key,
                partition=spoken().name,
            )
        except MalformedPolicy as refused:
            detail = "" if refused.detail == refused.message else f" ({refused.detail})"
            raise wrong(path, f"{refused.message}{detail}", "correct the policy") from None

    def _add_account(self, folder: Path, account: Path) -> None:
        number = account.name
        for entry in inside(account):
            if entry.name not in _IN_ACCOUNT:
                raise wrong(entry, f"an account has only {', '.join(sorted(_IN_ACCOUNT))}")
        scps = self._levels(folder, account, DocumentKind.SCP)
        root = Principal(PrincipalType.ACCOUNT, root_arn(number), number, number)
        self._callers[root.arn] = _caller(root, PrincipalPolicies(), scps)
        managed = dict(self._managed(account))
        users = {canonical(user.name): user for user in folders(account / "users")}
        groups = self._groups(account, managed, users)
        for key, path in users.items():
            file = path / "user.toml"
            user_facts = facts(file, UserFacts)
            arn = USER.arn(number, user_facts.path, path.name)
            policies = self._policies(
                USER, file, user_facts, managed=managed, arn=arn,
                more=(source for group in groups.get(key, ()) for source in group),
            )  # fmt: skip
            who = Principal(
                type=PrincipalType.USER,
                arn=arn,
                account=number,
                user_id="",
                unique_id=arn,
                name=path.name,
                principal_arn=arn,
                tags=user_facts.tags,
            )
            self._callers[arn] = _caller(who, policies, scps)
        for path in folders(account / "roles"):
            file = path / "role.toml"
            role_facts = facts(file, RoleFacts)
            arn = ROLE.arn(number, role_facts.path, path.name)
            policies = self._policies(ROLE, file, role_facts, managed=managed, arn=arn)
            session = sts_arn(number, f"assumed-role/{path.name}/{callers.ANY_SESSION}")
            who = Principal(
                type=PrincipalType.ASSUMED_ROLE,
                arn=session,
                account=number,
                user_id="",
                unique_id=arn,
                principal_arn=arn,
                issuer_arn=arn,
                issuer_id=arn,
                tags=role_facts.tags,
            )
            self._callers[arn] = _caller(who, policies, scps)
            self._roles[number, path.name] = arn

    def _policies(
        self,
        kind: EntityKind,
        file: Path,
        given: UserFacts,
        *,
        managed: Mapping[str, _Written],
        arn: str,
        more: Iterable[PolicySource] = (),
    ) -> PrincipalPolicies:
        """The policies of a user or a role; `more` come from groups."""
        require_path(file, given.path)
        require_apart(file, given.tags)
        most = required(kind.permissions).inline_size
        besides = (file.name, TRUST) if kind is ROLE else (file.name,)
        return PrincipalPolicies(
            identity_based=(
                *self._inline(file.parent, arn, besides, most),
                *self._attached(file, given.attached, managed, arn),
                *more,
            ),
            boundary=self._boundary(file, given.boundary, managed, arn),
        )

    def _add_trust(self, account: Path) -> None:
        """The trust policies of an account, when everybody whom they may name is known."""
        for path in folders(account / "roles"):
            arn = self._roles[account.name, path.name]
            file = path / TRUST
            if not file.exists():
                raise wrong(path, f"the role has no trust policy, `{TRUST}`")
            policy = self._resource_policy(file, DocumentKind.TRUST)
            size = document_size(policy.text, DocumentKind.TRUST)
            if size > limits.ASSUME_ROLE_POLICY_SIZE:
                most = limits.ASSUME_ROLE_POLICY_SIZE
                raise wrong(file, f"it is longer than {most} characters")
            self._assumable[arn] = Target(
                arn,
                account.name,
                ROLE.resource_type,
                (PolicySource(policy, trust.POLICY_ID, arn),),
                resource_policy_required=True,
                condition_keys=tagging.resource_keys(
                    self._callers[arn].principal.tags, "aws", "iam"
                ),
            )

    def _managed(self, account: Path) -> Iterator[tuple[str, _Written]]:
        """The customer managed policies, by name and by ARN."""
        for path, name in documents(account / "managed"):
            document = text(path)
            self._compiled(path, document, DocumentKind.IDENTITY)
            if document_size(document, DocumentKind.IDENTITY) > limits.MANAGED_POLICY_SIZE:
                raise wrong(path, f"it is longer than {limits.MANAGED_POLICY_SIZE} characters")
            written = _Written(POLICY.arn(account.name, "/", name), path, document)
            yield name, written
            yield written.arn, written

    def _inline(self, path: Path, arn: str, besides: tuple[str, ...], most: int) -> Sources:
        sources = tuple(self._sources(path, DocumentKind.IDENTITY, arn, *besides))
        size = sum(document_size(source.policy.text, DocumentKind.IDENTITY) for source in sources)
        if size > most:
            raise wrong(path, f"its inline policies are longer than {most} characters together")
        return sources

    def _attached(
        self, file: Path, names: list[str], managed: Mapping[str, _Written], arn: str
    ) -> Iterator[PolicySource]:
        for name in names:
            written = _named(file, name, managed)
            policy = self._compiled(written.path, written.text, DocumentKind.IDENTITY)
            yield PolicySource(policy, written.arn, arn)

    def _boundary(
        self, file: Path, name: str, managed: Mapping[str, _Written], arn: str
    ) -> PolicySource | None:
        if not name:
            return None
        written = _named(file, name, managed)
        policy = self._compiled(written.path, written.text, DocumentKind.BOUNDARY)
        return PolicySource(policy, written.arn, arn)

    def _groups(
        self, account: Path, managed: Mapping[str, _Written], users: Mapping[str, Path]
    ) -> dict[str, list[Sources]]:
        """The policies that each user has from groups."""
        given: dict[str, list[Sources]] = {}
        for path in folders(account / "groups"):
            file = path / "group.toml"
            group_facts = facts(file, GroupFacts)
            require_path(file, group_facts.path)
            arn = GROUP.arn(account.name, group_facts.path, path.name)
            sources = (
                *self._inline(path, arn, (file.name,), limits.GROUP_POLICY_SIZE),
                *self._attached(file, group_facts.attached, managed, arn),
            )
            for key, name in {canonical(name): name for name in group_facts.members}.items():
                if key not in users:
                    raise wrong(file, f"the member `{name}` is not a user of the account")
                given.setdefault(key, []).append(sources)
        return given

    def _add_keys(self, account: Path) -> None:
        paths = dict(documents(account / "keys", "*.toml"))
        for entry in inside(account / "keys"):
            if entry.suffix == ".toml" and entry.with_suffix(".json") not in paths:
                raise wrong(entry, "there is no key policy with this name beside it")
        for path, key_id in paths.items():
            file = path.with_suffix(".toml")
            key_facts = facts(file, KeyFacts)
            require_apart(file, key_facts.tags)
            region = _region(file, key_facts)
            arn = kms_arn(region, account.name, f"key/{key_id}")
            policy = self._resource_policy(path, DocumentKind.KEY)
            record = self._record(file, account.name, region, key_id, key_facts)
            aliases = tuple(sorted(key_facts.aliases))
            key = key_view(record, aliases, (PolicySource(policy, "default", arn),))
            self._keys[arn] = key
            for alias in aliases:
                self._add_alias(file, key, alias)

    def _add_alias(self, file: Path, key: Key, alias: str) -> None:
        arn = kms_arn(key.region, key.account, alias)
        if arn in self._keys:
            raise wrong(file, f"the alias `{alias}` belongs to another key, or is written twice")
        self._keys[arn] = key

    def _resource_policy(self, path: Path, kind: DocumentKind) -> Policy:
        """A key policy or a trust policy; the principals that it names are of the folder."""
        document = text(path)
        try:
            known = resolved(document, kind, self._unique_id, spoken().name)
        except MalformedPolicy as refused:
            raise wrong(path, f"{refused.message} ({refused.detail})", "correct it") from None
        return self._compiled(path, document, kind, known)

    def _unique_id(self, name: str) -> str | None:
        """The ARN of a user or role, or the account, that a name in a policy means."""
        caller = self._callers.get(name)
        if caller is not None:
            return caller.principal.unique_id or caller.principal.account
        if match := _SESSION.fullmatch(name):
            return self._roles.get((match[1], match[2]))
        account = account_in(name) if ":federated-user/" in name else ""
        return account if root_arn(account) in self._callers else None

    def _record(
        self, file: Path, account: str, region: str, key_id: str, key_facts: KeyFacts
    ) -> KeyRecord:
        for alias in key_facts.aliases:
            if not alias.startswith("alias/"):
                raise wrong(file, f"the alias `{alias}` does not begin with alias/")
        try:
            return msgspec.convert(
                {
                    "account": account,
                    "region": region,
                    "key_id": key_id,
                    "state": "Enabled",
                    "key_spec": key_facts.spec,
                    "key_usage": key_facts.usage,
                    "origin": key_facts.origin,
                    "policy_id": "",
                    "created_us": 0,
                    "tags": msgspec.json.encode(key_facts.tags).decode(),
                },
                KeyRecord,
            )
        except msgspec.ValidationError as error:
            raise wrong(file, str(error).replace("$.key_", "$.")) from None


def _region(file: Path, key_facts: KeyFacts) -> str:
    """The Region of a key: the first of the partition, unless the key's file says another."""
    region, spoken_here = key_facts.region or spoken().global_region, spoken().name
    partition = partition_of(region).name
    if partition != spoken_here:
        raise wrong(
            file,
            f"its Region `{region}` is of the partition `{partition}`, not `{spoken_here}`",
            "the partition is that of the principals that the expectations name",
        )
    return region


def _named(file: Path, name: str, managed: Mapping[str, _Written]) -> _Written:
    """The managed policy with this name or ARN. AWS's own policies are named by ARN only."""
    written = managed.get(name)
    if written is not None:
        return written
    policy = managed_policies.with_arn(name)
    if policy is None:
        raise wrong(file, f"there is no managed policy `{name}`", "put it into managed/NAME.json")
    return _Written(name, file, managed_policies.version(policy).document)


def _caller(who: Principal, policies: PrincipalPolicies, scps: Levels) -> Caller:
    policies = msgspec.structs.replace(policies, service_control=scps)
    return Caller(who, policies, principal_keys(who))
