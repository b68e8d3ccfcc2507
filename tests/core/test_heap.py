"""Free memory goes back to the machine, and is not looked for where there is none."""

from __future__ import annotations

import platform

import pytest

from lambent.core.heap import FREE_BYTES, Heap, resident_bytes


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="only glibc keeps what is free and can be told to give it back"
)
def test_what_lies_free_between_blocks_in_use_is_given_back_each_time_anew():
    heap = Heap()
    before = resident_bytes()
    for _ in range(3):
        held, kept = list[bytearray](), list[bytearray]()
        for _ in range(2000):
            held.append(bytearray(60_000))
            kept.append(bytearray(600))
        full = resident_bytes()
        held.clear()
        assert heap.give_back()
        assert resident_bytes() < full - 100_000_000
        assert resident_bytes() < before + FREE_BYTES + 8_000_000
        assert not heap.give_back()
        del kept
