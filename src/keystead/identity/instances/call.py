"""One call about instances in progress: what those operations may touch."""

from keystead.arns import ec2_arn
from keystead.call import Call, Resource, Target
from keystead.custody.tokens import SessionTokens, Tokens
from keystead.identity import resources
from keystead.identity.repository import (
    IdentityRepository,
    Instance,
    InstanceProfile,
    ProfileAssociation,
    Role,
)
from keystead.identity.sessions import Session
from keystead.policy.evaluation import ContextValue, Principal, PrincipalType, principal_keys
from keystead.tags import resource_keys

PASSED_TO = "ec2.amazonaws.com"
"""The service that gives an instance its role."""

INSTANCE_TYPE = "AWS::EC2::Instance"


class InstanceCall(Call, kw_only=True):
    """One call about instances, or of the agent of one."""

    repository: IdentityRepository
    session_tokens: SessionTokens
    tokens: Tokens
    session: Session | None = None  # of the caller

    def bears(self, account: str) -> None:
        """A caller without a signature of ours proved to be an agent: it asks as EC2 does."""
        if self.principal.type is not PrincipalType.ANONYMOUS:
            raise RuntimeError(f"{self.principal.arn} has signed, and bears a proof as well")
        service = Principal(
            PrincipalType.SERVICE, PASSED_TO, "", PASSED_TO, service_names=(PASSED_TO,)
        )
        self.principal = self.event.principal = service
        self.keys.update(principal_keys(service))
        self.asked = True  # what concerns its own instance needs no policy; a role is asked about
        self.event.additional = {**self.event.additional, "instanceAccountId": account}

    def target(self, instance_id: str, known: Instance | None) -> Target:
        """The instance with this id as the resource of a question, whether it exists or not."""
        arn = instance_arn(self.region, self.account, instance_id)
        if known is None:
            return Target(arn, self.account, INSTANCE_TYPE)
        tags = self.repository.instances.tags(self.transaction, known)
        described = resource_keys(tags.values, "aws")
        return Target(arn, self.account, INSTANCE_TYPE, condition_keys=described)

    def instance(self, instance_id: str) -> Instance | None:
        """The instance with this id in the caller's account and in the Region of the call."""
        known = self.repository.instances.get(self.transaction, self.account, instance_id)
        return known if known is not None and known.region == self.region else None

    def profile_of(self, association: ProfileAssociation) -> InstanceProfile | None:
        """The profile of an association, if it still exists."""
        profiles = self.repository.instance_profiles
        return profiles.get(self.transaction, association.account, association.profile_id)

    def role_of(self, profile: InstanceProfile | None) -> Role | None:
        """The role that a profile holds."""
        if profile is None or profile.role_id is None:
            return None
        return self.repository.roles.get(self.transaction, profile.account, profile.role_id)

    def ask_to_pass(self, role: Role, instance_id: str) -> None:
        """May the caller give this role to EC2, for this instance?  (IA-3)"""
        passed: Resource = resources.entity(Role, role.account, role.name, role)
        keys: dict[str, ContextValue] = {
            "iam:passedtoservice": PASSED_TO,
            "iam:associatedresourcearn": instance_arn(self.region, self.account, instance_id),
        }
        self.authorize("iam:PassRole", passed, keys)


def instance_arn(region: str, account: str, instance_id: str) -> str:
    return ec2_arn(region, account, f"instance/{instance_id}")
