"""Does this principal exist, and what is its unique id?  Implements `call.Principals`.

Policies of the other rooms store unique ids beside the ARNs that were written, so that a deleted
and recreated user never inherits (ST-8).
"""

from keystead.arns import Arn, NotAnArn, is_account_id, spoken
from keystead.identity import identifiers
from keystead.identity.repository import IdentityRepository, Role, User
from keystead.store.protocol import Reader


class StoredPrincipals:
    """The principals of every account, as the store has them now."""

    __slots__ = ("_reader", "_repository")

    def __init__(self, repository: IdentityRepository, reader: Reader) -> None:
        self._repository = repository
        self._reader = reader

    def unique_id(self, arn: str) -> str | None:
        """The unique id behind an ARN, or behind what else may name a principal; None if gone."""
        try:
            parsed = Arn.parse(arn)
        except NotAnArn:
            return self._id_written_out(arn)
        kind, _, name = parsed.resource.partition("/")
        if parsed.partition != spoken().name:  # nobody of another partition is known here
            return None
        if parsed.region or parsed.service not in {"iam", "sts"}:
            return None
        if (parsed.service, kind) in {("iam", "root"), ("sts", "federated-user")}:
            return self._account(parsed.account)
        if (parsed.service, kind) == ("iam", "user"):
            user = self._user_named(parsed.account, name.rpartition("/")[2], arn)
            return user.user_id if user else None
        if (parsed.service, kind) == ("iam", "role"):
            role = self._role_named(parsed.account, name.rpartition("/")[2])
            return role.role_id if role and role.arn == arn else None
        if (parsed.service, kind) == ("sts", "assumed-role"):
            called = name.partition("/")[0]
            role = self._role_named(parsed.account, called)
            return role.role_id if role and role.name == called else None
        return None

    def arn(self, unique_id: str) -> str | None:
        """The ARN that a unique id has now, or None when it is gone."""
        if is_account_id(unique_id):
            account = self._repository.accounts.get(self._reader, unique_id)
            return account.root_arn if account else None
        if unique_id.startswith(identifiers.USER):
            user = self._repository.users.with_id(self._reader, unique_id)
            return user.arn if user else None
        if unique_id.startswith(identifiers.ROLE):
            role = self._repository.roles.with_id(self._reader, unique_id)
            return role.arn if role else None
        return None

    def _id_written_out(self, text: str) -> str | None:
        """An account id or a unique id may stand where an ARN can (iam.md 4.4)."""
        if is_account_id(text):
            return self._account(text)
        return text if self.arn(text) else None

    def _account(self, account: str) -> str | None:
        return account if self._repository.accounts.get(self._reader, account) else None

    def _user_named(self, account: str, name: str, arn: str) -> User | None:
        """The user with exactly this ARN: path and case must be right, too."""
        user = self._repository.users.named(self._reader, account, name)
        return user if user is not None and user.arn == arn else None

    def _role_named(self, account: str, name: str) -> Role | None:
        return self._repository.roles.named(self._reader, account, name)
