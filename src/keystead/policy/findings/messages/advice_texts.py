"""Which issues are warnings and suggestions, and in which words?  The policy works.

Each table has the sentence of a finding by AWS's code. A sentence has gaps for the finding's words.
"""

SECURITY_WARNINGS = {
    "ALLOW_WITH_NOT_PRINCIPAL": (
        "Using Allow with NotPrincipal can be overly permissive. We recommend that you use"
        " Principal instead."
    ),
    "FORALLVALUES_WITH_SINGLE_VALUED_KEY": (
        "Using ForAllValues qualifier with the single-valued condition key {key} can be overly"
        " permissive. We recommend that you remove ForAllValues:."
    ),
    "MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL": (
        "Using an Open ID Connect (OIDC) principal without a condition can be overly"
        " permissive. Add condition keys with a prefix that matches your federated OIDC"
        " principals to ensure that only the intended identity provider assumes the role."
    ),
    "MISSING_GITHUB_REPO_CONDITION_KEY": (
        "Granting a federated GitHub principal permissions without a condition key can allow"
        " more sources to assume the role than you intended. Add the"
        " token.actions.githubusercontent.com:sub condition key and specify the branch and"
        " repository name in the value."
    ),
    "PASS_ROLE_WITH_NOT_ACTION_AND_NOT_RESOURCE": (
        "Using NotAction with NotResource can be overly permissive because it can allow"
        " iam:PassRole on multiple resources. We recommend that you specify resource ARNs"
        " instead."
    ),
    "PASS_ROLE_WITH_NOT_RESOURCE": (
        "Using the iam:PassRole action with NotResource can be overly permissive because it can"
        " allow iam:PassRole on multiple resources. We recommend that you specify resource ARNs"
        " instead."
    ),
    "PASS_ROLE_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE": (
        "Using an action with a wildcard(*) and NotResource can be overly permissive because it"
        " can allow iam:PassRole on multiple resources. We recommend that you specify resource"
        " ARNs instead."
    ),
    "PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE": (
        "Using wildcards (*) in the action and the resource can be overly permissive because it"
        " can allow iam:PassRole on multiple resources. We recommend that you specify resource"
        " ARNs instead."
    ),
    "PASS_ROLE_WITH_STAR_IN_RESOURCE": (
        "Using the iam:PassRole action with wildcards (*) in the resource can be overly"
        " permissive because it can allow iam:PassRole on multiple resources. We recommend that"
        " you specify resource ARNs instead."
    ),
    "PASS_ROLE_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION": (
        "Using wildcards (*) in the resource and NotAction can be overly permissive because it"
        " can allow iam:PassRole on multiple resources. We recommend that you specify resource"
        " ARNs instead."
    ),
    "RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL": (
        "Granting access to a service principal without specifying a source is overly"
        " permissive. Use aws:SourceArn, aws:SourceAccount, aws:SourceOrgID, or"
        " aws:SourceOrgPaths condition key to grant fine-grained access."
    ),
}

WARNINGS = {
    "CLAIM_IS_NO_CONDITION_KEY": (  # ours, not AWS's
        "The condition key {key} never has a value, because a claim with a colon in its name is no"
        " condition key. A Deny that compares it denies nothing. Use another claim."
    ),
    "CREATE_SLR_WITH_NOT_ACTION_AND_NOT_RESOURCE": (
        "Using NotAction with NotResource can allow creation of unintended service-linked"
        " roles. We recommend that you specify resource ARNs instead."
    ),
    "CREATE_SLR_WITH_NOT_RESOURCE": (
        "Using the iam:CreateServiceLinkedRole action with NotResource can allow creation of"
        " unintended service-linked roles. We recommend that you specify resource ARNs instead."
    ),
    "CREATE_SLR_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE": (
        "Using an action with a wildcard(*) and NotResource can allow creation of unintended"
        " service-linked roles. We recommend that you specify resource ARNs instead."
    ),
    "CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE": (
        "Using wildcards (*) in the action and the resource can allow creation of unintended"
        " service-linked roles. We recommend that you specify resource ARNs instead."
    ),
    "CREATE_SLR_WITH_STAR_IN_RESOURCE": (
        "Using the iam:CreateServiceLinkedRole action with wildcards (*) in the resource can"
        " allow creation of unintended service-linked roles. We recommend that you specify"
        " resource ARNs instead."
    ),
    "CREATE_SLR_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION": (
        "Using wildcards (*) in the resource and NotAction can allow creation of unintended"
        " service-linked roles. We recommend that you specify resource ARNs instead."
    ),
    "INVALID_DATE_VALUE": (
        "The date {date} might not resolve as expected. We recommend that you use the"
        " YYYY-MM-DD format."
    ),
    "INVALID_ROLE_REFERENCE": (
        "The Principal element includes the IAM role ID {id}. We recommend that you use a role"
        " ARN instead."
    ),
    "INVALID_USER_REFERENCE": (
        "The Principal element includes the IAM user ID {id}. We recommend that you use a user"
        " ARN instead."
    ),
    "MISSING_VERSION": (
        "We recommend that you specify the Version element to help you with debugging"
        " permission issues."
    ),
    "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA": (
        "The {size} characters in the {kind}, excluding whitespace, exceed the {quota}"
        " character maximum. We recommend that you use multiple granular policies."
    ),
    "POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA": (
        "The {size} characters in the {kind} exceed the {quota} character maximum. We recommend"
        " that you use multiple granular policies."
    ),
    "POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA": (
        "The {size} characters in the {kind}, excluding whitespace, exceed the {quota}"
        " character maximum. We recommend that you use multiple granular policies."
    ),
    "SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED": (
        "Using a wildcard (*) in token.actions.githubusercontent.com:sub can allow requests"
        " from more sources than you intended. Specify the value of the condition key with the"
        " repository and branch name."
    ),
    "TYPE_MISMATCH": (
        "Use the operator type {allowed} instead of operator {operator} for the condition key"
        " {key}."
    ),
    "TYPE_MISMATCH_BOOLEAN": (
        "Add a valid Boolean value (true or false) for the condition operator {operator}."
    ),
    "TYPE_MISMATCH_DATE": (
        "The condition operator {operator} is used with an invalid date. Specify a valid date"
        " using YYYY-MM-DD or other ISO 8601 date/time format."
    ),
    "TYPE_MISMATCH_IP_RANGE": (
        "The condition operator {operator} is used with an invalid IP range value. Specify the"
        " IP range in standard CIDR format."
    ),
    "TYPE_MISMATCH_NUMBER": "Add a valid numeric value for the condition operator {operator}.",
    "TYPE_MISMATCH_STRING": "Add a valid string value for the condition operator {operator}.",
    "UNIQUE_SIDS_RECOMMENDED": (
        "We recommend that you use statement IDs that are unique to your policy. Update the Sid"
        " value."
    ),
    "WILDCARD_WITHOUT_LIKE_OPERATOR": (
        "Your condition value includes a * or ? character. If you meant to use a wildcard (*,"
        " ?), update the condition operator to include Like."
    ),
}

