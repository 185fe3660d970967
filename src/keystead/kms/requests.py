"""Which parameters do many operations refuse alike?  DryRun, once all is checked, and Recipient."""

from keystead.wire.models import kms as api


def require_real(dry_run: bool | None) -> None:
    """End a dry run: everything was checked, nothing is done."""
    if dry_run:
        raise api.DryRunOperationException(
            "The request would have succeeded, but the DryRun option is set."
        )


def refuse_recipient(recipient: api.RecipientInfo | None) -> None:
    """Refuse a request for an attested recipient: we cannot check attestations."""
    if recipient is not None:
        raise api.UnsupportedOperationException("The Recipient parameter is not supported.")
