"""The declined operations of IAM, with IAM's words about tags (`identity/declined.py`)."""

from keystead.identity.declined import decline
from keystead.identity.rules import DECLINED_IAM
from keystead.identity.tagging import requested

decline(DECLINED_IAM, requested)
