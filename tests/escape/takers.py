"""Guest programs that take kernel memory, each in another way: `PRELUDE` and one of `TAKERS` are the body of a function.

Each defines `take()`, which several processes run at once, until the kernel gives no more, and then hold what they have.
"""

from __future__ import annotations

from typing import Final

PRELUDE: Final = r"""
import ctypes, fcntl, os, select, signal, socket, struct, time
libc = ctypes.CDLL(None, use_errno=True)
x86 = os.uname().machine == "x86_64"
held = []

def crowd(processes):
    reader, writer = os.pipe()
    for _ in range(processes):
        if os.fork() == 0:
            try: take()
            except OSError: pass
            os.write(writer, b"!")
            while True: signal.pause()
    waiting, until = processes, time.monotonic() + 8
    while waiting and time.monotonic() < until:
        if select.select([reader], [], [], 0.2)[0]: waiting -= len(os.read(reader, 64))

def fill(one, piece):
    one.setblocking(False)
    try:
        while True: one.send(piece)
    except OSError: pass

def connections(family=socket.AF_INET, address="127.0.0.1"):
    door = socket.socket(family); door.bind((address, 0)); door.listen(128)
    while True:
        one = socket.socket(family); one.connect(door.getsockname())
        other, _ = door.accept()
        held.extend((one, other))
        yield one, other

def filter_program():
    code = struct.pack("=HBBI", 0x20, 0, 0, 0) * 4000 + struct.pack("=HBBI", 6, 0, 0, 0x7FFF0000)
    held.append(ctypes.create_string_buffer(code, len(code)))
    return ctypes.create_string_buffer(struct.pack("@HP", 4001, ctypes.addressof(held[-1])), 16)
"""

