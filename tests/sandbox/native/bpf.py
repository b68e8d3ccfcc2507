"""A twin of the kernel's interpreter of seccomp programs, as small as the programs that we make."""

from __future__ import annotations

import struct
from typing import Final

X86_64: Final = 0xC000003E
AARCH64: Final = 0xC00000B7
I386: Final = 0x40000003
ARM: Final = 0x40000028

ALLOW: Final = 0x7FFF0000
ASK: Final = 0x7FC00000
KILL: Final = 0x80000000
EPERM: Final = 0x00050001
ENOSYS: Final = 0x00050026


def verdict(blob: bytes, architecture: int, number: int, *arguments: int) -> tuple[int, int]:
    """Run the program on one system call; return its verdict and the count of instructions that it took.

    Whatever the kernel would refuse to load (an unknown instruction, a jump out of the program) is an error here.
    """
    data = struct.pack("=IIQ6Q", number, architecture, 0, *(*arguments, *[0] * (6 - len(arguments))))
    program = list(struct.iter_unpack("=HBBI", blob))
    accumulator, at, steps = 0, 0, 0
    while True:
        operation, if_true, if_false, operand = program[at]
        at, steps = at + 1, steps + 1
        match operation:
            case 0x20:
                (accumulator,) = struct.unpack_from("=I", data, operand)
            case 0x54:
                accumulator &= operand
            case 0x05:
                at += operand
            case 0x15:
                at += if_true if accumulator == operand else if_false
            case 0x35:
                at += if_true if accumulator >= operand else if_false
            case 0x06:
                return operand, steps
            case _:
                raise AssertionError(f"instruction {operation:#x}")
