"""Which principal asks?  Accounts, users, roles, credentials, sessions; IAM and STS operations."""
