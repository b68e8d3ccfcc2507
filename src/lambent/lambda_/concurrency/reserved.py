"""Reserved concurrency: executions that only one function may use, and that it may not exceed; 0 stops it.

Sources: reference/lambda.md 5, 14; Lambda developer guide, "Configuring reserved concurrency for a function".
"""

from __future__ import annotations

from lambent.core.errors import AwsError
from lambent.lambda_.concurrency.claims import Available, ReservedConcurrency, provisioned
from lambent.lambda_.functions import Function


class ReservationTooLarge(AwsError, code="InvalidParameterValueException", extra={"Type": None}):
    """Recorded, without Type."""

    message = (
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below "
        "its minimum value of [{minimum}]."
    )


class ReservationTooSmall(AwsError, code="InvalidParameterValueException", extra={"Type": None}):
    """The rule is the developer guide's; nobody recorded the sentence, which is as an emulator has it, spaces and all."""

    message = (
        " ReservedConcurrentExecutions  {reserved} should not be lower than function's total provisioned concurrency "
        "[{provisioned}]."
    )


def reserving(function: Function, executions: int, available: Available) -> Function:
    """The function with so much reserved for it. Raises ReservationTooLarge, ReservationTooSmall."""
    if available.leaves_too_little(executions):
        raise ReservationTooLarge(minimum=available.minimum)
    kept = provisioned(function)
    if executions < kept:
        raise ReservationTooSmall(reserved=executions, provisioned=kept)
    return function.with_part(ReservedConcurrency(executions=executions))
