"""What does a request for a grant ask for, and may there be such a grant?  (kms.md 4.3, 10.6)

`read` refuses what no key can have. `require_fitting` refuses what this key cannot: an operation
that its spec and usage do not know, and a constraint on an encryption context that it never gets.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from keystead.errors import ValidationException
from keystead.kms import usage
from keystead.kms.grants.grant import CREATE, EQUALS, SUBSET
from keystead.kms.grants.records import GrantRecord, Place, digest, permission_of
from keystead.kms.usage import Usable
from keystead.policy.evaluation import ContextValue
from keystead.policy.language import InvalidPrincipal, account_named, compile_principals, root_arn
from keystead.policy.text import ascii_lower
from keystead.wire.models import kms as api

MOST_PAIRS, LONGEST_VALUE = 8, 384

_OF_GRANTS = frozenset({"CreateGrant", "DescribeKey", "RetireGrant"})
"""The operations that every key has."""


@dataclass(frozen=True, slots=True)
class Party:
    """A grantee or retiring principal, resolved."""

    written: str = ""
    meant: str = ""  # the unique id; "" for a service
    known_as: str = ""  # how policies know it


NOBODY = Party()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks for."""

    grantee: str
    grantee_service: str
    retirer: str
    retirer_service: str
    operations: tuple[str, ...]
    context_type: str
    pairs: Mapping[str, str]
    source_arn: str
    name: str

    @property
    def condition_keys(self) -> dict[str, ContextValue]:
        """The condition keys of the request, without those of the encryption context."""
        keys: dict[str, ContextValue] = {"kms:grantoperations": self.operations}
        given = {
            "kms:granteeprincipal": self.grantee,
            "kms:granteeserviceprincipal": self.grantee_service,
            "kms:retiringprincipal": self.retirer,
            "kms:retiringserviceprincipal": self.retirer_service,
            "kms:grantconstrainttype": self.context_type,
            "kms:grantconstraintsourcearn": self.source_arn,
        }
        keys.update({name: value for name, value in given.items() if value})
        return keys

    def record(
        self, place: Place, issuer: str, grantee: Party, retirer: Party, created_us: int
    ) -> GrantRecord:
        """The grant, without an id."""
        permission = permission_of(
            grantee.known_as, self.operations, self.context_type, self.pairs, self.source_arn
        )
        account, region, key_id = place
        return GrantRecord(
            account=account,
            region=region,
            key_id=key_id,
            grant_id="",
            name=self.name,
            grantee=grantee.written,
            grantee_meant=grantee.meant,
            grantee_id=grantee.known_as,
            retirer=retirer.written,
            retirer_meant=retirer.meant,
            retirer_id=retirer.known_as,
            issuer=issuer,
            operations=" ".join(self.operations),
            context_type=self.context_type,
            context=msgspec.json.encode(dict(self.pairs)).decode(),
            source_arn=self.source_arn,
            permission=permission,
            same=digest(permission, retirer.known_as, issuer, self.name) if self.name else None,
            created_us=created_us,
        )


def read(request: api.CreateGrantRequest) -> Wanted:
    """What the request asks for; raises ValidationException."""
    constraints = request.constraints or api.GrantConstraints()
    context_type, pairs = _context(constraints)
    wanted = Wanted(
        grantee=request.grantee_principal or "",
        grantee_service=request.grantee_service_principal or "",
        retirer=request.retiring_principal or "",
        retirer_service=request.retiring_service_principal or "",
        operations=tuple(dict.fromkeys(request.operations)),
        context_type=context_type,
        pairs=pairs,
        source_arn=constraints.source_arn or "",
        name=request.name or "",
    )
    _require_parties(wanted)
    if not wanted.operations:
        raise ValidationException("Operations must have at least one grant operation.")
    if wanted.operations == (CREATE,):
        raise ValidationException("Grants must not contain only the CreateGrant operation.")
    return wanted


