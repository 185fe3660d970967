"""GetParametersForImport, ImportKeyMaterial and DeleteImportedKeyMaterial."""

from datetime import timedelta
from typing import Any

from keystead.custody.backends import GivenSecret
from keystead.custody.tokens import InvalidToken
from keystead.custody.wrapping import (
    WRAPPING_KEYS,
    ImportParameters,
    NotUnwrapped,
    WrappingKey,
    make_wrapping_key,
    unwrap,
)
from keystead.kms import imports, usage
from keystead.kms.call import KmsCall
from keystead.kms.imports import Imported
from keystead.kms.keys import Key
from keystead.policy.evaluation import Permit
from keystead.registry import implements, implements_with_work
from keystead.times import from_microseconds, microseconds
from keystead.wire.models import kms as api
from keystead.work import PROCESSOR, MadeWith, Work, digest, result

_VALID = timedelta(hours=24)
_UNWRAPPING = 0.01  # seconds, more for a long RSA key, which is tried out as well


@implements_with_work(api.GetParametersForImport)
def get_parameters_for_import(
    call: KmsCall, request: api.GetParametersForImportRequest
) -> api.GetParametersForImportResponse | Work[WrappingKey]:
    algorithm, wrapping_spec = request.wrapping_algorithm, request.wrapping_key_spec
    key = call.key(request.key_id)
    permit = call.authorize(
        "kms:GetParametersForImport",
        key,
        {"kms:wrappingalgorithm": algorithm, "kms:wrappingkeyspec": wrapping_spec},
    )
    call.require_state(key)
    usage.require_import(key)
    imports.require_wrapping(key.spec, algorithm, wrapping_spec)
    seconds = WRAPPING_KEYS[wrapping_spec][1]
    made_with = MadeWith(key=key.arn_text, input=digest(wrapping_spec.encode()))
    work = Work(PROCESSOR, seconds, made_with, make_wrapping_key, (wrapping_spec,))
    wrapping = result(call, work)
    if isinstance(wrapping, Work):
        return wrapping
    valid_to = microseconds(call.now + _VALID)
    return api.GetParametersForImportResponse(
        key_id=key.arn_text,
        import_token=call.custody.imports.token(permit, wrapping, algorithm, valid_to),
        public_key=wrapping.public_key,
        parameters_valid_to=from_microseconds(valid_to),
    )


@implements_with_work(api.ImportKeyMaterial)
def import_key_material(
    call: KmsCall, request: api.ImportKeyMaterialRequest
) -> api.ImportKeyMaterialResponse | Work[Any]:
    expiration = imports.read_expiration(request, call.now)
    call.record_defaults(expirationModel=expiration.model)
    key = call.key(request.key_id)
    permit = call.authorize("kms:ImportKeyMaterial", key, expiration.condition_keys)
    call.require_state(key)
    usage.require_import(key)
    imports.require_parameters(key, request)
    secret = _unwrapped(call, permit, request)
    if isinstance(secret, Work):
        return secret
    known = imports.accepted(key, request, call.custody.imports.material_id(permit, secret))
    material_id = _imported(call, permit).keep(
        secret, known, expiration, request.key_material_description
    )
    call.event.additional["keyMaterialId"] = material_id
    return api.ImportKeyMaterialResponse(
        key_id=key.arn_text, key_material_id=_shown(key, material_id)
    )


def _unwrapped(
    call: KmsCall, permit: Permit[Key], request: api.ImportKeyMaterialRequest
) -> GivenSecret | Work[GivenSecret | NotUnwrapped]:
    """The secret that a request brings. Its token is examined first, and in each run."""
    if call.given.secret is not None:
        return call.given.secret
    key, wrapped = permit.resource, request.encrypted_key_material
    parameters = _parameters(call, permit, request.import_token)
    made_with = MadeWith(key=key.arn_text, input=digest(request.import_token, wrapped))
    work = Work(PROCESSOR, _UNWRAPPING, made_with, unwrap, (parameters, wrapped, key.spec))
    secret = result(call, work)
    if secret is NotUnwrapped.CIPHERTEXT:
        raise api.InvalidCiphertextException
    if isinstance(secret, NotUnwrapped):
        raise api.IncorrectKeyMaterialException
    return secret


def _parameters(call: KmsCall, permit: Permit[Key], token: bytes) -> ImportParameters:
    """The content of an import token that is still valid."""
    try:
        parameters = call.custody.imports.parameters(permit, token)
    except InvalidToken:
        raise api.InvalidImportTokenException from None
    if parameters.valid_to_us <= microseconds(call.now):
        raise api.ExpiredImportTokenException
    return parameters


@implements(api.DeleteImportedKeyMaterial)
def delete_imported_key_material(
    call: KmsCall, request: api.DeleteImportedKeyMaterialRequest
) -> api.DeleteImportedKeyMaterialResponse:
    key = call.key(request.key_id)
    permit = call.authorize("kms:DeleteImportedKeyMaterial", key)
    call.require_state(key)
    usage.require_import(key)
    imports.require_parameters(key, request)
    material = imports.named(key, request.key_material_id)
    if material is None:
        return api.DeleteImportedKeyMaterialResponse(key_id=key.arn_text)
    _imported(call, permit).remove(material, in_set=True)
    call.event.additional["keyMaterialId"] = material.material_id
    return api.DeleteImportedKeyMaterialResponse(
        key_id=key.arn_text, key_material_id=_shown(key, material.material_id)
    )


def _imported(call: KmsCall, permit: Permit[Key]) -> Imported:
    """The imported material of the permit's key, to be changed by this call."""
    return Imported(call.transaction, call.repository, call.custody, permit, call.now)


def _shown(key: Key, material_id: str) -> str | None:
    """Only the materials of symmetric keys are told apart for callers (kms.md 9.1)."""
    return material_id if key.spec == usage.SYMMETRIC_DEFAULT else None
