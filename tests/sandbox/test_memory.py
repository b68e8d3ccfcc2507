"""How much memory there is, and is used: of the machine, or of the group that this process is in."""

from pathlib import Path

import pytest

from lambent.sandbox.memory import FLOOR_BYTES, Memory, available_bytes, total_bytes

MIB = 1 << 20


def test_a_group_above_limits_what_the_machine_has(tmp_path: Path):
    (tmp_path / "memory.max").write_text(f"{64 * MIB}\n")
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "memory.max").write_text("max\n")
    assert total_bytes(inner) == 64 * MIB
    (inner / "memory.limit_in_bytes").write_text("9223372036854771712\n")  # version 1's way to say max
    assert total_bytes(inner) == 64 * MIB


def test_without_a_limit_all_of_the_machine_counts(tmp_path: Path):
    assert total_bytes(tmp_path) == total_bytes()
    available = available_bytes()
    assert available is None or 0 < available <= total_bytes()


@pytest.mark.parametrize(
    ("used_mib", "available_mib", "more_mib", "lacking_mib"),
    [
        (0, 8192, 1000, 0),
        (900, 8192, 100, 0),
        (900, 8192, 101, 1),
        (2000, 8192, 0, 1000),
        (0, 256, 0, 0),
        (0, 256, 10, 10),
        (1000, 200, 0, 56),
    ],
)
def test_what_is_wanting_is_above_the_budget_or_below_the_floor(
    used_mib: int, available_mib: int, more_mib: int, lacking_mib: int
):
    assert FLOOR_BYTES == 256 * MIB
    memory = Memory(1000 * MIB, 8192 * MIB, lambda: used_mib * MIB, lambda: available_mib * MIB)
    assert memory.lacks(more_mib * MIB) == lacking_mib * MIB


def test_where_no_group_counts_what_the_machine_has_lost_since_the_start_stands_for_it():
    available = [8000 * MIB]
    memory = Memory(1000 * MIB, 8192 * MIB, lambda: None, lambda: available[0])
    assert not memory.by_groups
    available[0] -= 300 * MIB
    assert memory.used_bytes() == 300 * MIB
    available[0] += 900 * MIB
    assert memory.used_bytes() == 0


def test_where_nothing_tells_only_the_number_of_environments_decides():
    memory = Memory(1000 * MIB, 8192 * MIB, lambda: None, lambda: None)
    assert memory.used_bytes() == 0
    assert memory.lacks(999 * MIB) == 0
