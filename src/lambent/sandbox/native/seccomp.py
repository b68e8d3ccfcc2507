"""The filter of system calls that every guest lives under, compiled to the kernel's BPF.

An allowlist, so that a call which nobody thought of is refused. What it defends against: the parts of the kernel that
an unprivileged process can reach but a function has no use for, which is where privilege escalations are found
(namespaces, mounts, bpf, perf, keyrings, userfaultfd, io_uring, odd protocol families), looking into other processes,
typing into a terminal, and kernel memory that no control group is charged with: socket options that keep it are
refused, and calls that make what keeps it are put to the sandbox's first process (`gate`). What it is not: the fence
around files, network and memory; that is the work of the namespaces, the read-only root and the cgroup.

The names and numbers are data (`syscalls.txt`); rules on arguments stand below. Only the low half of an argument is
compared, because the kernel takes these arguments as 32-bit numbers and ignores the rest: a comparison of all 64 bits
could be evaded. The number is found by a binary search. A verdict of `allow` depends on nothing but the number, so
the kernel (from 5.11) keeps it in a bitmap and does not run the program for it again.

Standard library only, for any Python from 3.10: the spawner runs this inside the function's interpreter.
"""

from __future__ import annotations

import ctypes
import os
import struct
from itertools import groupby
from typing import Final, NamedTuple

_AUDIT_ARCHITECTURE: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_SECCOMP_CALL: Final = {"x86_64": 317, "aarch64": 277}
_COLUMN: Final = {"x86_64": 1, "aarch64": 2}
_X32: Final = 0x40000000  # numbers from here on are x86_64's second, 32-bit, interface
_TABLE: Final = f"{os.path.dirname(__file__)}/syscalls.txt"

_KILL: Final = 0x80000000
_ALLOW: Final = 0x7FFF0000
_DENY: Final = 0x00050000 | 1  # EPERM
_MISSING: Final = 0x00050000 | 38  # ENOSYS
_NO_TERMINAL: Final = 0x00050000 | 25  # ENOTTY, which is ioctl's "no such request"
_NO_OPTION: Final = 0x00050000 | 92  # ENOPROTOOPT
_IGNORE: Final = 0x00050000  # success, and nothing done
_ASK: Final = 0x7FC00000  # whoever holds the listener decides

_LOAD: Final = 0x20
_AND: Final = 0x54
_JUMP: Final = 0x05
_IF_EQUAL: Final = 0x15
_IF_AT_LEAST: Final = 0x35
_RETURN: Final = 0x06
_FARTHEST: Final = 255  # instructions that a conditional jump can skip
_NUMBER_OFFSET: Final = 0
_ARCHITECTURE_OFFSET: Final = 4
_ARGUMENTS_OFFSET: Final = 16

_SET_MODE_FILTER: Final = 1
_PR_SET_SECCOMP: Final = 22
_NEW_LISTENER: Final = 8

_libc: Final = ctypes.PyDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


class Switch(NamedTuple):
    """A decision on one argument: what `cases` says of its masked value, or else `otherwise`."""

    argument: int
    mask: int
    cases: dict[int, Verdict]
    otherwise: Verdict


Verdict = int | Switch
_Code = list[tuple[int, int, int, int]]  # operation, jump if true, jump if false, operand


_WHOLE: Final = 0xFFFFFFFF
_NEW_NAMESPACES: Final = 0x7E020000  # CLONE_NEWNS, CGROUP, UTS, IPC, USER, PID, NET
_TERMINAL_INJECTION: Final = (0x5412, 0x541C, 0x5423)  # TIOCSTI, TIOCLINUX, TIOCSETD
_REQUEST_TYPE: Final = 0xFF00
_FILE_SYSTEM_TYPES: Final = (
    0x6600,
    0x5800,
)  # settings of ext4 and of file systems: attributes, resizing, defragmentation, ...
_FILE_SYSTEM_QUESTIONS: Final = (0x80086601, 0xC020660B)  # what attributes a file has, and where its parts are
_MS_SYNC: Final = 4
_PERSONALITIES: Final = (0, 8, 0x20000, 0x20008, 0xFFFFFFFF)  # Linux, 32 bits, old version numbers, both, "tell me"
_STREAM_DATAGRAM_RAW: Final = (1, 2, 3)  # raw needs a capability; it is here for the honest error
_INTERNET_PROTOCOLS: Final = (0, 1, 6, 17, 58)  # any, ICMP, TCP, UDP, ICMPv6: not SCTP, DCCP, SMC, MPTCP, ...
_UNIX, _INET, _INET6, _NETLINK = 1, 2, 10, 16
_NETLINK_ROUTE: Final = 0  # what getifaddrs(3) asks
_SOCKET_TYPE: Final = 0xF

