"""CreateTags and DeleteTags."""

from collections.abc import Mapping

from keystead import tags as rule
from keystead.network import tagging
from keystead.network.call import NetworkCall
from keystead.network.tags import resources
from keystead.policy.evaluation import ContextValue
from keystead.registry import implements
from keystead.wire.models import ec2 as api
from keystead.wire.query import InvalidParameterValue, MissingParameter


@implements(api.CreateTags)
def create_tags(call: NetworkCall, request: api.CreateTagsRequest) -> None:
    given = tagging.read(request.tags)
    if not given:
        raise MissingParameter("The request must contain the parameter Tag")
    named = resources.named(call, request.resources)
    keys = call.of_request(rule.request_keys(given))
    for each in named:
        call.authorize("ec2:CreateTags", each.target, keys)
    together = [rule.merged(each.tags, given, fold=False) for each in named]
    for each, tags in zip(named, together, strict=True):
        resources.require_possible(each, tags)
    call.require_real(dry_run=request.dry_run)
    for each, tags in zip(named, together, strict=True):
        each.keep(tags)


@implements(api.DeleteTags)
def delete_tags(call: NetworkCall, request: api.DeleteTagsRequest) -> None:
    wanted = request.tags
    for tag in wanted or ():
        if not tag.key:
            raise MissingParameter("The request must contain the parameter Tag.Key")
    if len(wanted or ()) > rule.MOST_TAGS:
        raise InvalidParameterValue(f"A call removes at most {rule.MOST_TAGS} tags.")
    tagging.require_allowed(tag.key or "" for tag in wanted or ())
    gone = {tag.key or "": tag.value for tag in wanted or ()}
    tagging.require_together(gone)  # of two spellings, policies would see the value of one alone
    named = resources.named(call, request.resources)
    for each in named:
        call.authorize("ec2:DeleteTags", each.target, call.of_request(_asked(each.tags, gone)))
    call.require_real(dry_run=request.dry_run)
    for each in named:
        each.keep(_left(each.tags, gone if wanted else None))


def _asked(tags: Mapping[str, str], gone: Mapping[str, str | None]) -> dict[str, ContextValue]:
    """What policies see of a request. If it names no tags, it means those of the resource.

    So a policy that keeps a tag from being removed keeps it in either way.
    """
    with_values = {key: value for key, value in gone.items() if value is not None}
    return {**rule.request_keys(with_values), **rule.tag_keys(gone or tags)}


def _left(tags: Mapping[str, str], named: Mapping[str, str | None] | None) -> dict[str, str]:
    """The tags that stay. Without names all go; a name with a value means that value alone."""
    if named is None:
        return {}
    return {
        key: value
        for key, value in tags.items()
        if key not in named or named[key] not in {None, value}
    }
