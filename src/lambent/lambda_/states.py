"""The life of a function version, as a table: what AWS shows in State and LastUpdateStatus.

    CREATING ── PREPARED ──▶ ACTIVE ── CHANGED ──▶ UPDATING ── REFUSED ──▶ UPDATE_FAILED
      │  ▲                     ▲                    │   ▲                     │
      │  └─ CHANGED ─┐         └───── PREPARED ─────┘   └────── CHANGED ──────┘
      └── REFUSED ─▶ FAILED

A version is prepared in the background: its package unpacked, its interpreter found, its runtime warmed. What the
table has no row for cannot happen: a change while CREATING or UPDATING is the caller's fault and answers 409
(`refuse_change`), all else is a bug of ours. During UPDATING and after UPDATE_FAILED invocations go to what was
there before the change. Source: Lambda developer guide, "Lambda function states"; reference/lambda.md 6 and 2.1.
"""

from __future__ import annotations

import enum
from typing import Final

from lambent.lambda_.errors import FunctionPending, UpdateInProgress
from lambent.lambda_.names import FunctionArn


class Phase(enum.Enum):
    CREATING = "creating"
    ACTIVE = "active"
    UPDATING = "updating"
    UPDATE_FAILED = "update failed"
    FAILED = "failed"


class Event(enum.Enum):
    PREPARED = "prepared"  # the version can run
    REFUSED = "refused"  # it cannot, for a reason that the caller can read
    CHANGED = "changed"  # its code or its configuration was replaced


class IllegalTransition(AssertionError):
    """An event came in a phase in which it cannot happen: a bug of ours."""


NEXT: Final = {
    (Phase.CREATING, Event.PREPARED): Phase.ACTIVE,
    (Phase.CREATING, Event.REFUSED): Phase.FAILED,
    (Phase.ACTIVE, Event.CHANGED): Phase.UPDATING,
    (Phase.UPDATING, Event.PREPARED): Phase.ACTIVE,
    (Phase.UPDATING, Event.REFUSED): Phase.UPDATE_FAILED,
    (Phase.UPDATE_FAILED, Event.CHANGED): Phase.UPDATING,
    (Phase.FAILED, Event.CHANGED): Phase.CREATING,
}

SETTLING: Final = frozenset({Phase.CREATING, Phase.UPDATING})  # a background job is at work, or has to be
INVOCABLE: Final = frozenset({Phase.ACTIVE, Phase.UPDATING, Phase.UPDATE_FAILED})

STATE: Final = {
    Phase.CREATING: "Pending",
    Phase.ACTIVE: "Active",
    Phase.UPDATING: "Active",
    Phase.UPDATE_FAILED: "Active",
    Phase.FAILED: "Failed",
}
LAST_UPDATE_STATUS: Final = {  # absent while there was no update
    Phase.ACTIVE: "Successful",
    Phase.UPDATING: "InProgress",
    Phase.UPDATE_FAILED: "Failed",
}


class Reason(enum.Enum):
    """Why a version is in its phase: AWS's StateReasonCode (or LastUpdateStatusReasonCode)."""

    CREATING = "Creating"
    INVALID_RUNTIME = "InvalidRuntime"
    INVALID_CONFIGURATION = "InvalidConfiguration"
    INVALID_IMAGE = "InvalidImage"
    INVALID_ZIP_FILE = "InvalidZipFileException"
    INTERNAL_ERROR = "InternalError"


BEING_CREATED: Final = "The function is being created."  # recorded, of updates too


def after(phase: Phase, event: Event) -> Phase:
    try:
        return NEXT[phase, event]
    except KeyError:
        raise IllegalTransition(f"{event.name} in {phase.name}") from None


def refuse_change(phase: Phase, arn: FunctionArn) -> None:
    """Raise FunctionPending or UpdateInProgress when nothing may change now."""
    if phase is Phase.CREATING:
        raise FunctionPending(arn=arn)
    if phase is Phase.UPDATING:
        raise UpdateInProgress(arn=arn)
