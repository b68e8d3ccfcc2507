"""The life of an event source mapping, as a table: what AWS shows in State.

    CREATING ── STARTED ──▶ ENABLED ── CHANGED ──▶ UPDATING ─┬─ STARTED ──▶ ENABLED
       │                     │   ▲                    ▲       └─ STOPPED ──▶ DISABLED
       │          TURNED_OFF │   │ STARTED            │
       │                     ▼   │                    │ CHANGED
       │              DISABLING  ENABLING             │
       │                     │   ▲                    │
       │             STOPPED │   │ TURNED_ON          │
       │                     ▼   │                    │
       └───── STOPPED ────▶ DISABLED ─────────────────┘         ENABLED, DISABLED ── DELETED ──▶ DELETING

The settled states are left by a caller, the others by a job, and from DELETING the row goes away. A change or a deletion
while a job is at work answers ResourceInUseException. Sources: reference/lambda.md 4.1; the model's documentation of State.
"""

from __future__ import annotations

import enum
from typing import Final


class State(enum.Enum):
    CREATING = "Creating"
    ENABLING = "Enabling"
    ENABLED = "Enabled"
    DISABLING = "Disabling"
    DISABLED = "Disabled"
    UPDATING = "Updating"
    DELETING = "Deleting"


class Event(enum.Enum):
    STARTED = "started"  # the source is polled as the mapping says
    STOPPED = "stopped"  # the source is not polled
    TURNED_ON = "turned on"
    TURNED_OFF = "turned off"
    CHANGED = "changed"  # in anything but whether it is on
    DELETED = "deleted"


NEXT: Final = {
    (State.CREATING, Event.STARTED): State.ENABLED,
    (State.CREATING, Event.STOPPED): State.DISABLED,
    (State.ENABLING, Event.STARTED): State.ENABLED,
    (State.DISABLING, Event.STOPPED): State.DISABLED,
    (State.UPDATING, Event.STARTED): State.ENABLED,
    (State.UPDATING, Event.STOPPED): State.DISABLED,
    (State.ENABLED, Event.CHANGED): State.UPDATING,
    (State.ENABLED, Event.TURNED_OFF): State.DISABLING,
    (State.ENABLED, Event.DELETED): State.DELETING,
    (State.DISABLED, Event.CHANGED): State.UPDATING,
    (State.DISABLED, Event.TURNED_ON): State.ENABLING,
    (State.DISABLED, Event.DELETED): State.DELETING,
}

SETTLED: Final = frozenset({State.ENABLED, State.DISABLED})  # in the others a job is at work, or has to be


class IllegalTransition(AssertionError):
    """An event came in a state in which it cannot happen: a bug of ours."""


def after(state: State, event: Event) -> State:
    try:
        return NEXT[state, event]
    except KeyError:
        raise IllegalTransition(f"{event.name} in {state.name}") from None
