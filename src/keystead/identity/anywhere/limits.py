"""How many of each may there be?  AWS's quotas, of an account in a Region, and a few of ours."""

TRUST_ANCHORS = 50
PROFILES = 250
CRLS_PER_TRUST_ANCHOR = 2
CHAIN = 5  # certificates between that of the bearer and the trust anchor
ROLES_PER_PROFILE = 250

# ours
CERTIFICATES_PER_TRUST_ANCHOR = 10
BUNDLE = 40_000  # characters: so many certificates, whose keys are of 8,192 bits
SUBJECTS = 1_000  # of an account
CERTIFICATES_PER_SUBJECT = 3  # that are shown
MAPPING_RULES = 50  # of a field; a session has no more tags
