"""What does a policy document say?  Documents are read, checked and compiled here."""

from keystead.policy.language import document
from keystead.policy.language.comparisons import operand
from keystead.policy.language.condition_keys import (
    KNOWN,
    NO_VALUE_HERE,
    OF_KEY,
    OF_PRINCIPAL,
    OF_RESOURCE,
    SERVED,
    KeyFact,
    family,
    hidden_from_key_policies,
    is_multi_valued,
    is_of_request,
    is_supplied,
)
from keystead.policy.language.conditions import Condition, Test
from keystead.policy.language.costs import ACTION, RESOURCE, Search, Searches
from keystead.policy.language.document import (
    GREATEST_SIZES,
    KEY_POLICY_BYTES,
    MANAGED_POLICY_SIZE,
    ROLE_POLICIES_SIZE,
    TRUST_POLICY_SIZE,
    USER_POLICIES_SIZE,
    Policy,
    compile_policy,
    document_size,
    is_too_long,
    named_principals,
    own_policy,
    stored_policy,
    weighed,
)
from keystead.policy.language.grammar import (
    DEEPEST,
    EITHER,
    EVERYBODY,
    IAM_TEXT,
    POLICY_ELEMENTS,
    PRINCIPAL_TYPES,
    STATEMENT_ELEMENTS,
    VERSION_2008,
    VERSION_2012,
)
from keystead.policy.language.kinds import RULES, DocumentKind, Rules
from keystead.policy.language.operators import FOR_ALL, FOR_ANY, UnknownOperator, Usage, usage
from keystead.policy.language.principal import (
    OUTSIDERS,
    UNBOUND,
    ContextValue,
    Keys,
    Principal,
    PrincipalType,
)
from keystead.policy.language.principals import (
    WEB_PROVIDERS,
    Grade,
    InvalidPrincipal,
    PrincipalElement,
    Principals,
    account_named,
    compile_principals,
    root_arn,
)
from keystead.policy.language.published import ACTIONS, SERVICES
from keystead.policy.language.refused_documents import IAM_PATHS, MalformedPolicy
from keystead.policy.language.resolution import known_names, resolved, shown_again
from keystead.policy.language.services import allowed_of, allows_of_service
from keystead.policy.language.statement_spans import Position, Span, statement_spans
from keystead.policy.language.statements import (
    EVERY_RESOURCE,
    ResourceTest,
    Statement,
    misplaced_variable,
)
from keystead.policy.language.validation import (
    ROOT_USER,
    SID,
    TOLD_APART_ONE_BY_ONE,
    TRUST_ACTION,
    VENDOR,
    has_region_in_s3,
)
from keystead.policy.language.variables import (
    VARIABLE,
    Dialect,
    MalformedVariable,
    PatternTooLong,
    Template,
    Texts,
    Variable,
    dialect_of,
    pattern,
    template,
)

__all__ = (
    "ACTION", "ACTIONS", "DEEPEST", "EITHER", "EVERYBODY", "EVERY_RESOURCE", "FOR_ALL", "FOR_ANY",
    "GREATEST_SIZES", "IAM_PATHS", "IAM_TEXT", "KEY_POLICY_BYTES", "KNOWN", "MANAGED_POLICY_SIZE",
    "NO_VALUE_HERE", "OF_KEY", "OF_PRINCIPAL", "OF_RESOURCE", "OUTSIDERS", "POLICY_ELEMENTS",
    "PRINCIPAL_TYPES", "RESOURCE", "ROLE_POLICIES_SIZE", "ROOT_USER", "RULES", "SERVED", "SERVICES",
    "SID", "STATEMENT_ELEMENTS", "TOLD_APART_ONE_BY_ONE", "TRUST_ACTION", "TRUST_POLICY_SIZE",
    "UNBOUND", "USER_POLICIES_SIZE", "VARIABLE", "VENDOR", "VERSION_2008", "VERSION_2012",
    "WEB_PROVIDERS", "Condition", "ContextValue", "Dialect", "DocumentKind", "Grade",
    "InvalidPrincipal", "KeyFact", "Keys", "MalformedPolicy", "MalformedVariable", "PatternTooLong",
    "Policy", "Position", "Principal", "PrincipalElement", "PrincipalType", "Principals",
    "ResourceTest", "Rules", "Search", "Searches", "Span", "Statement", "Template", "Test", "Texts",
    "UnknownOperator", "Usage", "Variable", "account_named", "allowed_of", "allows_of_service",
    "compile_policy", "compile_principals", "dialect_of", "document", "document_size", "family",
    "has_region_in_s3", "hidden_from_key_policies", "is_multi_valued", "is_of_request",
    "is_supplied", "is_too_long", "known_names", "misplaced_variable", "named_principals",
    "operand", "own_policy", "pattern", "resolved", "root_arn", "shown_again", "statement_spans",
    "stored_policy", "template", "usage", "weighed",
)  # fmt: skip
