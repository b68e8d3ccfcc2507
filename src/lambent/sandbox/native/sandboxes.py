"""One sandbox as the server holds it: its link, its process, its ground; first waiting, then assigned, empty, gone.

    asked for ── made ── (assigned) ── ended ── empty ── gone      each a future, in this order; `ended` may come first
                                         │        │        └ its ground is cleared, or another sandbox's
                                         │        └ the kernel has finished with every process
                                         └ the guest's exit is known

What waits is gone as soon as it is empty. What is assigned stays, since another guest may be started on its ground, until
somebody wants it no longer.

What is the guest's own goes past the spawner: its assignment by a `Delivery`, its code's place on the host to the mounter.

Told by two descriptors: the link, on which the sandbox's first process says that it is made, or how the guest ended, and the
first process's pidfd, which becomes readable when the whole pid namespace is empty. No thread, no polling.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Mapping
from typing import Any, Final

from lambent.sandbox.contract import LISTENER_PORTS, Exit, Limits, SandboxError, Template, Usage
from lambent.sandbox.native import channel
from lambent.sandbox.native.cgroups import Group
from lambent.sandbox.native.delivery import Delivery
from lambent.sandbox.native.ground import Ground
from lambent.sandbox.native.requests import Answer
from lambent.sandbox.native.spawners import Spawner

_NOTHING: Final = Usage(memory_peak_mib=0, cpu_s=0.0)
_SHELL_KILLED: Final = 128 + signal.SIGKILL  # how a shell reports that its program was killed


class NativeSandbox:
    """Made by the backend; from then on `ground` is its own, until it is gone."""

    pid: int = 0

    def __init__(
        self, template: Template, spawner: Spawner, ground: Ground, on_gone: Callable[[NativeSandbox], None]
    ) -> None:
        """Raises OSError, where no descriptor is left."""
        self.template = template
        self._spawner: Final = spawner
        self.number: Final = spawner.next_id()
        self.ground: Final = ground
        self.booted = False
        self.assigned = False  # or is about to be
        self._on_gone: Final = on_gone
        spawner.forks += 1
        spawner.sandboxes += 1
        self._loop: Final = asyncio.get_running_loop()
        self._delivery: Final = Delivery()
        try:
            self._link, self._their_link = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._output, self._their_output = os.pipe2(os.O_CLOEXEC)
        except OSError:
            self._delivery.close()
            raise
        self._link.setblocking(False)
        os.set_blocking(self._output, False)
        self._loop.add_reader(self._link.fileno(), self._read)
        self._namespace = -1  # of its mounts, while it waits
        self._listeners: dict[int, socket.socket] = {}
        self._usage = _NOTHING
        self._pidfd = -1
        self._doomed = False
        self._unwanted = False
        self._left_ground = False
        self._frozen = False
        self.made: Final[asyncio.Future[None]] = self._loop.create_future()
        self._ended: Final[asyncio.Future[Exit]] = self._loop.create_future()
        self._empty: Final[asyncio.Future[None]] = self._loop.create_future()
        self._gone: Final[asyncio.Future[None]] = self._loop.create_future()

    # What the backend does with it

    def be_assigned(self) -> None:
        """It waits no longer, or never has."""
        self.assigned = True
        self._spawner.assigned += 1

    async def ask_for(self, request: dict[str, Any]) -> None:
        """Have the spawner fork its first process. Raises SandboxError, and is gone then."""
        groups: list[int] = []
        try:
            into, tasks = (None, list[int]()) if self._group is None else self._group.open_for_joining()
            groups += [*tasks, *([] if into is None else [into])]
            request |= {
                "waits": not self.assigned,
                "has_tmp": self.ground.tmp >= 0,
                "into_cgroup": into is not None,
                "orders": self.booted or self._group is None or not self._group.freezes,
            }
            tmp = [self.ground.tmp] if self.ground.tmp >= 0 else []
            own = [self._their_link.fileno(), self._their_output, self._delivery.theirs.fileno()]
            answer = await self._spawner.ask(request, [*own, *tmp, *groups])
        except OSError as error:
            self._refuse(str(error))
            raise SandboxError(f"no sandbox of {self.template.name} could be made: {error}") from error
        except BaseException as error:
            self._refuse(str(error))
            raise
        finally:
            self._their_link.close()  # they have copies: without ours, an end is an end
            self._delivery.theirs.close()
            for descriptor in (self._their_output, *groups):
                os.close(descriptor)
        answer.add_done_callback(self._started)

    async def provide(self, mounts: Mapping[int, str], tmp_mib: int, assignment: dict[str, Any]) -> None:
        """Have `mounts` (a source on the host for each number of a target) mounted, and give the guest its assignment.

        Waits only where its first process is sealed already. Raises SandboxError.
        """
        self._delivery.begin(assignment)
        sealed = self._namespace >= 0
        end = self._delivery.hand_over() if sealed else []
        request = {
            "id": self._spawner.next_id(),
            "sealed": sealed,
            "ends_line": bool(end),
            "tmp_mib": tmp_mib,
            "targets": [*mounts],
            "sources": [*mounts.values()],
        }
        if sealed:
            image = [] if self.ground.image is None else [self.ground.image.mount]
            namespace, self._namespace = self._namespace, -1
            try:
                answer, tmp = await self._spawner.mounter.call(request, [namespace, *end, *image])
            finally:
                for descriptor in (namespace, *end):
                    os.close(descriptor)
            if "failed" in answer:
                raise SandboxError(f"the sandbox cannot be assigned: {answer['failed']}")
            for descriptor in tmp:
                self.ground.hold_tmp(descriptor)
        elif mounts:
            coming = await self._spawner.mounter.ask(request, [self._link.fileno()])
            coming.add_done_callback(self._mounted)
        if not end:
            self._delivery.finish()

    def doom(self) -> None:
        """Kill it without waiting for its end."""
        self._doomed = True
        if self._pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            if self._group is not None:
                with contextlib.suppress(OSError):  # no descriptor left: it is only longer in dying
                    self._group.release()
                self._group.thaw()  # version 1: what is frozen does not die

    def discard(self) -> None:
        """Kill it without waiting for its end, and leave nothing."""
        self._unwanted = True
        self.doom()
        if self._empty.done():
            self._vanish()

    def hand_over(self) -> Ground:
        """Be gone, and leave the ground to another sandbox. Raises SandboxError if it is not vacant."""
        if not self.vacant:
            raise SandboxError(f"the sandbox of {self.template.name} has nothing to leave")
        self._left_ground = True
        self._over()
        return self.ground

    def limit(self, limits: Limits, resources: Mapping[str, int]) -> None:
        """Set the limits of its assignment; `resources` are those of each process, which a guest sets itself if it can."""
        if self._group is not None:
            self._group.limit(limits)
        if self.booted:
            self._order({"limits": resources})

    @property
    def gone(self) -> asyncio.Future[None]:
        return self._gone

    def abandon(self) -> None:
        """Close what only an assigned sandbox gives to its caller."""
        for listener in self._listeners.values():
            listener.close()
        if self._output >= 0:
            os.close(self._output)
            self._output = -1

    # The contract

    @property
    def alive(self) -> bool:
        return self.made.done() and not self._ended.done() and not self._doomed

    @property
    def stale(self) -> bool:
        return self._spawner.old

    @property
    def listeners(self) -> dict[int, socket.socket]:
        return self._listeners

    @property
    def output(self) -> int:
        return self._output

    def freeze(self) -> None:
        if self._group is not None and self._group.freezes:
            self._group.freeze()
        elif not self._frozen:
            self._frozen = True
            self._order({"stopped": True})

    def thaw(self) -> None:
        if self._group is not None and self._group.freezes:
            self._group.thaw()
        elif self._frozen:
            self._frozen = False
            self._order({"stopped": False})

    def set_cpus(self, cpus: float) -> None:
        if self._group is not None:
            self._group.set_cpus(cpus)

    def weigh(self, weight: float) -> None:
        if self._group is not None:
            self._group.weigh(weight)

    async def exited(self) -> Exit:
        return await asyncio.shield(self._ended)

    @property
    def vacant(self) -> bool:
        return self._empty.done() and not self._left_ground

    async def vacate(self) -> None:
        self.doom()
        await asyncio.shield(self._empty)

    async def kill(self) -> None:
        self.discard()
        await asyncio.shield(self._gone)
        if not self.assigned:
            self.abandon()

    def memory_peak_mib(self) -> int:
        return self._usage.memory_peak_mib if self._group is None else self._group.memory_peak_mib()

    def usage(self) -> Usage:
        return self._usage if self._group is None else self._group.usage()

    # What happens to it

    @property
    def _group(self) -> Group | None:
        """Its groups, as long as it has processes; afterwards they may be another's."""
        return None if self._empty.done() else self.ground.group

    def _started(self, answer: asyncio.Future[Answer]) -> None:
        """Take the spawner's answer: a process, or none."""
        if answer.cancelled() or answer.exception() is not None:
            self._spawner.forget(self.number)  # there may be a process of which we have no descriptor
            self._refuse(str(None if answer.cancelled() else answer.exception()))
            return
        message, descriptors = answer.result()
        if "failed" in message:
            self._refuse(message["failed"])
            return
        self.pid, self._pidfd = message["pid"], descriptors[0]
        self._loop.add_reader(self._pidfd, self._died)
        if self._doomed:
            self.doom()

    def _mounted(self, answer: asyncio.Future[Answer]) -> None:
        """Take the mounter's answer: its first process waits for what could not be mounted."""
        failed = answer.exception() or answer.result()[0].get("failed")
        if failed:
            self._refuse_making(str(failed))
            self.doom()

    def _order(self, order: dict[str, Any]) -> None:
        """Tell the first process to do something. One write; it may be gone."""
        with contextlib.suppress(OSError):
            channel.send(self._link, order)

    def _read(self) -> None:
        try:
            while (message := channel.receive(self._link)) is not None:
                self._take(message)
        except BlockingIOError:
            return
        except (OSError, channel.Malformed):
            self.doom()
        _ = self._loop.remove_reader(self._link.fileno())  # its end is near, and the pidfd tells

    def _take(self, message: channel.Message) -> None:
        content = message.content
        if "made" in content and not self.made.done():
            self._take_over(message)
            return
        message.close()
        if "failed" in content:
            self._refuse_making(str(content["failed"]))
        else:
            self._end(content.get("code"), content.get("signal"))

    def _take_over(self, message: channel.Message) -> None:
        """Take what it has made, all of it or nothing."""
        doors = len(LISTENER_PORTS)
        if message.cut or len(message.descriptors) != doors + 1 + (not self.assigned):
            message.close()
            self._refuse_making(channel.CUT)
            self.doom()
            return
        self.ground.hold_tmp(message.descriptors[doors])
        if not self.assigned:
            self._namespace = message.descriptors[doors + 1]
        self._listeners = {
            port: socket.socket(fileno=door) for port, door in zip(LISTENER_PORTS, message.descriptors, strict=False)
        }
        for listener in self._listeners.values():
            listener.setblocking(False)
        self.made.set_result(None)

    def _let_go_of_namespace(self) -> None:
        if self._namespace >= 0:
            os.close(self._namespace)
            self._namespace = -1

    def _end(self, code: int | None, number: int | None) -> None:
        if self._ended.done():
            return
        killed = number == signal.SIGKILL or code == _SHELL_KILLED
        out_of_memory = killed and self._group is not None and self._group.ran_out_of_memory()
        self._ended.set_result(Exit(code, number, out_of_memory))

    def _died(self) -> None:
        """The kernel has finished with its pid namespace."""
        _ = self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._pidfd = -1
        if self._link.fileno() >= 0:
            self._read()  # its last words
        self._refuse_making("its first process was killed")
        self._end(None, int(signal.SIGKILL))
        self._usage = self.usage()
        self._close()

    def _close(self) -> None:
        """No process is left."""
        _ = self._loop.remove_reader(self._link.fileno())
        self._link.close()
        self._delivery.close()
        self._let_go_of_namespace()
        self._empty.set_result(None)
        if self._unwanted or not self.assigned:
            self._vanish()

    def _vanish(self) -> None:
        if not self._left_ground:
            self._left_ground = True
            self.ground.clear(self._over)

    def _over(self) -> None:
        self._gone.set_result(None)
        self._spawner.forget(self.number)
        self._spawner.sandboxes -= 1
        self._spawner.assigned -= self.assigned
        self._on_gone(self)

    def _refuse(self, reason: str) -> None:
        """There is no process, and will be none."""
        self._refuse_making(reason)
        self._end(None, int(signal.SIGKILL))
        self._close()

    def _refuse_making(self, reason: str) -> None:
        if not self.made.done():
            self.made.set_exception(SandboxError(f"no sandbox of {self.template.name} could be made: {reason}"))
            _ = self.made.exception()  # whoever waits hears of it; nobody else need