TAKERS: Final = {
    "buffers of connections": """
def take():
    for pair in connections():
        for one in pair: fill(one, b"x" * 1048576)
crowd(4)""",
    "buffers that were asked for": """
def take():
    for pair in connections():
        for one in pair:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 24)
        for one in pair: fill(one, b"x" * 1048576)
crowd(4)""",
    "buffers of IPv6": """
def take():
    for pair in connections(socket.AF_INET6, "::1"):
        for one in pair: fill(one, b"x" * 1048576)
crowd(4)""",
    "connections that are closed and not read": """
def take():
    for one, other in connections():
        fill(one, b"x" * 262144)
        one.close(); held.remove(one)
crowd(4)""",
    "connections that nobody accepts": """
def take():
    for _ in range(200):
        door = socket.socket(); door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        door.bind(("127.0.0.1", 0)); door.listen(4096); held.append(door)
        for _ in range(100):
            one = socket.socket(); one.connect(door.getsockname()); fill(one, b"x" * 262144); one.close()
crowd(4)""",
    "files sent": """
def take():
    file = os.open(f"/tmp/{os.getpid()}", os.O_CREAT | os.O_RDWR); os.write(file, b"x" * (1 << 20))
    for one, other in connections():
        one.setblocking(False)
        try:
            while True: os.sendfile(one.fileno(), file, 0, 1 << 20)
        except OSError: pass
crowd(4)""",
    "datagrams": """
def take():
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); out.setblocking(False)
    while True:
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); held.append(one); one.bind(("127.0.0.1", 0))
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        for size in [60000] * 20 + [1] * 400:
            try: out.sendto(b"x" * size, one.getsockname())
            except OSError: pass
crowd(6)""",
    "datagrams that are being put together": """
def take():
    while True:
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); held.append(one); one.connect(("127.0.0.1", 9))
        one.send(b"x" * 60000, socket.MSG_MORE)
crowd(8)""",
    "errors and time stamps": """
def take():
    while True:
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); held.append(one)
        for level, option, value in ((0, 11, 1), (1, 8, 1 << 24), (1, 37, 1 << 11 | 1 << 4 | 1 << 1)):
            try: one.setsockopt(level, option, value)
            except OSError: pass
        for _ in range(100):
            try: one.sendmsg([b"x" * 20000], [(1, 37, struct.pack("I", 1 << 1 | 1 << 8))], 0, ("127.0.0.1", 9))
            except OSError: pass
crowd(8)""",
    "time stamps of connections": """
def take():
    for one, other in connections():
        try: one.setsockopt(1, 37, 1 << 4 | 1 << 1 | 1 << 8 | 1 << 9)
        except OSError: pass
        for _ in range(100):
            one.sendmsg([b"x" * 1000], [(1, 37, struct.pack("I", 1 << 1 | 1 << 8 | 1 << 9))])
            other.recv(1000)
crowd(4)""",
    "answers of the kernel": """
def take():
    question = struct.pack("=IHHII", 32, 18, 1, 1, 0) + struct.pack("=BxHiII", 0, 0, 1, 0, 0)  # the first link, please
    while True:
        one = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0); held.append(one); one.bind((0, 0))
        one.setblocking(False)
        for _ in range(100):
            try: one.send(question)
            except OSError: break
crowd(8)""",
    "memberships": """
def take():
    while True:
        one = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); held.append(one)
        try:
            for number in range(100):
                group = socket.inet_pton(socket.AF_INET6, f"ff02::{os.getpid():x}:{len(held):x}:{number:x}")
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group + struct.pack("I", 1))
        except OSError: pass
crowd(8)""",
    "filters of sockets": """
def take():
    program = filter_program()
    while True:
        one = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); held.append(one)
        libc.setsockopt(one.fileno(), 1, 26, program, 16)
crowd(16)""",
    "filters of system calls": """
def take():
    program = filter_program()
    while libc.syscall(317 if x86 else 277, 1, 0, program) == 0 or libc.prctl(22, 2, program) == 0: pass
crowd(40)""",
    "closed connections": """
def take():
    for one, other in connections():
        one.close(); other.close(); held.clear()
        if os.times().elapsed - began > 4: return
began = os.times().elapsed
crowd(4)""",
    "timers": """
def take():
    event = ctypes.create_string_buffer(struct.pack("@Pii48x", 0, 0, 1))
    timer = ctypes.c_int()
    while libc.syscall(222 if x86 else 107, 1, event, ctypes.byref(timer)) == 0: pass
crowd(4)""",
    "signals": """
def take():
    signal.pthread_sigmask(signal.SIG_BLOCK, [40])
    facts = ctypes.create_string_buffer(struct.pack("iii", 40, 0, -1), 128)
    while libc.syscall(129 if x86 else 138, os.getpid(), 40, facts) == 0: pass
crowd(4)""",
    "watches": """
def take():
    os.mkdir(f"/tmp/{os.getpid()}"); os.chdir(f"/tmp/{os.getpid()}")
    watchers = [libc.inotify_init1(0) for _ in range(100)]
    for name in map(str, range(2000)):
        open(name, "w").close()
        for watcher in watchers: libc.inotify_add_watch(watcher, name.encode(), 0xFFF)
crowd(2)""",
    "what epoll knows": """
def take():
    pipes = [end for _ in range(240) for end in os.pipe()]
    while True:
        poll = select.epoll(); held.append(poll)
        for end in pipes: poll.register(end, select.EPOLLIN)
crowd(8)""",
    "locks": """
def take():
    file = os.open(f"/tmp/{os.getpid()}", os.O_CREAT | os.O_RDWR)
    for number in range(3000): fcntl.lockf(file, fcntl.LOCK_EX, 1, number * 2)
crowd(4)""",
    "pipes": """
def take():
    while True:
        _, end = os.pipe(); os.set_blocking(end, False)
        try: fcntl.fcntl(end, 1031, 1 << 20)
        except OSError: pass
        try:
            while True: os.write(end, b"x" * 65536)
        except OSError: pass
crowd(4)""",
    "messages and semaphores": """
def take():
    message = ctypes.create_string_buffer(struct.pack("@l", 1), 8200)
    while (queue := libc.msgget(0, 0o1600)) >= 0 and libc.semget(0, 3000, 0o1600) >= 0:
        while libc.msgsnd(queue, message, ctypes.c_size_t(8192), 0o4000) == 0: pass
crowd(4)""",
    "requests to disks": """
def take():
    context = ctypes.c_ulong()
    while libc.syscall(206 if x86 else 0, 1000, ctypes.byref(context)) == 0: context.value = 0
crowd(4)""",
    "descriptors of every kind": """
def take():
    while min(libc.timerfd_create(1, 0), libc.eventfd(0, 0), os.pidfd_open(os.getpid())) >= 0: pass
crowd(40)""",
    "names that are not there": """
def take():
    for number in range(100_000):
        for directory in ("/tmp", "/usr"):
            try: os.stat(f"{directory}/{'n' * 180}{os.getpid()}-{number}")
            except OSError: pass
crowd(4)""",
    "extended attributes": """
def take():
    open(f"/tmp/{os.getpid()}", "w").close()
    for number in range(100_000): os.setxattr(f"/tmp/{os.getpid()}", f"user.{number}", b"x" * 60000)
crowd(4)""",
}
