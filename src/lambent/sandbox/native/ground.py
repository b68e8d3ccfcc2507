"""What a sandbox stands on, and the next guest in it: its user, its control groups, its /tmp. All else is made anew for each.

One sandbox has it at a time. It is handed on when the guest of a vacated sandbox is started again, so that what is in /tmp
belongs to the same user and is charged to the same group; and cleared when nobody is to follow. /tmp is held as a detached
mount, which no path leads to and which needs no process: it outlives a sandbox whose every process the kernel has killed. It
is an image on disk (`tmps`) or memory.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Final

import structlog

from lambent.sandbox.native.cgroups import Group
from lambent.sandbox.native.images import Image

_RETRY_S: Final = 0.002
_RETRIES: Final = 200
_MIB: Final = 1 << 20

log: Final = structlog.get_logger("lambent.sandbox.native")


class Ground:
    """Made by the backend; `give_back` is told the user when it is cleared, `forget` the image before it is closed."""

    def __init__(
        self, uid: int, group: Group | None, give_back: Callable[[int], None], forget: Callable[[Image], None]
    ) -> None:
        self.uid: Final = uid
        self.group: Final = group
        self.tmp = -1  # until there is an image, or a first process has made it
        self.image: Image | None = None
        self._cleared = False
        self._give_back: Final = give_back
        self._forget: Final = forget

    def stand_on(self, image: Image) -> None:
        """Have /tmp on this image from now on. What the present sandbox has mounted there is covered by it."""
        self.image = image
        if self.tmp < 0:
            self.tmp = image.mount

    def hold_tmp(self, tmp: int) -> None:
        """Take over the descriptor of /tmp as the present sandbox has mounted it; an earlier one is of no use then."""
        if self._cleared:
            os.close(tmp)
            return
        used_up = {self.tmp} if self.image is None else {self.tmp, self.image.mount}
        for descriptor in used_up - {-1, tmp}:
            os.close(descriptor)
        self.tmp = tmp
        if self.image is not None:
            self.image.mount = tmp

    def tmp_used_mib(self) -> int:
        """Tell how much memory is in /tmp."""
        if self.tmp < 0 or self.image is not None:
            return 0
        found = os.fstatvfs(self.tmp)
        return -(-(found.f_blocks - found.f_bfree) * found.f_frsize // _MIB)

    def clear(self, done: Callable[[], None]) -> None:
        """Leave nothing, once no process stands on it; `done` is called then, at the latest when it is given up.

        /tmp is closed in a thread, because with the last hold on it the kernel frees all of it: 57 ms for 200 MB of memory.
        """
        self._cleared = True
        if self.tmp < 0:
            self._clear_group(done, 0)
            return
        if self.image is not None:
            self._forget(self.image)
        tmp, self.tmp = self.tmp, -1
        closed = asyncio.get_running_loop().run_in_executor(None, _close, tmp, self.image)
        closed.add_done_callback(lambda _: self._clear_group(done, 0))

    def _clear_group(self, done: Callable[[], None], tries: int) -> None:
        if self.group is not None and not self.group.remove():
            if tries < _RETRIES:
                _ = asyncio.get_running_loop().call_later(_RETRY_S, self._clear_group, done, tries + 1)
                return
            log.warning("a control group is left until the end", uid=self.uid)
        self._give_back(self.uid)
        done()


def _close(tmp: int, image: Image | None) -> None:
    if image is not None:
        image.close()
    if image is None or image.mount != tmp:
        os.close(tmp)
