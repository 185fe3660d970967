"""Which policies has somebody in a folder, and what may each of them be?

Every document is compiled with the checks of the server that stores it, its size among them.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from keystead.arns import spoken
from keystead.identity import limits, managed_policies
from keystead.identity.kinds import GROUP, POLICY, ROLE, EntityKind, required
from keystead.identity.names import canonical
from keystead.inquiry.folder_files import (
    TRUST,
    GroupFacts,
    UserFacts,
    documents,
    facts,
    folders,
    require_apart,
    require_path,
    text,
    wrong,
)
from keystead.policy.evaluation import (
    PolicySource,
    PrincipalPolicies,
)
from keystead.policy.language import (
    DocumentKind,
    MalformedPolicy,
    Policy,
    compile_policy,
    document_size,
    is_too_long,
)

Sources = tuple[PolicySource, ...]
Levels = tuple[Sources, ...]


class Written(msgspec.Struct, frozen=True):
    """A managed policy: its ARN, and its text."""

    arn: str
    path: Path
    text: str


class FolderPolicies:
    """The policies of a folder, each with the checks of the server that stores it."""

    def __init__(self, *, accept_unsupported_condition_keys: bool) -> None:
        self._any_key = accept_unsupported_condition_keys

    def levels(self, folder: Path, account: Path, kind: DocumentKind) -> Levels:
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
            yield PolicySource(self.compiled(path, text(path), kind), name, attached_to)

    def compiled(
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

    def policies(
        self,
        kind: EntityKind,
        file: Path,
        given: UserFacts,
        *,
        managed: Mapping[str, Written],
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

    def managed(self, account: Path) -> Iterator[tuple[str, Written]]:
        """The customer managed policies, by name and by ARN."""
        for path, name in documents(account / "managed"):
            document = text(path)
            self.compiled(path, document, DocumentKind.IDENTITY)
            if document_size(document, DocumentKind.IDENTITY) > limits.MANAGED_POLICY_SIZE:
                raise wrong(path, f"it is longer than {limits.MANAGED_POLICY_SIZE} characters")
            written = Written(POLICY.arn(account.name, "/", name), path, document)
            yield name, written
            yield written.arn, written

    def _inline(self, path: Path, arn: str, besides: tuple[str, ...], most: int) -> Sources:
        sources = tuple(self._sources(path, DocumentKind.IDENTITY, arn, *besides))
        size = sum(document_size(source.policy.text, DocumentKind.IDENTITY) for source in sources)
        if size > most:
            raise wrong(path, f"its inline policies are longer than {most} characters together")
        return sources

    def _attached(
        self, file: Path, names: list[str], managed: Mapping[str, Written], arn: str
    ) -> Iterator[PolicySource]:
        for name in names:
            written = _named(file, name, managed)
            policy = self.compiled(written.path, written.text, DocumentKind.IDENTITY)
            yield PolicySource(policy, written.arn, arn)

    def _boundary(
        self, file: Path, name: str, managed: Mapping[str, Written], arn: str
    ) -> PolicySource | None:
        if not name:
            return None
        written = _named(file, name, managed)
        policy = self.compiled(written.path, written.text, DocumentKind.BOUNDARY)
        return PolicySource(policy, written.arn, arn)

    def groups(
        self, account: Path, managed: Mapping[str, Written], users: Mapping[str, Path]
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


def _named(file: Path, name: str, managed: Mapping[str, Written]) -> Written:
    """The managed policy with this name or ARN. AWS's own policies are named by ARN only."""
    written = managed.get(name)
    if written is not None:
        return written
    policy = managed_policies.with_arn(name)
    if policy is None:
        raise wrong(file, f"there is no managed policy `{name}`", "put it into managed/NAME.json")
    return Written(name, file, managed_policies.version(policy).document)
