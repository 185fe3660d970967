"""Signatures of our own: on the audit log, on digests, on documents of instances."""

from keystead.custody.signing import digest_signer, instance_documents
from keystead.custody.signing.digest_signer import DigestSecret, DigestSigner
from keystead.custody.signing.instance_documents import (
    DocumentSecret,
    DocumentSigner,
    as_pem,
    fingerprint,
)
from keystead.custody.signing.signer import AuditSigner, AuditTags
from keystead.custody.signing.verification import NotAPublicKey, signature_verifier

__all__ = (
    "AuditSigner",
    "AuditTags",
    "DigestSecret",
    "DigestSigner",
    "DocumentSecret",
    "DocumentSigner",
    "NotAPublicKey",
    "as_pem",
    "digest_signer",
    "fingerprint",
    "instance_documents",
    "signature_verifier",
)
