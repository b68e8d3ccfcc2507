"""The nouns: a `Function`, its `FunctionVersion`s and parts, and what may happen to them.

All are values: a change gives a new `Function` that shares what did not change, so whoever reads one sees one
moment, and a transaction is "read the function, compute the next, write the difference" (`store`). Rules that need
nothing but the function stand here: revisions, states, what publishing makes, what a qualifier means.

During an update, and after one that failed, invocations go to what worked before: `serving`. A published version
never changes but for its state. Sources: reference/lambda.md 1.3, 2.1, 6; Lambda developer guide, "Lambda function
states".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar, cast

import msgspec

from lambent.core.ids import Ids
from lambent.lambda_.aliases import Alias, VersionsDiffer
from lambent.lambda_.configuration import Configuration
from lambent.lambda_.errors import CodeSha256Mismatch, FunctionNotFound, RevisionMismatch, VersionReferenced
from lambent.lambda_.layers.opt import opt_digest
from lambent.lambda_.names import LATEST, FunctionArn, place_of
from lambent.lambda_.parts import NOTHING_ATTACHED, Attached, Part
from lambent.lambda_.states import (
    BEING_CREATED,
    INVOCABLE,
    LAST_UPDATE_STATUS,
    SETTLING,
    STATE,
    Event,
    Phase,
    Reason,
    after,
    refuse_change,
)

P = TypeVar("P", bound=Part)

FINGERPRINT: Final = msgspec.json.Encoder(order="deterministic")


class Refusal(msgspec.Struct, frozen=True):
    """Why a version cannot run, for its owner."""

    reason: Reason
    message: str


class FunctionVersion(Configuration, frozen=True, kw_only=True, omit_defaults=True):
    """Code and configuration under one qualified ARN, and how far it is; `$LATEST` is one of them."""

    arn: FunctionArn  # qualified, also for $LATEST
    revision_id: str
    configuration_id: str = ""  # of $LATEST: another whenever its code or configuration is, and so are its environments
    modified_at: float  # Unix epoch seconds
    phase: Phase = Phase.CREATING
    reason: Refusal | None = None  # why it is in this phase, unless that is plain
    source: str | None = None  # of a published version: the fingerprint of the $LATEST it was made of

    @property
    def version(self) -> str:
        """`$LATEST` or a number."""
        return self.arn.qualifier or LATEST

    @property
    def key(self) -> str:
        """The qualified ARN, as text."""
        return str(self.arn)

    @property
    def code_digest(self) -> str:
        """The name of its content in the code store."""
        return self.code.digest

    @property
    def opt_digest(self) -> str | None:
        """The name of what it finds at /opt, in the code store; None: nothing."""
        return opt_digest(self.layers)

    def uploads(self) -> set[str]:
        """The contents that it is made of: its code, and its layers; of an image, none."""
        return set() if self.image is not None else {self.code.digest, *(layer.code.digest for layer in self.layers)}

    def digests(self) -> set[str]:
        """What it needs of the code store: its contents, and the tree that its layers are merged into."""
        opt = self.opt_digest
        return self.uploads() if opt is None else self.uploads() | {opt}

    @property
    def state(self) -> str:
        """AWS's State."""
        return STATE[self.phase]

    @property
    def last_update_status(self) -> str | None:
        """AWS's LastUpdateStatus; None before the first."""
        return LAST_UPDATE_STATUS.get(self.phase)

    @property
    def settling(self) -> bool:
        return self.phase in SETTLING

    @property
    def invocable(self) -> bool:
        return self.phase in INVOCABLE

    def invoked_arn(self, qualifier: str | None) -> str:
        """The ARN under which a caller who wrote this qualifier has invoked it."""
        return str(self.arn.unqualified if qualifier is None else self.arn.qualified(qualifier))

    def fingerprint(self) -> str:
        """The same for two versions exactly when their code and configuration are.

        A field that has its default does not count, so that a newer Lambent with more fields finds nothing changed.
        """
        settings = Configuration(**{name: getattr(self, name) for name in Configuration.__struct_fields__})
        return hashlib.sha256(FINGERPRINT.encode(settings)).hexdigest()

    def happened(self, event: Event, revision_id: str, reason: Refusal | None, **changes: Any) -> FunctionVersion:
        """The version after a state event, which is a new revision of $LATEST; a published version keeps the one it has."""
        if self.version != LATEST:
            revision_id = self.revision_id
        phase = after(self.phase, event)
        return msgspec.structs.replace(self, phase=phase, revision_id=revision_id, reason=reason, **changes)

    def is_still(self, seen: FunctionVersion) -> bool:
        """Whether nothing but the revision has changed since the version was `seen`; publishing and tagging change that."""
        return msgspec.structs.replace(self, revision_id=seen.revision_id) == seen


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """A function with all its versions and parts, at one moment."""

    arn: FunctionArn  # unqualified
    latest: FunctionVersion
    serving: FunctionVersion | None = None  # what is invoked instead of `latest`, while that is not fit
    published: dict[int, FunctionVersion] = {}
    tags: dict[str, str] = {}
    attached: Attached = NOTHING_ATTACHED
    last_number: int = 0  # the highest ever given to a version, also of earlier functions of this name

    def __iter__(self) -> Iterator[FunctionVersion]:
        """Every version: $LATEST, then the published ones in order."""
        yield self.latest
        yield from self.published.values()

    @property
    def last_published(self) -> FunctionVersion:
        """The published version with the highest number; there is one."""
        return self.published[max(self.published)]

    @property
    def code_size_bytes(self) -> int:
        """What its versions take of the account's code storage."""
        return sum(version.code.size_bytes for version in self)

    def version(self, qualifier: str | None) -> FunctionVersion:
        """The version of that number, or $LATEST, as its owner sees it. Raises FunctionNotFound."""
        if qualifier is None or qualifier == LATEST:
            return self.latest
        written = qualifier.isdecimal() and qualifier[0] != "0"  # 01 is not another name of 1: parts hang on the text
        found = self.published.get(int(qualifier)) if written else None
        if found is None:
            raise FunctionNotFound(arn=self.arn.qualified(qualifier))
        return found

    def described(self, qualifier: str | None) -> FunctionVersion:
        """The version that a qualifier names, itself or by an alias, as its owner sees it. Raises FunctionNotFound."""
        alias = self.part(Alias, qualifier) if qualifier is not None else None
        return self.version(qualifier if alias is None else alias.function_version)

    def routed(self, qualifier: str | None, ids: Ids) -> FunctionVersion:
        """The version that one invocation of the qualifier runs, whatever its state. Raises FunctionNotFound."""
        if qualifier is None:
            return self.serving or self.latest
        alias = self.attached.get((Alias, qualifier))
        number = qualifier if alias is None else cast("Alias", alias).drawn(ids)
        return self.serving or self.latest if number == LATEST else self.version(number)

    def part(self, kind: type[P], qualifier: str = LATEST) -> P | None:
        """The part of that kind that hangs on the qualifier; $LATEST means the function itself."""
        return cast("P | None", self.attached.get((kind, qualifier)))

    def parts(self, kind: type[P]) -> dict[str, P]:
        """Every part of that kind by its qualifier, in order."""
        found = {qualifier: cast("P", part) for (each, qualifier), part in self.attached.items() if each is kind}
        return {qualifier: found[qualifier] for qualifier in sorted(found, key=place_of)}

    def with_part(self, part: Part, qualifier: str = LATEST) -> Function:
        """The function with this part instead of the one it has of that kind and qualifier, if it has one."""
        return msgspec.structs.replace(self, attached={**self.attached, (type(part), qualifier): part})

    def without_part(self, kind: type[Part], qualifier: str = LATEST) -> Function:
        """The function without that part, if it has it."""
        return self._keeping(lambda key: key != (kind, qualifier))

    def _keeping(self, keep: Callable[[tuple[type[Part], str]], bool]) -> Function:
        kept = {key: part for key, part in self.attached.items() if keep(key)}
        return msgspec.structs.replace(self, attached=kept or NOTHING_ATTACHED)

    def invoked(self) -> Iterator[FunctionVersion]:
        """Every version as a caller of Invoke meets it."""
        yield self.serving or self.latest
        yield from self.published.values()

    def kept(self) -> Iterator[FunctionVersion]:
        """Every version, also the one that serves while $LATEST is being prepared."""
        yield from self
        if self.serving is not None:
            yield self.serving

    def digests(self) -> Iterator[str]:
        """What every version needs of the code store, as often as it is used."""
        for version in self.kept():
            yield from version.digests()

    def guard(self, revision_id: str | None) -> None:
        """Raises RevisionMismatch when the caller saw another revision than the latest."""
        if revision_id is not None and revision_id != self.latest.revision_id:
            raise RevisionMismatch(reader=RevisionMismatch.READER)

    def changed(self, *, revision_id: str, now: float, **changes: Any) -> Function:
        """New code or configuration for $LATEST; it has to be prepared. Raises FunctionPending, UpdateInProgress."""
        refuse_change(self.latest.phase, self.arn)
        serving = self.serving or (self.latest if self.latest.invocable else None)
        latest = self.latest.happened(
            Event.CHANGED, revision_id, None, configuration_id=revision_id, modified_at=now, **changes
        )
        return msgspec.structs.replace(self, latest=latest, serving=serving)

    def publish(
        self,
        *,
        revision_id: str,
        latest_revision_id: str,
        code_sha256: str | None = None,
        description: str | None = None,
    ) -> Function:
        """Freeze $LATEST as `last_published`, which stays the one it is when nothing has changed since.

        Both are new revisions then. Raises CodeSha256Mismatch. While $LATEST is being prepared, so is the version made of it.
        """
        if code_sha256 and code_sha256 != self.latest.code.sha256:
            raise CodeSha256Mismatch(given=code_sha256, current=self.latest.code.sha256)
        source = self.latest.fingerprint()
        last = self.last_published if self.published else None
        if last is not None and last.source == source:
            return self
        number = self.last_number + 1
        version = msgspec.structs.replace(
            self.latest,
            arn=self.arn.qualified(str(number)),
            revision_id=revision_id,
            configuration_id="",  # it never has another
            phase=Phase.ACTIVE if self.latest.phase is Phase.ACTIVE else Phase.CREATING,
            reason=None,
            source=source,
            description=self.latest.description if description is None else description,
        )
        latest = msgspec.structs.replace(self.latest, revision_id=latest_revision_id)
        published = self.published | {number: version}
        return msgspec.structs.replace(self, latest=latest, published=published, last_number=number)

    def serve_latest(self, seen: FunctionVersion) -> Function:
        """$LATEST as `seen` is prepared: it is invoked from now on, though its state does not say so yet."""
        return msgspec.structs.replace(self, serving=None) if self.latest.is_still(seen) else self

    def settled(self, seen: FunctionVersion, refusal: Refusal | None, revision_id: str) -> Function:
        """The version `seen` was prepared or refused; nothing happens if it is not that any more."""
        event = Event.PREPARED if refusal is None else Event.REFUSED
        if seen.version == LATEST:
            if not self.latest.is_still(seen):
                return self
            latest = self.latest.happened(event, revision_id, refusal)
            serving = self.serving if latest.phase is Phase.UPDATE_FAILED else None
            return msgspec.structs.replace(self, latest=latest, serving=serving)
        number = int(seen.version)
        current = self.published.get(number)
        if current is None or not current.is_still(seen):
            return self
        return msgspec.structs.replace(
            self, published=self.published | {number: current.happened(event, revision_id, refusal)}
        )

    def without(self, version: FunctionVersion) -> Function:
        """The function once a published version is deleted, with what hangs on it. Raises VersionReferenced."""
        if aliases := [name for name, alias in self.parts(Alias).items() if version.version in alias.versions]:
            raise VersionReferenced(aliases=", ".join(aliases))
        rest = {number: kept for number, kept in self.published.items() if kept is not version}
        return msgspec.structs.replace(self.without_qualifier(version.version), published=rest)

    def without_qualifier(self, qualifier: str) -> Function:
        """The function without every part that hangs on a version or an alias; the alias itself is one."""
        return self._keeping(lambda key: key[1] != qualifier)

    def aliased(self, name: str, alias: Alias) -> Function:
        """The function with this alias, new or not.

        Raises TooManyWeights, LatestNotRouted, VersionRoutedTwice, FunctionNotFound (a version), VersionsDiffer.
        """
        alias.check()
        first, *others = [self.version(number) for number in alias.versions]
        if any(other.role != first.role for other in others):
            raise VersionsDiffer(what="execution role")
        return self.with_part(alias, name)

    def tagged(self, tags: dict[str, str], revision_id: str) -> Function:
        """The function with exactly these tags, which is a new revision of $LATEST, also when they are what they were."""
        latest = msgspec.structs.replace(self.latest, revision_id=revision_id)
        return msgspec.structs.replace(self, latest=latest, tags=tags)


def created(
    arn: FunctionArn,
    configuration: Configuration,
    *,
    tags: dict[str, str],
    last_number: int,
    revision_id: str,
    now: float,
) -> Function:
    """A function that did not exist before; its versions count on from its predecessors' `last_number`."""
    latest = FunctionVersion(
        **{name: getattr(configuration, name) for name in Configuration.__struct_fields__},
        arn=arn.qualified(LATEST),
        revision_id=revision_id,
        configuration_id=revision_id,
        modified_at=now,
    )
    return Function(arn=arn, latest=latest, tags=tags, last_number=last_number)


def reason_shown(version: FunctionVersion) -> tuple[str | None, str | None]:
    """The sentence and the code beside State (or LastUpdateStatus): (None, None) when all is well."""
    if version.reason is not None:
        return version.reason.message, version.reason.reason.value
    if version.settling:
        return BEING_CREATED, Reason.CREATING.value
    return None, None
