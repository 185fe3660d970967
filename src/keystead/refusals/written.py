"""How is a refusal written down so that it can be decided again?

    content   JSON: version 1, the message, the question with every condition key, and each policy
              that applied: where it is attached, and the id of its document
    document  JSON [version 1, kind, text, the unique ids to which its principals were resolved]
    id        the compiled policy's own: a hash of all that its meaning depends on

A written refusal holds everything that the decision depended on. So it can be decided again, with
the same result, even if the policies or the principal have changed since. A document is the text
that was compiled, not a name that may get another text later. Refusals share documents. A service
refuses some calls by a rule of its own, with any policies. Such a refusal has no question.

INVARIANT: a written refusal holds no secret, because a question holds none (threat-model AD-2).
INVARIANT: a policy that is read has the id of the policy that was written, or is refused.
"""

from collections.abc import Callable, Container, Mapping
from datetime import datetime
from typing import Any

import msgspec

from keystead.policy.evaluation import (
    Form,
    PolicySource,
    RefusedQuestion,
    RequestContext,
    form_of,
    members,
    of_each,
    recalled,
)
from keystead.policy.language import DocumentKind, Policy, stored_policy

_VERSION = 1


class NotARefusal(ValueError):
    """The bytes that were read are not those of a written refusal."""


class Refusal(msgspec.Struct, frozen=True):
    """One refusal: its request id, time and message, and the whole question."""

    request_id: str
    time: datetime
    account: str  # the refused caller's; "" for one without
    message: str  # as the caller got it
    asked: RefusedQuestion | None  # None: no policy decided
    why: str = ""  # the step of a proof that failed


class WrittenRefusal(msgspec.Struct, frozen=True, gc=False):
    """A refusal written down."""

    request_id: str
    account: str
    time: datetime
    content: bytes
    documents: tuple[str, ...]  # the ids, each once


class Document(msgspec.Struct, frozen=True, array_like=True):
    """A policy as it was evaluated, not compiled."""

    version: int
    kind: DocumentKind
    text: str
    meant: tuple[tuple[str, str], ...] | None

    @property
    def size(self) -> int:
        """The number of bytes that it holds, about."""
        return len(self.text) + sum(len(name) + len(meant) for name, meant in self.meant or ())

    def encode(self) -> bytes:
        return _encode(self)


class _Source(msgspec.Struct, frozen=True, array_like=True):
    document: str
    id: str
    attached_to: str


_Sources = tuple[_Source, ...]


_FORMS: Mapping[Form | None, Any] = {
    Form.ONE: _Source,
    Form.SET: _Sources,
    Form.LEVELS: tuple[_Sources, ...],
    None: bool,  # no policies: how they are asked
}
"""How each member of a question's policies is written, with documents by id."""


class _Asked(msgspec.Struct, frozen=True):
    context: RequestContext
    policies: dict[str, msgspec.Raw]  # the members that say something, by name
    described: frozenset[str]
    shown_as: str


class _Content(msgspec.Struct, frozen=True, omit_defaults=True):
    version: int
    message: str
    asked: _Asked | None
    why: str = ""


_encode = msgspec.json.Encoder().encode
_read_content = msgspec.json.Decoder(_Content).decode
_read_document = msgspec.json.Decoder(Document).decode


def write(refusal: Refusal, known: Container[str]) -> tuple[WrittenRefusal, Mapping[str, Document]]:
    """The refusal as bytes, and by id those of its documents that are not `known` yet.

    Documents are not encoded here. If they were, the time of a refusal would tell how long the
    policies of another account are (threat-model KM-2).
    """
    writer = _Writer(known)
    asked = None if refusal.asked is None else writer.asked(refusal.asked)
    content = _Content(_VERSION, refusal.message, asked, refusal.why)
    written = WrittenRefusal(
        refusal.request_id,
        refusal.account,
        refusal.time,
        _encode(content),
        tuple(writer.used),
    )
    return written, writer.new


def read_document(content: bytes) -> Document:
    """The document that was encoded; raises NotARefusal."""
    try:
        return _read_document(content)
    except msgspec.MsgspecError as error:
        raise NotARefusal(str(error)) from None


def read(written: WrittenRefusal, document: Callable[[str], Document]) -> Refusal:
    """The refusal that was written; `document` finds a document by its id. Raises NotARefusal."""
    try:
        content = _read_content(written.content)
        if content.version != _VERSION:
            raise NotARefusal(f"a refusal of version {content.version}")
        asked = None if content.asked is None else _Reader(document).asked(content.asked)
    except msgspec.MsgspecError as error:
        raise NotARefusal(str(error)) from None
    return Refusal(
        written.request_id, written.time, written.account, content.message, asked, content.why
    )


class _Writer:
    """Writes policies, and collects their documents."""

    __slots__ = ("_known", "new", "used")

    def __init__(self, known: Container[str]) -> None:
        self._known = known
        self.used: dict[str, None] = {}
        self.new: dict[str, Document] = {}

    def asked(self, asked: RefusedQuestion) -> _Asked:
        question = asked.question
        policies = {
            name: msgspec.Raw(_encode(of_each(form_of(name), value, self._source)))
            for name, value in members(question.policies).items()
        }
        return _Asked(question.context, policies, asked.described, asked.shown_as)

    def _source(self, source: PolicySource) -> _Source:
        policy = source.policy
        if policy.id not in self.used:
            self.used[policy.id] = None
            if policy.id not in self._known:
                self.new[policy.id] = _document(policy)
        return _Source(policy.id, source.id, source.attached_to)


def _document(policy: Policy) -> Document:
    return Document(_VERSION, policy.kind, policy.text, policy.meant)


class _Reader:
    """Reads policies, and compiles their documents as they were compiled."""

    __slots__ = ("_document",)

    def __init__(self, document: Callable[[str], Document]) -> None:
        self._document = document

    def asked(self, written: _Asked) -> RefusedQuestion:
        policies = {name: self._member(name, text) for name, text in written.policies.items()}
        question = recalled(written.context, policies)
        return RefusedQuestion(question, written.described, written.shown_as)

    def _member(self, name: str, text: msgspec.Raw) -> Any:
        try:
            form = form_of(name)
        except KeyError:
            raise NotARefusal(f"policies have no member {name}") from None
        return of_each(form, msgspec.json.decode(text, type=_FORMS[form]), self._source)

    def _source(self, source: _Source) -> PolicySource:
        document = self._document(source.document)
        if document.version != _VERSION:
            raise NotARefusal(f"a document of version {document.version}")
        meant = None if document.meant is None else dict(document.meant)
        policy = stored_policy(document.text, document.kind, meant)
        if policy.id != source.document:
            raise NotARefusal("a document is not the one that its id names")
        return PolicySource(policy, source.id, source.attached_to)
