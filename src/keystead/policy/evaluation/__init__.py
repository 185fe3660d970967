"""May they?  The question, the steps, the decision: the definition."""

from keystead.policy.evaluation.binding import Bound, allowed_by, bound_by, resource_refuses
from keystead.policy.evaluation.budget import is_exceeded, work
from keystead.policy.evaluation.decision import (
    AccessDenied,
    DecidingStatement,
    Decision,
    Finding,
    Outcome,
    Permit,
)
from keystead.policy.evaluation.evaluate import evaluate
from keystead.policy.evaluation.kinds import (
    KINDS,
    OF_CALLER,
    OF_ORGANIZATION,
    OF_OWNER,
    PolicyKind,
    Whose,
)
from keystead.policy.evaluation.layers import Layer, document_kind, places, sources_at, with_sources
from keystead.policy.evaluation.matching import (
    Matched,
    Matches,
    Question,
    deciding,
    is_foreign,
    match_all,
    own_policies,
)
from keystead.policy.evaluation.principal_keys import principal_keys
from keystead.policy.evaluation.question import (
    ApplicablePolicies,
    Asked,
    Combination,
    ContextValue,
    Keys,
    PolicySource,
    Principal,
    PrincipalPolicies,
    PrincipalType,
    RequestContext,
    documents,
)
from keystead.policy.evaluation.service_rules import (
    ALIAS_CHANGES,
    may_be_reserved,
    open_to_everybody,
    policy_required,
    reserved,
    resource_kind,
    under_resource_control,
    under_service_control,
    works_across_accounts,
)
from keystead.policy.evaluation.steps import EXPLICIT_DENY, IMPLICIT_DENY

__all__ = (
    "ALIAS_CHANGES", "EXPLICIT_DENY", "IMPLICIT_DENY", "KINDS", "OF_CALLER", "OF_ORGANIZATION",
    "OF_OWNER", "AccessDenied", "ApplicablePolicies", "Asked", "Bound", "Combination",
    "ContextValue", "DecidingStatement", "Decision", "Finding", "Keys", "Layer", "Matched",
    "Matches", "Outcome", "Permit", "PolicyKind", "PolicySource", "Principal", "PrincipalPolicies",
    "PrincipalType", "Question", "RequestContext", "Whose", "allowed_by", "bound_by", "deciding",
    "document_kind", "documents", "evaluate", "is_exceeded", "is_foreign", "match_all",
    "may_be_reserved", "open_to_everybody", "own_policies", "places", "policy_required",
    "principal_keys", "reserved", "resource_kind", "resource_refuses", "sources_at",
    "under_resource_control", "under_service_control", "with_sources", "work",
    "works_across_accounts",
)  # fmt: skip