# What keeps memory that nobody is charged with (`gate` has the sums): the first is a wish, and may remain one.
_RECEIVE_BUFFER: Final = 8  # SO_RCVBUF; also the bound of what waits for a netlink socket, or in a backlog
_UNCHARGED_OPTIONS: Final = (
    26,  # SO_ATTACH_FILTER: 32 KB a socket, and a share of what compiled filters of the whole machine may take
    33,  # SO_RCVBUFFORCE
    37,  # SO_TIMESTAMPING: every packet sent is kept in the error queue
    50,  # SO_ATTACH_BPF
    51,  # SO_ATTACH_REUSEPORT_CBPF
    52,  # SO_ATTACH_REUSEPORT_EBPF
    60,  # SO_ZEROCOPY: notifications in the error queue
    61,  # SO_TXTIME
    65,  # SO_TIMESTAMPING with 64 bits
)
_TCP_OPTIONS_REFUSED: Final = (14, 31, 32, 33, 35, 38, 39, 40)  # MD5, protocols above, fast open keys, zero copy, AO
_IPV6_OPTIONS_REFUSED: Final = (32, 54, 55, 57, 59)  # flow labels, extension headers
_LEVELS: Final[dict[int, Verdict]] = {
    1: Switch(2, _WHOLE, {_RECEIVE_BUFFER: _IGNORE, **dict.fromkeys(_UNCHARGED_OPTIONS, _NO_OPTION)}, _ALLOW),
    6: Switch(2, _WHOLE, dict.fromkeys(_TCP_OPTIONS_REFUSED, _NO_OPTION), _ALLOW),
    41: Switch(2, _WHOLE, dict.fromkeys(_IPV6_OPTIONS_REFUSED, _NO_OPTION), _ALLOW),
    **dict.fromkeys((0, 17, 58, 270), _ALLOW),  # IPv4, UDP, ICMPv6, netlink
}
_PLAIN: Final[dict[str, Verdict]] = {
    "allow": _ALLOW,
    "deny": _DENY,
    "missing": _MISSING,
    "ignore": _IGNORE,
    "clone": Switch(0, _NEW_NAMESPACES, {0: _ALLOW}, _DENY),
    "ioctl": Switch(
        1,
        _REQUEST_TYPE,
        dict.fromkeys(
            _FILE_SYSTEM_TYPES, Switch(1, _WHOLE, dict.fromkeys(_FILE_SYSTEM_QUESTIONS, _ALLOW), _NO_TERMINAL)
        ),
        Switch(1, _WHOLE, dict.fromkeys(_TERMINAL_INJECTION, _DENY), _ALLOW),
    ),
    "msync": Switch(2, _MS_SYNC, {_MS_SYNC: _IGNORE}, _ALLOW),
    "personality": Switch(0, _WHOLE, dict.fromkeys(_PERSONALITIES, _ALLOW), _DENY),
    "setsockopt": Switch(1, _WHOLE, _LEVELS, _NO_OPTION),
    "socketpair": Switch(0, _WHOLE, {_UNIX: _ALLOW}, _DENY),
}


def _verdicts(gated: Verdict) -> dict[str, Verdict]:
    """Return what each word of the table means; `gated` is that of what keeps memory that nobody is charged with."""

    by_protocol = Switch(2, _WHOLE, dict.fromkeys(_INTERNET_PROTOCOLS, gated), _DENY)
    by_kind = Switch(1, _SOCKET_TYPE, dict.fromkeys(_STREAM_DATAGRAM_RAW, by_protocol), _DENY)
    families: dict[int, Verdict] = {
        _UNIX: _ALLOW,
        _INET: by_kind,
        _INET6: by_kind,
        _NETLINK: Switch(2, _WHOLE, {_NETLINK_ROUTE: gated}, _DENY),
    }
    return {
        **_PLAIN,
        "prctl": Switch(0, _WHOLE, {_PR_SET_SECCOMP: gated}, _ALLOW),
        "seccomp": Switch(0, _WHOLE, {_SET_MODE_FILTER: gated}, _ALLOW),
        "socket": Switch(0, _WHOLE, families, _DENY),
    }


