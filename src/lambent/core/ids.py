"""Randomness as an argument: identifiers from the kernel's generator, and a twin that repeats itself from a seed.

Identifiers made here are unguessable in production, so access keys and tokens may be made of them. `SeededIds` is for
tests alone.
"""

import os
import random
from typing import Final

PORTION_BYTES = 1024
VARIANT: Final = {
    f"{digit:x}": f"{digit & 3 | 8:x}" for digit in range(16)
}  # a UUID's: the two bits 10, and two of ours

UPPER_CASE_32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
"""The alphabet of IAM's unique ids (AROA..., AKIA...)."""


class Ids:
    """Identifiers out of the operating system's randomness."""

    __slots__ = ("_stock",)

    def __init__(self) -> None:
        self._stock = b""

    def random_bytes(self, count: int) -> bytes:
        """`count` bytes that nobody can guess; taken from the kernel in larger portions, since every call of it costs."""
        if len(self._stock) < count:
            self._stock = os.urandom(max(PORTION_BYTES, count))
        taken, self._stock = self._stock[:count], self._stock[count:]
        return taken

    def uuid(self) -> str:
        """A version 4 UUID, lower-case with dashes: request ids, revision ids, mapping ids."""
        digits = self.random_bytes(16).hex()
        variant = VARIANT[digits[16]]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"

    def hex(self, length: int) -> str:
        """`length` lower-case hexadecimal digits."""
        return self.random_bytes((length + 1) // 2).hex()[:length]

    def letters(self, length: int, alphabet: str = UPPER_CASE_32) -> str:
        """`length` letters of `alphabet`, whose size divides 256 so that each is equally likely."""
        size = len(alphabet)
        if 256 % size:
            raise ValueError("the alphabet's size must divide 256")
        return "".join(alphabet[byte % size] for byte in self.random_bytes(length))


class SeededIds(Ids):
    """The same identifiers in the same order on every run."""

    __slots__ = ("_random",)

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self._random = random.Random(seed)  # noqa: S311  # to repeat itself is what it is for

    def random_bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)
