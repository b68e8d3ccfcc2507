"""Functions that end badly, over and over: what the server held for them is given back."""

from __future__ import annotations

import time

from tests.hostile.arena import Arena

CRASH = """
import os, time
def handler(event, context):
    if event == "exit":
        os._exit(1)
    if event == "raise":
        raise ValueError("no")
    time.sleep(60)
"""


ENDS = ("exit", "raise", "sleep")


def test_functions_that_crash_and_time_out_leave_no_descriptor(arena: Arena) -> None:
    arena.deploy("crash", CRASH, timeout_s=1)
    for event in ENDS:  # once, so that all that stays is there
        _ = arena.invoke("crash", event)
    give_up_environments(arena)
    before = arena.at_most()
    for _ in range(5):
        for event in ENDS:
            assert "FunctionError" in arena.invoke("crash", event)
    give_up_environments(arena)
    after = arena.settled(lambda now: now.descriptors <= before.descriptors + 2 and now.threads <= before.threads)
    assert after.descriptors <= before.descriptors + 2
    assert after.threads <= before.threads
    assert arena.invoke("bystander", {"n": 1})["Payload"] == {"n": 1}


def give_up_environments(arena: Arena) -> None:
    """End those of the function, of which there may be one or two: a change of its configuration does."""
    arena.client.update_function_configuration(FunctionName="crash", Description=str(time.time()))
    arena.client.get_waiter("function_updated_v2").wait(FunctionName="crash")
