"""A function that looks in its own memory, and wherever else it can read, for what the functions before it were given."""

from __future__ import annotations

import uuid
from typing import Any, Final, NamedTuple

from tests.escape.search import SEARCH
from tests.hostile.arena import Arena

VICTIMS: Final = 40
INVOCATIONS: Final = 2
TOKENS: Final = 6  # searched one by one, which takes the spy a while

VICTIM: Final = """
import os
def handler(event, context):
    print("a line:", os.environ["LINE"])
    open("/tmp/" + os.environ["TMP"], "w").write(event["event"])
    return {"answer": os.environ["ANSWER"], "token": os.environ["AWS_SESSION_TOKEN"], "digest": os.environ["DIGEST"]}
"""

SPY: Final = (
    SEARCH
    + r"""
PLANTED = re.compile(rb"[p]lanted-([0-9a-f]{32})")  # does not match itself
def handler(event, context):
    found = {}
    for place, text in texts():
        for word in PLANTED.findall(text): found.setdefault(word.decode()[::-1], []).append(place)
    return {"planted": found, "words": search(event["words"])}
"""
)


class Victim(NamedTuple):
    """What one function was given."""

    planted: dict[str, str]  # what kind of thing is this word, by word
    token: str


def planted() -> str:
    return f"planted-{uuid.uuid4().hex}"


def victim(arena: Arena) -> Victim:
    """Deploy a function with secrets of every kind, and invoke it."""
    kinds = ("PASSWORD", "LARGE", "LINE", "TMP", "ANSWER", "DIGEST")
    variables = {kind: planted() for kind in kinds}
    name, event = planted(), planted()
    settings: Any = {
        "Environment": {"Variables": {**variables, "LARGE": variables["LARGE"] * 40}},
        "Tags": {"tag": (tag := planted())},
        "Description": (description := planted()),
    }
    arena.deploy(name, VICTIM, **settings)
    for _ in range(INVOCATIONS):
        answer = arena.invoke(name, {"event": event})["Payload"]
        assert answer["answer"] == variables["ANSWER"]
    words = {word: kind for kind, word in variables.items()}
    words |= {name: "name", event: "event", tag: "tag", description: "description"}
    return Victim({word.removeprefix("planted-"): kind for word, kind in words.items()}, answer["token"])


def test_a_function_finds_nothing_of_forty_functions_that_were_invoked_before_it(arena: Arena) -> None:
    victims = [victim(arena) for _ in range(VICTIMS)]
    own = planted()
    arena.deploy("spy", SPY, memory_mib=1769, timeout_s=120, Environment={"Variables": {"OWN": own}})
    tokens = [one.token[:60] for one in victims[-TOKENS:]]
    answer = arena.invoke("spy", {"words": [token[::-1] for token in tokens]})
    assert "FunctionError" not in answer, answer["Payload"]
    found = {word[::-1]: places for word, places in answer["Payload"]["planted"].items()}
    assert own.removeprefix("planted-") in found, "the search finds nothing, not even what is the function's own"
    kinds = {word: kind for one in victims for word, kind in one.planted.items()}
    assert {kinds[word]: places for word, places in found.items() if word in kinds} == {}
    assert answer["Payload"]["words"] == {}
