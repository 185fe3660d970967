"""Of which providers may a response be?  What it claims, before anybody has proved it.

A response at the console names no account. The Role attribute of its assertion has the ARNs of
providers, of one account or more. They are only looked up by it, as an issuer of OpenID Connect is
(OI-3): what counts is read again from what each of them signed.
"""

from dataclasses import dataclass

from keystead.identity.federation.saml.names import SAML
from keystead.identity.federation.saml.responses import Unproven, parts_of, read_response
from keystead.work import DOCUMENTS, MadeWith, Runs, Work, digest

MOST_PROVIDERS = 32
_ROLE = "https://aws.amazon.com/SAML/Attributes/Role"
_SECONDS, _A_CHARACTER = 4e-4, 6e-8


@dataclass(frozen=True, slots=True)
class Hints:
    """What a response claims."""

    providers: tuple[str, ...] = ()  # ARNs, or what stands in their place
    issuer: str = ""
    why: str = ""  # the step that failed, if the response has no form that could prove anything


def hints_of(call: Runs, text: str) -> Hints | Work[Hints]:
    """The claims of a response; at first the work."""
    made_with = MadeWith(input=digest(b"hints", text.encode()))
    seconds = _SECONDS + _A_CHARACTER * len(text)
    work = Work(DOCUMENTS, seconds, made_with, _hints, (text,))
    done = call.done(work)
    return work if done is None else done.value


def _hints(text: str) -> Hints:
    try:
        assertion, _ = parts_of(read_response(text))
    except Unproven as reason:
        return Hints(why=str(reason))
    except ImportError:
        return Hints(why="the extra `saml` is not installed: run `make setup` in the checkout")
    if assertion is None:
        return Hints()
    values = (
        value.text or ""
        for attribute in assertion.iter()
        if attribute.tag == f"{SAML}Attribute" and attribute.get("Name") == _ROLE
        for value in attribute.iterchildren(f"{SAML}AttributeValue")
    )
    named = dict.fromkeys(
        part for value in values for part in value.split(",") if ":saml-provider/" in part
    )
    if len(named) > MOST_PROVIDERS:
        return Hints(why=f"step 13: it names more than {MOST_PROVIDERS} providers")
    issuer = next(assertion.iterchildren(f"{SAML}Issuer"), None)
    return Hints(tuple(named), "" if issuer is None else issuer.text or "")
