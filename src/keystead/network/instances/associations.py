"""AssociateIamInstanceProfile, DisassociateIamInstanceProfile,
ReplaceIamInstanceProfileAssociation, DescribeIamInstanceProfileAssociations.

An instance has one profile at most, and by it a role. Whoever gives it one must be allowed to pass
that role to EC2 (threat-model IA-3). An association that is taken away, or replaced, ends all
sessions that the instance got by it (IM-4). So a state of transition is never seen, and a profile
that replaces itself ends them, too.
"""

from functools import partial

from keystead.arns import Arn, NotAnArn, iam_arn
from keystead.network import filters, paging
from keystead.network.call import NetworkCall
from keystead.network.errors import IncorrectState, NoSuchAssociation
from keystead.network.hosts import Association, Host, Profile
from keystead.network.instances import resources
from keystead.policy.evaluation import ContextValue
from keystead.registry import implements
from keystead.times import from_seconds
from keystead.wire.models import ec2 as api
from keystead.wire.query import InvalidParameterValue, MissingParameter

_PASSED_TO = "ec2.amazonaws.com"


@implements(api.AssociateIamInstanceProfile)
def associate_iam_instance_profile(
    call: NetworkCall, request: api.AssociateIamInstanceProfileRequest
) -> api.AssociateIamInstanceProfileResult:
    arn, profile = _named(call, request.iam_instance_profile)
    host = resources.ask(call, request.instance_id, {"ec2:newinstanceprofile": arn})
    given = _passed(call, request.iam_instance_profile, profile, host)
    if call.hosts.association_of(call.transaction, host) is not None:
        raise IncorrectState(f"There is an existing association for instance {host.instance_id}")
    association = call.hosts.associate(call.transaction, host, given, call.now)
    return api.AssociateIamInstanceProfileResult(
        iam_instance_profile_association=_shown(association, "associated")
    )


@implements(api.DisassociateIamInstanceProfile)
def disassociate_iam_instance_profile(
    call: NetworkCall, request: api.DisassociateIamInstanceProfileRequest
) -> api.DisassociateIamInstanceProfileResult:
    association = _existing(call, request.association_id)
    resources.ask(call, association.instance_id)
    call.hosts.disassociate(call.transaction, association)
    return api.DisassociateIamInstanceProfileResult(
        iam_instance_profile_association=_shown(association, "disassociated")
    )


@implements(api.ReplaceIamInstanceProfileAssociation)
def replace_iam_instance_profile_association(
    call: NetworkCall, request: api.ReplaceIamInstanceProfileAssociationRequest
) -> api.ReplaceIamInstanceProfileAssociationResult:
    arn, profile = _named(call, request.iam_instance_profile)
    former = _existing(call, request.association_id)
    host = resources.ask(call, former.instance_id, {"ec2:newinstanceprofile": arn})
    given = _passed(call, request.iam_instance_profile, profile, host)
    call.hosts.disassociate(call.transaction, former)
    association = call.hosts.associate(call.transaction, host, given, call.now)
    return api.ReplaceIamInstanceProfileAssociationResult(
        iam_instance_profile_association=_shown(association, "associated")
    )


@implements(api.DescribeIamInstanceProfileAssociations)
def describe_iam_instance_profile_associations(
    call: NetworkCall, request: api.DescribeIamInstanceProfileAssociationsRequest
) -> api.DescribeIamInstanceProfileAssociationsResult:
    call.authorize_list()
    passes = filters.passing(request.filters, _FILTERS)
    if request.association_ids:
        if len(request.association_ids) > paging.MOST:
            raise InvalidParameterValue(f"A request names at most {paging.MOST} associations.")
        wanted = dict.fromkeys(request.association_ids)
        named = (_existing_asked(call, each) for each in wanted)
        page = paging.cut(call, request, [each for each in named if passes(each)])
    else:
        page = paging.walk(
            call,
            request,
            partial(call.hosts.associations_after, call.transaction, call.account, call.region),
            lambda each: each.association_id,
            passes,
        )
    return api.DescribeIamInstanceProfileAssociationsResult(
        iam_instance_profile_associations=[_shown(each, "associated") for each in page.items],
        next_token=page.marker,
    )


