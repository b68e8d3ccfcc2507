"""What a process may have open is divided so that its parts never come to more than the whole."""

import resource
import subprocess
import sys

import pytest

from lambent.core.descriptors import ENVIRONMENT, LEAST, RESERVE, TooFewDescriptors, divided


@pytest.mark.parametrize("limit", [LEAST, 1024, 4096, 20_000, 524_288, 1 << 20])
def test_the_parts_and_the_reserve_fit_into_the_limit(limit: int):
    files = divided(limit)
    assert files.environments * ENVIRONMENT + files.connections + RESERVE <= limit
    assert files.environments >= 1
    assert files.connections > files.environments  # each environment at work has a client


def test_a_limit_that_leaves_no_room_is_refused_with_the_way_out():
    with pytest.raises(TooFewDescriptors, match="LimitNOFILE"):
        divided(LEAST - 1)


def test_the_soft_limit_is_raised_to_the_hard_one():
    program = (
        "import resource;from lambent.core.descriptors import current, raise_limit;raise_limit();print(current().limit)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (512, 2048)),
    )
    assert ended.stdout == "2048\n"
