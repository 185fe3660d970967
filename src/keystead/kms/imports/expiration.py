"""When does imported material expire?  ExpirationModel and ValidTo (kms.md 9, 11, 13.3)."""

from datetime import datetime, timedelta
from typing import NamedTuple

from keystead.errors import ValidationException
from keystead.policy.evaluation import ContextValue
from keystead.times import microseconds
from keystead.wire.models import kms as api

_LONGEST = timedelta(days=365)
_MILLION = 1_000_000


class Expiration(NamedTuple):
    """The expiration of a request, the default model filled in."""

    model: api.ExpirationModelType
    valid_to_us: int | None

    @property
    def condition_keys(self) -> dict[str, ContextValue]:
        """The condition keys in the question about kms:ImportKeyMaterial."""
        keys: dict[str, ContextValue] = {"kms:expirationmodel": self.model}
        if self.valid_to_us is not None:
            keys["kms:validto"] = _epoch_seconds(self.valid_to_us)
        return keys


def read_expiration(request: api.ImportKeyMaterialRequest, now: datetime) -> Expiration:
    """The expiration that a request asks for; raises ValidationException."""
    model, valid_to = request.expiration_model or "KEY_MATERIAL_EXPIRES", request.valid_to
    if model == "KEY_MATERIAL_DOES_NOT_EXPIRE":
        if valid_to is not None:
            raise ValidationException(
                "The parameter ValidTo cannot be specified for a key with an expiration model of"
                " KEY_MATERIAL_DOES_NOT_EXPIRE"
            )
        return Expiration(model, None)
    if valid_to is None:
        raise ValidationException(
            "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES"
        )
    if valid_to <= now:
        raise ValidationException("ValidTo must be in the future")
    if valid_to - now > _LONGEST:
        raise ValidationException(f"ValidTo must be within {_LONGEST.days} days of the request")
    return Expiration(model, microseconds(valid_to))


def _epoch_seconds(stored: int) -> str:
    """A time as policies compare it, exactly: seconds since the epoch."""
    whole, rest = divmod(stored, _MILLION)
    return f"{whole}.{rest:06}" if rest else str(whole)
