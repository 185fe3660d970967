"""Keystead: the AWS KMS, IAM and STS protocols, self-hosted, with real security behind them."""

__version__ = "0.1.0"