SUGGESTIONS = {
    "EMPTY_ARRAY_ACTION": (
        "This statement includes no actions and does not affect the policy. Specify actions."
    ),
    "EMPTY_ARRAY_CONDITION": (
        "There are no values for the condition key {key} and it does not affect the policy."
        " Specify conditions."
    ),
    "EMPTY_ARRAY_CONDITION_FORALLVALUES": (
        "The ForAllValues prefix with an empty condition key matches only if the key {key} is"
        " missing from the request context. To determine if the request context is empty, we"
        " recommend that you use the Null condition operator with the value of true instead."
    ),
    "EMPTY_ARRAY_CONDITION_FORANYVALUE": (
        "The ForAnyValue prefix with an empty condition key {key} never matches the request"
        " context and it does not affect the policy. Specify conditions."
    ),
    "EMPTY_ARRAY_CONDITION_IFEXISTS": (
        "The IfExists suffix with an empty condition key matches only if the key {key} is"
        " missing from the request context. To determine if the request context is empty, we"
        " recommend that you use the Null condition operator with the value of true instead."
    ),
    "EMPTY_ARRAY_PRINCIPAL": (
        "This statement includes no principals and does not affect the policy. Specify principals."
    ),
    "EMPTY_ARRAY_RESOURCE": (
        "This statement includes no resources and does not affect the policy. Specify resources."
    ),
    "EMPTY_OBJECT_CONDITION": (
        "This condition block is empty and it does not affect the policy. Specify conditions."
    ),
    "EMPTY_OBJECT_PRINCIPAL": (
        "This statement includes no principals and does not affect the policy. Specify principals."
    ),
    "EMPTY_SID_VALUE": "Add a value to the empty string in the Sid element.",
    "IMPROVE_IP_RANGE": (
        "The non-zero bits in the IP address after the masked bits are ignored. Replace address"
        " with {range}."
    ),
    "IRRELEVANT_CONDITION_KEY_IN_POLICY": (
        "The condition key {key} is not relevant for the {policy_type}. Use this key in an"
        " identity-based policy to govern access to this resource."
    ),
    "NULL_WITH_QUALIFIER": (
        "Avoid using the Null condition operator with the ForAllValues or ForAnyValue"
        " qualifiers because they always return a true or false respectively."
    ),
    "REDUNDANT_ACTION": (
        "The {count} action(s) are redundant because they provide similar permissions. Update"
        " the policy to remove the redundant action such as: {example}."
    ),
    "REDUNDANT_CONDITION_VALUE_NUM": (
        "Multiple values in {operator} are redundant. Replace with the {which} single value for"
        " {key}."
    ),
    "REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY": (
        "The assumed-role principal {principal} is redundant with its parent role {role}."
        " Remove the assumed-role principal."
    ),
    "REDUNDANT_RESOURCE": (
        "The {count} resource ARN(s) are redundant because they reference the same resource."
        " Review the use of wildcards (*) and remove redundant resources such as: {example}."
    ),
    "REDUNDANT_STATEMENT": (
        "The statements are redundant because they provide identical permissions. Update the"
        " policy to remove the redundant statement."
    ),
    "WILDCARD_IN_SERVICE_NAME": (
        "Avoid using wildcards (*, ?) in the service name because it might grant unintended"
        " access to other AWS services with similar names."
    ),
}
