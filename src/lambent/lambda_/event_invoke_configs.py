"""What becomes of asynchronous invocations: how often they are tried, how old they may grow, who hears of the end.

A configuration hangs on a version, on an alias, or on the function itself ($LATEST). The queue that obeys it is not there
yet; what a configuration may say is checked here all the same, as AWS checks it. Sources: reference/lambda.md 3 and 14
("Event invoke config"); Lambda developer guide, "Retaining records of Lambda asynchronous invocations".
"""

from __future__ import annotations

from typing import ClassVar, Final

from lambent.core.arn import Arn
from lambent.core.errors import AwsError
from lambent.lambda_.names import FunctionReference
from lambent.lambda_.parts import Part

DESTINATIONS: Final = frozenset({"lambda", "sqs", "sns", "events"})
FAILURE_DESTINATIONS: Final = DESTINATIONS | {"s3"}


class FunctionMissing(AwsError, code="ResourceNotFoundException"):
    """Recorded, for these operations alone."""

    message = "The function doesn't exist."


class NotConfigured(AwsError, code="ResourceNotFoundException"):
    """Recorded; so it is said also of functions, versions and aliases that do not exist."""

    message = "The function {arn} doesn't have an EventInvokeConfig"


class NothingConfigured(AwsError, code="InvalidParameterValueException"):
    """Recorded."""

    message = "You must specify at least one of error handling or destination setting."


class DestinationConfigInvalid(AwsError, code="InvalidParameterValueException"):
    """Recorded: a destination of a kind that takes no records."""

    message = (
        "The provided destination config DestinationConfig(onSuccess={on_success}, onFailure={on_failure}) is invalid."
    )


class DestinationMissing(AwsError, code="InvalidParameterValueException"):
    """Recorded: a function that does not exist."""

    message = "The destination ARN {arn} is invalid."


class DestinationIsItself(AwsError, code="InvalidParameterValueException"):
    """As users report it."""

    message = "You can't specify the function as a destination for itself."


class EventInvokeConfig(Part, frozen=True, kw_only=True, omit_defaults=True):
    """What is asked for; None: AWS's default (two retries, six hours, nobody)."""

    KIND: ClassVar[str] = "event-invoke-config"

    modified_at: float  # Unix epoch seconds
    maximum_retry_attempts: int | None = None
    maximum_event_age_s: int | None = None
    on_success: str | None = None  # ARN
    on_failure: str | None = None  # ARN


def check_destinations(on_success: str | None, on_failure: str | None) -> None:
    """Refuse kinds of destinations that take no records. Raises DestinationConfigInvalid."""
    for arn, kinds in ((on_success, DESTINATIONS), (on_failure, FAILURE_DESTINATIONS)):
        if arn and not _takes_records(arn, kinds):
            raise DestinationConfigInvalid(
                on_success=f"OnSuccess(destination={on_success})" if on_success else "null",
                on_failure=f"OnFailure(destination={on_failure})" if on_failure else "null",
            )


def function_of(arn: str) -> FunctionReference | None:
    """The function that a destination is, if it is one."""
    return FunctionReference.of(arn) if Arn.parse(arn).service == "lambda" else None


def _takes_records(arn: str, kinds: frozenset[str]) -> bool:
    if not arn.startswith("arn:"):
        return False  # kafka://, which only event source mappings know
    destination = Arn.parse(arn)
    if destination.service == "lambda":
        return destination.resource_type == "function"
    return destination.service in kinds and not arn.endswith(".fifo")
