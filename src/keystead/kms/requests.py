"""Which parameters do many operations refuse alike?  DryRun, Recipient, and custom key stores.

A dry run answers in its turn. So it does what is quick, and finds what is wrong with it; it does
not do what would have to be done in the slow lane.
"""

from typing import TypeVar

from keystead.errors import ValidationException
from keystead.wire.models import kms as api
from keystead.work import QUICK, Runs, Work, result

R = TypeVar("R")


def require_real(dry_run: bool | None) -> None:
    """End a dry run: everything was checked, nothing is done."""
    if dry_run:
        raise api.DryRunOperationException(
            "The request would have succeeded, but the DryRun option is set."
        )


def tried(call: Runs, work: Work[R], dry_run: bool | None) -> R | Work[R]:
    """The result of work that may show that the request is wrong; a dry run ends before slow work.

    After it, `require_real` ends a dry run whose work was quick.
    """
    if work.seconds > QUICK:
        require_real(dry_run)
    return result(call, work)


def refuse_recipient(recipient: api.RecipientInfo | None) -> None:
    """Refuse to encrypt an answer for an attested recipient (kms.md 23).

    AWS's hypervisors sign attestation documents for keys of AWS. None is about this server, so none
    can be verified here. What AWS says of such a document is not known.
    """
    if recipient is not None:
        raise ValidationException("The attestation document of the recipient cannot be verified.")


def refuse_store(store: str | None) -> None:
    """Refuse a custom key store, by its id or its name: the account has none (kms.md 15)."""
    if store is not None:
        raise api.CustomKeyStoreNotFoundException(f"Custom key store {store} does not exist.")
