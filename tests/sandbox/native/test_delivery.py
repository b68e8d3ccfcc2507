"""How an assignment reaches its guest: as a line whose end is kept back until all is mounted."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from typing import Any

from lambent.sandbox.native.channel import LINE_END
from lambent.sandbox.native.delivery import Delivery

SHORT = {"environment": {"A": "1"}}
LONG = {"environment": {"A": "x" * 900_000}}  # more than a socket holds


def guest_of(delivery: Delivery) -> socket.socket:
    """The guest's end, as its sandbox has it once it has been passed on."""
    guest = delivery.theirs.dup()
    guest.setblocking(False)
    delivery.theirs.close()
    return guest


async def read(guest: socket.socket) -> dict[str, Any]:
    """Read until the server is done, as a guest does until the line ends."""
    data = b""
    while more := await asyncio.get_running_loop().sock_recv(guest, 65536):
        data += more
    assert data.endswith(LINE_END)
    return json.loads(data)


async def test_who_mounts_ends_the_line() -> None:
    delivery = Delivery()
    with guest_of(delivery) as guest:
        delivery.begin(SHORT)
        [end] = delivery.hand_over()
        assert not guest.recv(65536).endswith(LINE_END)
        _ = os.write(end, LINE_END)
        os.close(end)
        assert guest.recv(65536) == LINE_END
        assert guest.recv(65536) == b""


async def test_a_guest_whose_line_nobody_ends_sees_the_server_gone() -> None:
    delivery = Delivery()
    with guest_of(delivery) as guest:
        delivery.begin(SHORT)
        [end] = delivery.hand_over()
        delivery.close()
        os.close(end)
        assert not guest.recv(65536).endswith(LINE_END)
        assert guest.recv(65536) == b""


async def test_what_the_socket_does_not_hold_is_written_as_the_guest_reads_and_the_end_is_last() -> None:
    delivery = Delivery()
    with guest_of(delivery) as guest:
        delivery.begin(LONG)
        assert delivery.hand_over() == []
        delivery.finish()
        assert await read(guest) == LONG


async def test_a_guest_that_has_gone_is_no_error() -> None:
    delivery = Delivery()
    guest_of(delivery).close()
    delivery.begin(SHORT)
    assert delivery.hand_over() == []
    delivery.finish()
    delivery.close()