_FILTERS: dict[str, filters.Values[Association]] = {
    "instance-id": lambda each: (each.instance_id,),
    "state": lambda _: ("associated",),
}


def _named(
    call: NetworkCall, wanted: api.IamInstanceProfileSpecification
) -> tuple[str, Profile | None]:
    """The ARN of a profile of this account, and the profile if there is one."""
    if (wanted.arn is None) == (wanted.name is None):
        if wanted.arn is None:
            raise MissingParameter("The request must contain the parameter iamInstanceProfile")
        raise InvalidParameterValue(
            "The parameter 'iamInstanceProfile.name' may not be used in combination with"
            " 'iamInstanceProfile.arn'"
        )
    if wanted.name is not None:
        profile = call.hosts.profile(call.transaction, call.account, wanted.name[:200])
        named = iam_arn(call.account, f"instance-profile/{wanted.name}")
        return (named if profile is None else profile.arn), profile
    arn = str(wanted.arn)
    try:
        parsed = Arn.parse(arn)
    except NotAnArn:
        raise _invalid(wanted) from None
    if parsed.account != call.account or not parsed.resource.startswith("instance-profile/"):
        raise _invalid(wanted)
    name = parsed.resource.rpartition("/")[2]
    profile = call.hosts.profile(call.transaction, call.account, name)
    return arn, profile if profile is not None and profile.arn == arn else None


def _passed(
    call: NetworkCall,
    wanted: api.IamInstanceProfileSpecification,
    profile: Profile | None,
    host: Host,
) -> Profile:
    """The profile that is there, with a role that the caller may pass to EC2 for this instance."""
    if profile is None:
        raise _invalid(wanted)
    role = call.hosts.role(call.transaction, profile)
    if role is None:
        raise InvalidParameterValue(f'IAM Instance Profile "{profile.arn}" has no associated IAM'
                                    " Roles")  # fmt: skip
    keys: dict[str, ContextValue] = {
        "iam:passedtoservice": _PASSED_TO,
        "iam:associatedresourcearn": resources.arn_of(call, host.instance_id),
    }
    call.authorize("iam:PassRole", role, keys)
    return profile


def _invalid(wanted: api.IamInstanceProfileSpecification) -> InvalidParameterValue:
    part = "name" if wanted.arn is None else "arn"
    value = (wanted.name or wanted.arn or "")[:200]
    noun = "name" if wanted.arn is None else "ARN"
    return InvalidParameterValue(
        f"Value ({value}) for parameter iamInstanceProfile.{part} is invalid. Invalid IAM Instance"
        f" Profile {noun}"
    )


def _existing(call: NetworkCall, association_id: str) -> Association:
    """The association with this id; a caller who may change none learns nothing of it."""
    known = call.hosts.association(call.transaction, call.account, call.region, association_id)
    if known is None:
        resources.ask_about_all(call)
        raise NoSuchAssociation(association_id)
    return known


def _existing_asked(call: NetworkCall, association_id: str) -> Association:
    known = call.hosts.association(call.transaction, call.account, call.region, association_id)
    if known is None:
        raise NoSuchAssociation(association_id)
    return known


def _shown(
    association: Association, state: api.IamInstanceProfileAssociationState
) -> api.IamInstanceProfileAssociation:
    return api.IamInstanceProfileAssociation(
        association_id=association.association_id,
        instance_id=association.instance_id,
        iam_instance_profile=api.IamInstanceProfile(
            arn=association.profile_arn, id=association.profile_id
        ),
        state=state,
        timestamp=from_seconds(association.associated),
    )
