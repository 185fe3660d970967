"""What mypy must refuse; each marked line is an error that `tests/test_typing.py` expects."""

from keystead.custody.material.material import Custody
from keystead.kms.call import KmsCall
from keystead.kms.keys.key import Key
from keystead.policy.evaluation.decision import Permit
from keystead.registry import implements, implements_with_work
from keystead.wire.models import kms as api
from keystead.work import Work


def key_instead_of_permit(custody: Custody, call: KmsCall, key: Key) -> None:
    custody.encrypt(call.transaction, key, b"x", b"")  # expect: arg-type


def plaintext_instead_of_permit(custody: Custody, call: KmsCall) -> None:
    custody.encrypt(call.transaction, b"x", b"x", b"")  # expect: arg-type


def permit_is_immutable(permit: Permit[Key], key: Key) -> None:
    permit.resource = key  # expect: misc


@implements(api.Encrypt)  # expect: arg-type
def wrong_answer(call: KmsCall, request: api.EncryptRequest) -> api.DecryptResponse:
    return api.DecryptResponse()


@implements(api.Encrypt)  # expect: arg-type
def wrong_question(call: KmsCall, request: api.DecryptRequest) -> api.EncryptResponse:
    return api.EncryptResponse()


@implements_with_work(api.Encrypt)  # expect: arg-type
def wrong_answer_after_work(
    call: KmsCall, request: api.EncryptRequest
) -> api.DecryptResponse | Work[bytes]:
    return api.DecryptResponse()
