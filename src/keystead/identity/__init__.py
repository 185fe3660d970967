"""Who is asking?  Accounts, users, roles, credentials, sessions; the IAM and STS operations."""
