"""How many of each may there be?  AWS's quotas (iam.md 2.5), checked in the writing transaction.

The names are those of GetAccountSummary and of the `LimitExceeded` texts.
"""

from keystead.policy.language import document

USERS_PER_ACCOUNT = 5_000
GROUPS_PER_ACCOUNT = 300
ROLES_PER_ACCOUNT = 1_000
POLICIES_PER_ACCOUNT = 1_500
INSTANCE_PROFILES_PER_ACCOUNT = 1_000
SERVER_CERTIFICATES_PER_ACCOUNT = 20
SIGNING_CERTIFICATES_PER_USER = 2
GROUPS_PER_USER = 10
ACCESS_KEYS_PER_USER = 2
MFA_DEVICES = 8  # of a user, and of root
MFA_DEVICES_PER_ACCOUNT = USERS_PER_ACCOUNT  # virtual ones, enabled or not
VERSIONS_PER_POLICY = 5
POLICIES_PER_USER = 10  # managed policies attached
POLICIES_PER_GROUP = 10
POLICIES_PER_ROLE = 10
ROLES_PER_INSTANCE_PROFILE = 1
OIDC_PROVIDERS_PER_ACCOUNT = 100
CLIENT_IDS_PER_OIDC_PROVIDER = 100
THUMBPRINTS_PER_OIDC_PROVIDER = 5
SAML_PROVIDERS_PER_ACCOUNT = 100
PRIVATE_KEYS_PER_SAML_PROVIDER = 2
SAML_CHARACTERS = 50_000_000  # of all metadata of an account; ours: it bounds the disk (P-09)
SERVICES = 200  # of the installation; ours, as are those of a service
KEYS_PER_SERVICE = 2
SOURCES_PER_SERVICE = 50  # accounts, and as many patterns
ACTIONS_PER_SERVICE = 50
HOSTS_PER_SERVICE = 10
DIRECTORIES = 20  # of the installation; ours, as are its assignments
ASSIGNMENTS_PER_DIRECTORY = 500
DIRECTORY_PASSWORD = 512  # characters, of a bind name
PASSWORD_LENGTH = 6  # the least, where a password policy does not name it
PASSWORD_LENGTH_BY_DEFAULT = 8  # the least, where an account has no password policy

POLICY_VERSIONS_IN_USE = 10_000

# In characters, white space outside of strings not counted; inline policies are summed up.
MANAGED_POLICY_SIZE = document.MANAGED_POLICY_SIZE
USER_POLICY_SIZE = document.USER_POLICIES_SIZE
GROUP_POLICY_SIZE = document.GROUP_POLICIES_SIZE
ROLE_POLICY_SIZE = document.ROLE_POLICIES_SIZE
ASSUME_ROLE_POLICY_SIZE = document.TRUST_POLICY_SIZE

PAGE = 100  # items of a list, also when MaxItems is more
