"""Aliases: names for versions, with a weight that sends a share of the invocations to another one.

An alias points at a version, and may name one more with the share (0.0 to 1.0) of the invocations that go there; which of
the two an invocation runs is drawn for each. Its name becomes a qualifier, so policies, URLs and other parts of a function
can hang on it. Sources: reference/lambda.md 6, 14; Lambda developer guide, "Implement Lambda canary deployments using a
weighted alias".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from lambent.core.errors import AwsError
from lambent.core.ids import Ids
from lambent.lambda_.errors import RevisionMismatch
from lambent.lambda_.limits import ALIAS_WEIGHTS_MAX
from lambent.lambda_.names import LATEST
from lambent.lambda_.parts import Part

DRAW_BITS: Final = 53  # those of a float between 0 and 1


class AliasNotFound(AwsError, code="ResourceNotFoundException"):
    """Recorded."""

    message = "Cannot find alias arn: {arn}"


class NoAliasToUpdate(AwsError, code="ResourceNotFoundException"):
    """Recorded, of UpdateAlias alone."""

    message = "Alias not found: {arn}"


class AliasAlreadyExists(AwsError, code="ResourceConflictException"):
    """Recorded."""

    message = "Alias already exists: {arn}"


class VersionRoutedTwice(AwsError, code="InvalidParameterValueException"):
    """Recorded."""

    message = (
        "Invalid function version {version}. Function version {version} is already included in routing configuration."
    )


class LatestNotRouted(AwsError, code="InvalidParameterValueException", extra={"Type": None}):
    """Recorded, without Type."""

    message = "$LATEST is not supported for an alias pointing to more than 1 version"


class TooManyWeights(AwsError, code="InvalidParameterValueException"):
    """As users report it."""

    message = "Number of items in AdditionalVersionWeights cannot be greater than {maximum}"


class VersionsDiffer(AwsError, code="InvalidParameterValueException"):
    """The rule is of the developer guide; the sentence is ours."""

    message = "The versions of a weighted alias must have the same {what}."


class Alias(Part, frozen=True, kw_only=True, omit_defaults=True):
    """A name for a version; the part's qualifier is the name."""

    KIND: ClassVar[str] = "alias"

    function_version: str
    revision_id: str
    description: str = ""
    weights: Mapping[str, float] | None = None  # share by version; of the rest, function_version

    def guard(self, revision_id: str | None) -> None:
        """Raises RevisionMismatch when the caller saw another revision than the present one."""
        if revision_id is not None and revision_id != self.revision_id:
            raise RevisionMismatch(reader=RevisionMismatch.READER)

    def check(self) -> None:
        """Raises TooManyWeights, LatestNotRouted, VersionRoutedTwice."""
        if not self.weights:
            return
        if len(self.weights) > ALIAS_WEIGHTS_MAX:
            raise TooManyWeights(maximum=ALIAS_WEIGHTS_MAX)
        if self.function_version == LATEST:
            raise LatestNotRouted
        if self.function_version in self.weights:
            raise VersionRoutedTwice(version=self.function_version)

    @property
    def versions(self) -> tuple[str, ...]:
        """Every version that an invocation may run."""
        return (self.function_version, *(self.weights or ()))

    def drawn(self, ids: Ids) -> str:
        """The version that one invocation runs."""
        if self.weights:
            share = (int.from_bytes(ids.random_bytes(8)) >> (64 - DRAW_BITS)) / (1 << DRAW_BITS)
            for version, weight in self.weights.items():
                if share < weight:
                    return version
                share -= weight
        return self.function_version
