"""The policy of a function, of a version or of an alias. Both families of operations write it, and both show it."""

from __future__ import annotations

from typing import ClassVar

from lambent.core.policies.document import Document
from lambent.lambda_.aliases import Alias, AliasNotFound
from lambent.lambda_.errors import RevisionMismatch
from lambent.lambda_.functions import Function
from lambent.lambda_.names import LATEST, LATEST_PUBLISHED
from lambent.lambda_.parts import Part
from lambent.lambda_.policies.documents import denies, understood
from lambent.lambda_.policies.errors import LatestHasNoPolicy


class Policy(Part, frozen=True, kw_only=True, omit_defaults=True):
    """The text, and which of its revisions it is."""

    KIND: ClassVar[str] = "policy"

    revision_id: str
    text: str
    denies: bool = False  # whether it takes anything from anybody, so that the function's own account has to ask it too

    @staticmethod
    def of(text: str, revision_id: str) -> Policy:
        """A new revision, of a text that was found good."""
        return Policy(revision_id=revision_id, text=text, denies=denies(understood(text)))

    @property
    def document(self) -> Document:
        return understood(self.text)


def guard(function: Function, place: str, revision_id: str | None, reader: str) -> None:
    """Raises RevisionMismatch when the caller saw another revision than there is; `reader` is the operation that shows it.

    `place` is what `kept_under` gives. Without a policy there, the revision is that of the alias (recorded), the version
    or the function itself.
    """
    if revision_id is None:
        return
    holder = function.part(Policy, place) or function.part(Alias, place) or function.version(place)
    if holder.revision_id != revision_id:
        raise RevisionMismatch(reader=reader)


def kept_under(function: Function, qualifier: str | None) -> str:
    """The qualifier of the part that is the policy of a function, a version or an alias that exists.

    Raises LatestHasNoPolicy, FunctionNotFound (a version), AliasNotFound.
    """
    if qualifier is None:
        return LATEST
    if qualifier in (LATEST, LATEST_PUBLISHED):
        raise LatestHasNoPolicy
    if qualifier.isdecimal():
        function.version(qualifier)
    elif function.part(Alias, qualifier) is None:
        raise AliasNotFound(arn=function.arn.qualified(qualifier))
    return qualifier


def policy_at(function: Function, qualifier: str | None) -> Policy | None:
    """The policy that hangs on exactly that, if one does; on $LATEST as a version none can."""
    return None if qualifier == LATEST else function.part(Policy, qualifier or LATEST)
