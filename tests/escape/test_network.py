"""A guest that looks for the host's network."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from pathlib import Path

import pytest

from lambent.sandbox.contract import RUNTIME_API_PORT
from tests.contract.stage import Puppet, Stage

UNREACHABLE = (errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL)


def addresses_of_the_host() -> list[str]:
    addresses = ["127.0.0.1", "127.0.0.2"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(("192.0.2.1", 9))  # sends nothing; tells the address of the default route
        addresses.append(probe.getsockname()[0])
    return addresses


@pytest.mark.parametrize("address", addresses_of_the_host())
async def test_a_listener_of_the_host_is_not_reached(guest: Puppet, address: str) -> None:
    with socket.create_server((address, 0)) as listener:
        listener.setblocking(False)
        port = listener.getsockname()[1]
        refused = await guest.refuses(f"import socket; socket.create_connection(({address!r}, {port}), timeout=5)")
        assert refused.errno in UNREACHABLE
        with pytest.raises(BlockingIOError):
            listener.accept()


async def test_nor_by_the_newer_protocol(guest: Puppet) -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no ::1")
    with listener:
        port = listener.getsockname()[1]
        refused = await guest.refuses(f"import socket; socket.create_connection(('::1', {port}), timeout=5)")
        assert refused.errno in UNREACHABLE


@pytest.mark.parametrize("address", ["192.0.2.1", "169.254.169.254", "8.8.8.8", "255.255.255.255"])
async def test_nothing_beyond_the_host_is_reached(guest: Puppet, address: str) -> None:
    for kind in ("SOCK_STREAM", "SOCK_DGRAM"):
        refused = await guest.refuses(f"""
            import socket
            with socket.socket(socket.AF_INET, socket.{kind}) as any:
                any.settimeout(5); any.connect(({address!r}, 80)); any.send(b"x")
        """)
        assert refused.errno in (*UNREACHABLE, errno.EACCES)


async def test_a_name_is_not_looked_up_outside(guest: Puppet) -> None:
    assert (await guest.refuses("import socket; socket.getaddrinfo('example.com', 80)")).kind == "gaierror"
    assert await guest.does("import socket; return socket.gethostbyname('localhost')") == "127.0.0.1"


async def test_there_is_a_loopback_and_no_other_interface(guest: Puppet) -> None:
    names = await guest.does("import socket; return [name for _, name in socket.if_nameindex()]")
    assert "lo" in names
    routes = await guest.does("return open('/proc/net/route').read().splitlines()[1:]")
    assert routes == []


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET])
async def test_an_abstract_socket_of_the_host_is_not_reached(guest: Puppet, kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_UNIX, kind) as listener:
        listener.bind(f"\0lambent-{os.getpid()}")
        if kind != socket.SOCK_DGRAM:
            listener.listen()
        refused = await guest.refuses(f"""
            import socket
            socket.socket(socket.AF_UNIX, {int(kind)}).connect("\\0lambent-{os.getpid()}")
        """)
        assert refused.errno == errno.ECONNREFUSED


async def test_a_socket_file_of_the_server_is_not_reached(guest: Puppet) -> None:
    path = Path(f"/tmp/lambent-{os.getpid()}.sock")  # the guest has a /tmp, too
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        try:
            path.chmod(0o777)
            listener.listen()
            refused = await guest.refuses(f"import socket; socket.socket(socket.AF_UNIX).connect({str(path)!r})")
            assert refused.errno == errno.ENOENT
        finally:
            path.unlink()


async def test_the_door_of_one_sandbox_is_not_reached_from_another(stage: Stage) -> None:
    one, other = await stage.puppet("fork"), await stage.puppet("fork")
    loop = asyncio.get_running_loop()
    one.tell("""
        import socket
        with socket.create_connection(("127.0.0.1", 9001)) as door: door.sendall(b"one"); return door.recv(10).decode()
    """)
    visitor, _ = await loop.sock_accept(one.sandbox.listeners[RUNTIME_API_PORT])
    with visitor:
        assert await loop.sock_recv(visitor, 10) == b"one"
        await loop.sock_sendall(visitor, b"heard")
    assert await one.answer() == "heard"
    with pytest.raises(BlockingIOError):
        other.sandbox.listeners[RUNTIME_API_PORT].accept()


async def test_a_port_cannot_be_taken_from_the_server(guest: Puppet) -> None:
    refused = await guest.refuses("""
        import socket
        with socket.socket() as thief:
            thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            thief.bind(("127.0.0.1", 9001)); thief.listen()
    """)
    assert refused.errno == errno.EADDRINUSE
