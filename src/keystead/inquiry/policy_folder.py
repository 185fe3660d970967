"""Which principals and resources does a folder of policies describe?  Without an installation.

Every document is checked as the server checks it when it is stored. A principal in a key policy
or a trust policy means a user, a role or an account of the folder. Facts that only a store knows
are left out: users and roles have no unique ids (a policy means the ARN), and there is no clock.
"""

import re
from dataclasses import replace
from pathlib import Path

import msgspec

from keystead.arns import Arn, account_in, is_account_id, kms_arn, partition_of, spoken, sts_arn
from keystead.call import Resource, Target
from keystead.failures import Failure
from keystead.identity import limits, tagging
from keystead.identity.authentication import Caller, callers
from keystead.identity.kinds import ROLE, USER
from keystead.identity.names import canonical, root_arn
from keystead.identity.permissions import trust
from keystead.inquiry import resources
from keystead.inquiry.entrances import NO_ENDPOINT, Through
from keystead.inquiry.folder_files import (
    TRUST,
    KeyFacts,
    RoleFacts,
    UserFacts,
    documents,
    facts,
    folders,
    inside,
    require_apart,
    text,
    wrong,
)
from keystead.inquiry.folder_policies import FolderPolicies, Levels
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
    document_size,
    resolved,
)
from keystead.request_keys import ANY_TIME

_IN_ACCOUNT = frozenset({"users", "groups", "roles", "managed", "keys", "scps", "rcps"})
_ORGANIZATION = ("scps", "rcps")
_SESSION = re.compile(r"arn:[^:]+:sts::([0-9]{12}):assumed-role/([^/]+)/([^/]+)")


class PolicyFolder:
    """A folder, read and checked. (simulate.World)"""

    hint = "the folder has no such key in this Region (`region` and `aliases` in KEY-ID.toml)"

    def __init__(self, folder: Path, *, accept_unsupported_condition_keys: bool = False) -> None:
        """Its ARNs are of the partition of this process."""
        if not folder.is_dir():
            raise wrong(folder, "it is not a folder", "name the folder of the accounts")
        self._policies = FolderPolicies(
            accept_unsupported_condition_keys=accept_unsupported_condition_keys
        )
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
            entry.name: self._policies.levels(folder, entry, DocumentKind.RCP) for entry in accounts
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

    def network_part(self, arn: Arn) -> Resource | None:  # noqa: ARG002  # as resources.Known
        """A folder has no instances and no endpoints."""
        return None

    def organization_part(self, arn: Arn, action: str) -> Resource:  # noqa: ARG002  # as resources.Known
        """A folder has no resource policy of an organization."""
        return Target(str(arn), arn.account)

    # (call.Guardrails)

    def over(self, account: str) -> OverAccount:
        """The RCPs over an account's resources."""
        return OverAccount(self._rcps.get(account, ()))

    # reading

    def _add_account(self, folder: Path, account: Path) -> None:
        number = account.name
        for entry in inside(account):
            if entry.name not in _IN_ACCOUNT:
                raise wrong(entry, f"an account has only {', '.join(sorted(_IN_ACCOUNT))}")
        scps = self._policies.levels(folder, account, DocumentKind.SCP)
        root = Principal(PrincipalType.ACCOUNT, root_arn(number), number, number)
        self._callers[root.arn] = _caller(root, PrincipalPolicies(), scps)
        managed = dict(self._policies.managed(account))
        users = {canonical(user.name): user for user in folders(account / "users")}
        groups = self._policies.groups(account, managed, users)
        for key, path in users.items():
            file = path / "user.toml"
            user_facts = facts(file, UserFacts)
            arn = USER.arn(number, user_facts.path, path.name)
            policies = self._policies.policies(
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
            policies = self._policies.policies(ROLE, file, role_facts, managed=managed, arn=arn)
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
        return self._policies.compiled(path, document, kind, known)

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


def _caller(who: Principal, policies: PrincipalPolicies, scps: Levels) -> Caller:
    policies = msgspec.structs.replace(policies, service_control=scps)
    return Caller(who, policies, principal_keys(who))
