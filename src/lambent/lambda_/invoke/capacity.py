"""What `lambent status` shows of the room for environments, and of logs that found none: totals, which name no function.

Nobody signs for it, so that a monitor can read it: what it tells of others is how busy they are together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from lambent.lambda_.invoke.room import MIB, Room
from lambent.wire.messages import Request, Response

FOLDER: Final = "capacity"  # below Lambent's own paths


class Capacity(msgspec.Struct, frozen=True):
    environments: int  # at work, idle, and on their way in or out
    environments_max: int  # by the limits of open files and of concurrency
    memory_used_mib: int
    memory_budget_mib: int
    memory_by_groups: bool  # else what the machine has less available than at the start
    log_events_lost: int  # since the start


class CapacityPage:
    def __init__(self, room: Room, concurrent_executions: int, log_events_lost: Callable[[], int]) -> None:
        self._room: Final = room
        self._concurrent_executions: Final = concurrent_executions
        self._log_events_lost: Final = log_events_lost

    async def answer(self, request: Request, request_id: str) -> Response:
        del request
        room = self._room
        content = Capacity(
            environments=room.taken,
            environments_max=min(room.environments, self._concurrent_executions),
            memory_used_mib=room.memory.used_bytes() // MIB,
            memory_budget_mib=room.memory.budget_bytes // MIB,
            memory_by_groups=room.memory.by_groups,
            log_events_lost=self._log_events_lost(),
        )
        headers = [("Content-Type", "application/json"), ("x-amzn-RequestId", request_id)]
        return Response(200, headers, msgspec.json.encode(content))
