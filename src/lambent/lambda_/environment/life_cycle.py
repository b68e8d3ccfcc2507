"""The life of an execution environment, as a table.

        ┌──────── RESET ◀──────── BROKEN ◀─────┬──────────────┬───────────────────┐
        ▼                                      │ FAILED       │ FAILED            │ FAILED
      INIT ───── READY ─────▶ IDLE ── INVOKE ──┴▶ BUSY ── RESPONSE ──▶ FINISHING ─┤
                               ▲                                                  │ READY
                               └──────────────────────────────────────────────────┘
      STOP leads from every state to DEAD.

INIT is the runtime's start until its first `next` (at most 10 s). In BROKEN the runtime has gone: it exited, ran out of
time, or reported an init error. The environment itself stays, and its next invocation starts the runtime again, in the
invocation's own time ("suppressed init"; reference/lambda.md 2.10). FINISHING has answered its caller but has not asked
for the next event, and gets none until it does. Source of the phases: Lambda developer guide, "Understanding the Lambda
execution environment lifecycle".
"""

from __future__ import annotations

import enum
from typing import Final


class State(enum.Enum):
    __hash__ = object.__hash__  # the table is asked three times an invocation; Enum's own is written in Python
    INIT = "init"
    BROKEN = "broken"
    IDLE = "idle"
    BUSY = "busy"
    FINISHING = "finishing"
    DEAD = "dead"


class Event(enum.Enum):
    __hash__ = object.__hash__
    READY = "ready"  # the runtime asked for the next event
    INVOKE = "invoke"  # it was given one
    RESPONSE = "response"  # it answered, with a result or an error
    FAILED = "failed"  # it exited, timed out, or reported an init error
    RESET = "reset"  # a new runtime is started in it
    STOP = "stop"  # the environment is wanted no longer


class IllegalTransition(AssertionError):
    """An event came in a state in which it cannot happen: a bug of ours, never a guest's doing."""


NEXT: Final = {
    (State.INIT, Event.READY): State.IDLE,
    (State.INIT, Event.FAILED): State.BROKEN,
    (State.BROKEN, Event.RESET): State.INIT,
    (State.IDLE, Event.INVOKE): State.BUSY,
    (State.IDLE, Event.FAILED): State.BROKEN,
    (State.BUSY, Event.RESPONSE): State.FINISHING,
    (State.BUSY, Event.FAILED): State.BROKEN,
    (State.FINISHING, Event.READY): State.IDLE,
    (State.FINISHING, Event.FAILED): State.BROKEN,
} | {(state, Event.STOP): State.DEAD for state in State}


def after(state: State, event: Event) -> State:
    try:
        return NEXT[state, event]
    except KeyError:
        raise IllegalTransition(f"{event.name} in {state.name}") from None
