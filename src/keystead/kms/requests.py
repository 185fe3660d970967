"""What do many operations refuse alike?  Dry runs that went well, and recipients."""

from keystead.wire.models import kms as api


def require_real(dry_run: bool | None) -> None:
    """End a dry run: everything was checked, nothing is done."""
    if dry_run:
        raise api.DryRunOperationException(
            "The request would have succeeded, but the DryRun option is set."
        )


def refuse_recipient(recipient: api.RecipientInfo | None) -> None:
    """Refuse to answer an attested recipient: without attestation nobody may take its place."""
    if recipient is not None:
        raise api.UnsupportedOperationException("The Recipient parameter is not supported.")
