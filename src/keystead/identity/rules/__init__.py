"""What does each operation of IAM, STS and Access Analyzer need?  One table for each service."""

from keystead.identity.rules.analyzer import ANALYZER
from keystead.identity.rules.iam import IAM
from keystead.identity.rules.sts import STS

__all__ = ("ANALYZER", "IAM", "STS")
