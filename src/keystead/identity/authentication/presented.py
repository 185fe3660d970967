"""Which access key did a refused request claim?  For the record; nothing is verified."""

from keystead.identity.identifiers import account_of
from keystead.wire.http import HttpRequest
from keystead.wire.presented import claimed


def claimed_key_id(request: HttpRequest) -> str:
    """The access key id that a request claims, if it has the form of one; else "".

    A text of another form may be a secret in the wrong place, and no record holds one (AD-2).
    """
    key_id = claimed(request).access_key_id
    return key_id if account_of(key_id) is not None else ""