def _require_parties(wanted: Wanted) -> None:
    if bool(wanted.grantee) == bool(wanted.grantee_service):
        raise ValidationException(
            "Specify exactly one of GranteePrincipal and GranteeServicePrincipal."
        )
    if wanted.retirer and wanted.retirer_service:
        raise ValidationException(
            "Specify at most one of RetiringPrincipal and RetiringServicePrincipal."
        )
    if wanted.grantee_service and not wanted.source_arn:
        raise ValidationException("A grant for a service principal must have a SourceArn.")
    if wanted.grantee_service and not (wanted.retirer or wanted.retirer_service):
        raise ValidationException("A grant for a service principal must have a retiring principal.")


def _context(constraints: api.GrantConstraints) -> tuple[str, Mapping[str, str]]:
    """The constraint on the encryption context; raises ValidationException."""
    # SDKs and Terraform send both members, and leave the one that is not meant empty.
    equals, subset = constraints.encryption_context_equals, constraints.encryption_context_subset
    if equals and subset:
        raise ValidationException("More than one constraint supplied")
    pairs = dict(equals or subset or {})
    if len(pairs) > MOST_PAIRS:
        raise ValidationException(f"A grant constraint must not have more than {MOST_PAIRS} pairs.")
    if any("\0" in text for pair in pairs.items() for text in pair):
        raise ValidationException("A grant constraint must not have the character U+0000.")
    if any(not name for name in pairs):
        raise ValidationException("A grant constraint must not have a pair without a name.")
    if any(len(value) > LONGEST_VALUE for value in pairs.values()):
        raise ValidationException(
            f"A value in a grant constraint must not be longer than {LONGEST_VALUE} characters."
        )
    if len({ascii_lower(name) for name in pairs}) != len(pairs):
        raise ValidationException(
            "A grant constraint must not have two pairs whose names differ only in case."
        )
    if equals:
        return EQUALS, pairs
    return (SUBSET if subset else ""), pairs


def require_fitting(wanted: Wanted, key: Usable, uses: Mapping[str, usage.Use]) -> None:
    """Refuse operations that such a key does not have, and constraints that it cannot meet.

    `uses` has the use of each operation that is cryptographic.
    """
    wrong = [name for name in wanted.operations if not _fits(name, key, uses)]
    if wrong:
        raise ValidationException(
            f"The grant operations {wrong} are not supported by {key.arn_text}, whose key spec is"
            f" {key.spec} and key usage is {key.usage}."
        )
    if wanted.context_type and key.spec != usage.SYMMETRIC_DEFAULT:
        raise ValidationException(
            "Encryption context constraints are not supported for grants on asymmetric and HMAC"
            " KMS keys."
        )


def _fits(operation: str, key: Usable, uses: Mapping[str, usage.Use]) -> bool:
    if operation in _OF_GRANTS:
        return True
    if operation == "GetPublicKey":
        return usage.kind(key.spec) == "asymmetric"
    return (key.spec, key.usage) in uses[operation].keys


def party(written: str, service: str, unique_id: Mapping[str, str], partition: str) -> Party:
    """The grantee or retiring principal of a request, resolved; raises InvalidArnException.

    `unique_id` has the unique id of the principal, by `name_of`, if it exists.
    """
    if service:
        return Party(service, "", service)
    if not written:
        return NOBODY
    name = name_of(written, partition)
    try:
        named = compile_principals({"AWS": (name,)}, unique_id, frozenset(), partition)
    except InvalidPrincipal:
        raise no_principal(written) from None
    (known_as,) = named.names or ("",)
    if not known_as:  # `*`
        raise no_principal(written)
    return Party(name, unique_id[name], known_as)


def name_of(written: str, partition: str) -> str:
    """The ARN of a principal; an account may be written as its twelve digits."""
    return root_arn(written, partition) if written == account_named(written) else written


def no_principal(written: str) -> api.InvalidArnException:
    """The refusal of a name that stands for nobody."""
    return api.InvalidArnException(f"ARN does not refer to a valid principal: {written}")
