"""Which parameters do many operations refuse alike?  DryRun, once all is checked, and Recipient."""

from keystead.errors import ValidationException
from keystead.wire.models import kms as api


def require_real(dry_run: bool | None) -> None:
    """End a dry run: everything was checked, nothing is done."""
    if dry_run:
        raise api.DryRunOperationException(
            "The request would have succeeded, but the DryRun option is set."
        )


def refuse_recipient(recipient: api.RecipientInfo | None) -> None:
    """Refuse to encrypt an answer for an attested recipient (kms.md 23).

    AWS's hypervisors sign attestation documents for keys of AWS. None is about this server, so none
    can be verified here. What AWS says of such a document is not known.
    """
    if recipient is not None:
        raise ValidationException("The attestation document of the recipient cannot be verified.")
