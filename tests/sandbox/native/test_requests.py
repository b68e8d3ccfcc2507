"""Questions to a spawner or mounter: the descriptors of an answer belong to somebody at every moment."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest

from lambent.sandbox.native import channel
from lambent.sandbox.native.requests import Requests


@pytest.mark.parametrize("late", [False, True])
async def test_a_caller_who_is_cancelled_leaves_no_descriptor_of_the_answer_open(*, late: bool) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    requests = Requests("it", ours, lambda _: None, lambda _: None)
    reading, writing = os.pipe()
    os.set_blocking(reading, False)  # so that a writer who is left is an error, and no wait
    with theirs:
        calling = asyncio.ensure_future(requests.call({"id": 1}, []))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert channel.receive(theirs) is not None
        if not late:
            _ = calling.cancel()
            await asyncio.sleep(0)
        channel.send(theirs, {"id": 1}, [writing])
        requests._read()
        _ = calling.cancel()  # in the moment in which the answer has come, if not before
        with pytest.raises(asyncio.CancelledError):
            await calling
        os.close(writing)
        assert os.read(reading, 1) == b"", "nobody can write to it any more"
    os.close(reading)
    requests.close()