def program(arch: str, *, gated: bool = False) -> bytes:
    """Compile the filter for `x86_64` or `aarch64`. Takes about a millisecond; keep the result.

    With `gated`, what a gate decides is put to whoever holds the listener, and not allowed. Raises LookupError for another
    architecture.
    """
    body = _search(_segments(arch, _verdicts(_ASK if gated else _ALLOW)))
    code: _Code = [
        (_LOAD, 0, 0, _ARCHITECTURE_OFFSET),
        (_IF_EQUAL, 1, 0, _AUDIT_ARCHITECTURE[arch]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_OFFSET),
        *body,
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


class Filter:
    """A compiled filter, laid out as the kernel reads it, so that a fork has nothing to make before it installs it."""

    def __init__(self, blob: bytes) -> None:
        self._instructions: Final = ctypes.create_string_buffer(blob, len(blob))
        self._header: Final = struct.pack("@HP", len(blob) // 8, ctypes.addressof(self._instructions))  # sock_fprog
        self._call: Final = ctypes.c_long(_SECCOMP_CALL[os.uname().machine])

    def install(self, *, gated: bool = False) -> int:
        """Put this thread, and all that it starts, under it, for good; no_new_privs must be set already.

        Return the listener of a gated program, which the caller closes; else 0. Raises OSError.
        """
        result: int = _libc.syscall(self._call, _SET_MODE_FILTER, _NEW_LISTENER if gated else 0, self._header)
        if result < 0:
            error = ctypes.get_errno()
            raise OSError(error, f"seccomp: {os.strerror(error)}")
        return result


def _segments(arch: str, verdicts: dict[str, Verdict]) -> list[tuple[int, Verdict]]:
    """Return the first number of each run of equal verdicts, in order; together they cover all 32-bit numbers."""
    column = _COLUMN[arch]
    with open(_TABLE, encoding="ascii") as table:
        rows = [line.split() for line in table if line.strip() and not line.startswith("#")]
    named = {int(row[column]): row[3] for row in rows if row[column] != "-"}
    newest = max(named)
    words = [(number, named.get(number, "deny")) for number in range(newest + 1)]
    segments: list[tuple[int, Verdict]] = [
        (next(run)[0], verdicts[word]) for word, run in groupby(words, key=lambda each: each[1])
    ]
    segments.append((newest + 1, _MISSING))
    if arch == "x86_64":
        segments.append((_X32, _KILL))
    return segments


def _search(segments: list[tuple[int, Verdict]]) -> _Code:
    """Compile a binary search for the segment that the accumulator is in."""
    if len(segments) == 1:
        return _decision(segments[0][1])
    middle = len(segments) // 2
    below, above = _search(segments[:middle]), _search(segments[middle:])
    first = segments[middle][0]
    if len(below) <= _FARTHEST:
        return [(_IF_AT_LEAST, len(below), 0, first), *below, *above]
    return [(_IF_AT_LEAST, 0, 1, first), (_JUMP, 0, 0, len(below)), *below, *above]


def _decision(verdict: Verdict) -> _Code:
    """Compile a verdict. The code ends in a return on every path, so what follows it is never fallen into."""
    if isinstance(verdict, int):
        return [(_RETURN, 0, 0, verdict)]
    code: _Code = [(_LOAD, 0, 0, _ARGUMENTS_OFFSET + 8 * verdict.argument)]
    if verdict.mask != _WHOLE:
        code.append((_AND, 0, 0, verdict.mask))
    for outcome, group in groupby(verdict.cases.items(), key=lambda case: case[1]):
        values = [value for value, _ in group]
        then = _decision(outcome)
        code += [(_IF_EQUAL, len(values) - 1 - index, 0, value) for index, value in enumerate(values[:-1])]
        code += [(_IF_EQUAL, 0, len(then), values[-1]), *then]
    return code + _decision(verdict.otherwise)
