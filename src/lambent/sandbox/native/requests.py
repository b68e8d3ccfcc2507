"""The server's end of a channel on which requests are answered by id: to a spawner, and to its mounter.

Requests go out in order; nothing here blocks and nothing needs a thread. A channel whose other end has died fails what is
asked on it. An answer that arrives without its descriptors fails what it answers, and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Sequence
from typing import Any, Final

from lambent.sandbox.contract import SandboxError
from lambent.sandbox.native import channel

_SEND_BUFFER_BYTES: Final = 1 << 20

Answer = tuple[dict[str, Any], list[int]]


class Requests:
    """Made with its own end of a SEQPACKET socketpair. `on_message` gets messages without an id, `on_end` the reason."""

    def __init__(
        self,
        name: str,
        control: socket.socket,
        on_message: Callable[[dict[str, Any]], None],
        on_end: Callable[[str], None],
    ) -> None:
        self._name: Final = name
        self._control: Final = control
        self._on_message: Final = on_message
        self._on_end: Final = on_end
        self._loop: Final = asyncio.get_running_loop()
        self._answers: Final[dict[int, asyncio.Future[Answer]]] = {}
        self._sending: Final = asyncio.Lock()
        self._room: asyncio.Future[None] | None = None  # who sends waits for it while the channel is full
        control.setblocking(False)
        control.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        self._loop.add_reader(control.fileno(), self._read)

    @property
    def open(self) -> bool:
        return self._control.fileno() >= 0

    async def ask(self, request: dict[str, Any], descriptors: Sequence[int] = ()) -> asyncio.Future[Answer]:
        """Send a request that has an id; return its answer to come, whose descriptors are the caller's.

        Raises SandboxError; so does the answer.
        """
        answer: asyncio.Future[Answer] = self._loop.create_future()
        self._answers[request["id"]] = answer
        try:
            await self.send(request, descriptors)
        except BaseException:
            _ = self._answers.pop(request["id"], None)
            raise
        return answer

    async def call(self, request: dict[str, Any], descriptors: Sequence[int]) -> Answer:
        """Send a request that has an id, and return its answer, whose descriptors are the caller's. Raises SandboxError.

        A caller who is cancelled in the moment in which the answer has come leaves none of them open.
        """
        answer = await self.ask(request, descriptors)
        try:
            return await answer
        except asyncio.CancelledError:
            if not answer.cancelled() and answer.exception() is None:
                for descriptor in answer.result()[1]:
                    os.close(descriptor)
            raise

    async def send(self, message: dict[str, Any], descriptors: Sequence[int]) -> None:
        """Send a message, when there is room for it. Raises SandboxError."""
        data = channel.encode(message)
        if len(data) > channel.MESSAGE_BYTES:
            raise SandboxError(f"a request of {len(data)} bytes is larger than {channel.MESSAGE_BYTES}")
        async with self._sending:
            while True:
                if not self.open:
                    raise SandboxError(f"{self._name} is gone")
                try:
                    _ = socket.send_fds(self._control, [data], list(descriptors))
                except BlockingIOError:
                    await self._writable()
                except OSError as error:
                    raise SandboxError(f"{self._name} cannot be asked: {error}") from error
                else:
                    return

    def tell(self, message: dict[str, Any]) -> None:
        """Send now or not at all."""
        if self.open:
            with contextlib.suppress(OSError):
                channel.send(self._control, message)

    def fail(self, reason: str) -> None:
        """Close the channel, and fail what has been asked."""
        self.close()
        for future in self._answers.values():
            if not future.done():
                future.set_exception(SandboxError(reason))
                _ = future.exception()  # whoever waits hears of it; nobody else need
        self._answers.clear()

    def close(self) -> None:
        if self.open:
            _ = self._loop.remove_reader(self._control.fileno())
            self._make_room()
            self._control.close()

    async def _writable(self) -> None:
        room = self._room = self._loop.create_future()
        self._loop.add_writer(self._control.fileno(), self._make_room)
        await room

    def _make_room(self) -> None:
        _ = self._loop.remove_writer(self._control.fileno())
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def _read(self) -> None:
        try:
            while self.open:
                message = channel.receive(self._control)
                if message is None:
                    self._on_end(f"{self._name} has died")
                    return
                self._take(message)
        except BlockingIOError:
            return
        except (OSError, channel.Malformed) as error:
            self._on_end(f"{self._name} cannot be understood: {error}")

    def _take(self, message: channel.Message) -> None:
        if "id" not in message.content:
            message.close()
            self._on_message(message.content)
            return
        answer = self._answers.pop(message.content["id"], None)
        if answer is None or answer.done():
            message.close()
        elif message.cut:
            message.close()
            answer.set_exception(SandboxError(channel.CUT))
            _ = answer.exception()
        else:
            answer.set_result((message.content, message.descriptors))
