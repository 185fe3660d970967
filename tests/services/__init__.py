"""Services of the site that act for an account: by policies, grants, roles, and for callers."""
