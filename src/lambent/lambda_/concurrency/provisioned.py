"""Provisioned concurrency: environments that are initialised before anybody asks, for a version or an alias.

A version has at most one configuration, its own or that of one alias that sends invocations to it. An alias that sends
them to two versions has its environments in both, by its weights. How far the environments are (`Standing`) is known to
the data plane alone; the configuration is a row and outlives a crash, after which they are made again. Sources:
reference/lambda.md 5, 14; Lambda developer guide, "Configuring provisioned concurrency for a function".
"""

from __future__ import annotations

import enum
from typing import Protocol

import msgspec

from lambent.core.errors import AwsError
from lambent.lambda_.aliases import Alias, AliasNotFound
from lambent.lambda_.concurrency.claims import Available, ProvisionedConcurrency, provisioned, reserved
from lambent.lambda_.errors import FunctionNotFound
from lambent.lambda_.functions import Function
from lambent.lambda_.names import LATEST, FunctionArn


class NotPublished(AwsError, code="InvalidParameterValueException"):
    """Recorded."""

    message = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."


class NeitherAliasNorVersion(AwsError, code="InvalidParameterValueException"):
    """Of the operations that read and delete; as an emulator checked against AWS has it."""

    message = "The function resource provided must be an alias or a published version."


class NoProvisionedConcurrency(AwsError, code="ProvisionedConcurrencyConfigNotFoundException"):
    """Recorded."""

    message = "No Provisioned Concurrency Config found for this function"


class AliasIsWeighted(AwsError, code="InvalidParameterValueException"):
    """As users report it (hashicorp/terraform#24957, terraform-provider-aws#48116)."""

    message = "Alias with weights can not be used with Provisioned Concurrency"


class AboveReserved(AwsError, code="InvalidParameterValueException"):
    """Recorded."""

    message = (
        "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"
    )


class AboveUnreserved(AwsError, code="InvalidParameterValueException", extra={"Type": None}):
    """Recorded, without Type."""

    message = (
        "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [{unreserved}]."
    )


class UnreservedBelowMinimum(AwsError, code="InvalidParameterValueException", extra={"Type": None}):
    """As users report it (anomalyco/sst#5829); without Type like its like."""

    message = (
        "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below "
        "its minimum value of [{minimum}]."
    )


class VersionAlreadyProvisioned(AwsError, code="ResourceConflictException"):
    """Recorded."""

    message = "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"


class VersionOfProvisionedAlias(AwsError, code="ResourceConflictException"):
    """Recorded."""

    message = "Version is pointed by a Provisioned Concurrency alias"


class TenantsAreIsolated(AwsError, code="InvalidParameterValueException"):
    """The developer guide has the rule ("Tenant isolation", Considerations); the sentence is ours."""

    message = "Provisioned Concurrency is not supported for functions with tenant isolation."


class Status(enum.Enum):
    """How far a configuration is; AWS's words."""

    IN_PROGRESS = "IN_PROGRESS"
    READY = "READY"
    FAILED = "FAILED"


class Standing(msgspec.Struct, frozen=True):
    """What a configuration has come to."""

    status: Status = Status.IN_PROGRESS
    allocated: int = 0  # environments past INIT that are kept for it
    available: int = 0  # those of them that run no invocation
    reason: str | None = None  # why it failed


class Provisions(Protocol):
    """What the data plane tells of configurations."""

    def standing(self, arn: FunctionArn) -> Standing:
        """How far the configuration of that qualified ARN is."""
        ...


def provisioning(function: Function, qualifier: str, executions: int, available: Available, *, now: float) -> Function:
    """The function with so many environments for a version or an alias.

    Raises NotPublished, FunctionNotFound, AliasNotFound, TenantsAreIsolated, AliasIsWeighted, AboveReserved, AboveUnreserved,
    UnreservedBelowMinimum, VersionAlreadyProvisioned, VersionOfProvisionedAlias.
    """
    if LATEST in versions_of(function, qualifier):
        raise NotPublished
    if function.latest.tenant_isolation is not None:
        raise TenantsAreIsolated
    alias = function.part(Alias, qualifier)
    if alias is not None and alias.weights:
        raise AliasIsWeighted
    others = provisioned(function, but=qualifier)
    most = reserved(function)
    if most is not None and others + executions > most:
        raise AboveReserved
    if most is None and others + executions > available.executions:
        raise AboveUnreserved(unreserved=available.executions - others)
    if most is None and available.leaves_too_little(others + executions):
        raise UnreservedBelowMinimum(minimum=available.minimum)
    part = ProvisionedConcurrency(executions=executions, modified_at=now)
    return exclusive(function.with_part(part, qualifier), qualifier)


def exclusive(function: Function, qualifier: str) -> Function:
    """The function, if no version that the qualifier means is provisioned by another qualifier too.

    Also for an alias that is moved. Raises NotPublished, VersionAlreadyProvisioned, VersionOfProvisionedAlias.
    """
    if function.part(ProvisionedConcurrency, qualifier) is None:
        return function
    mine = versions_of(function, qualifier)
    if LATEST in mine:
        raise NotPublished
    for other in function.parts(ProvisionedConcurrency):
        if other != qualifier and not set(mine).isdisjoint(versions_of(function, other)):
            raise VersionOfProvisionedAlias if qualifier.isdecimal() else VersionAlreadyProvisioned
    return function


def versions_of(function: Function, qualifier: str) -> tuple[str, ...]:
    """The versions that a qualifier means: itself, or those of the alias. Raises FunctionNotFound, AliasNotFound."""
    if qualifier.isdecimal() or qualifier == LATEST:
        return (function.version(qualifier).version,)
    alias = function.part(Alias, qualifier)
    if alias is None:
        raise AliasNotFound(arn=function.arn.qualified(qualifier))
    return alias.versions


def shares(function: Function, qualifier: str, executions: int) -> dict[str, int]:
    """How many of a configuration's environments each version gets: by the weights of the alias."""
    main, *others = versions_of(function, qualifier)
    alias = function.part(Alias, qualifier)
    weights = (alias.weights if alias is not None else None) or {}
    split = {version: round(executions * weights[version]) for version in others}
    return {main: executions - sum(split.values())} | split


def missing(arn: FunctionArn, qualifier: str) -> AwsError:
    """What a caller is told who names a function that is not there: of an alias, AWS looks for the alias (recorded)."""
    kind = FunctionNotFound if qualifier.isdecimal() or qualifier == LATEST else AliasNotFound
    return kind(arn=arn.qualified(qualifier))
