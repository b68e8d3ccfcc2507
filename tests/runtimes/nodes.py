"""What the tests of Node.js functions share.

Up to nodejs22.x our bootstrap behaves as version 3 of AWS's runtime interface client, from nodejs24.x on as version 4.
"""

from typing import Any

import pytest

from tests.runtimes.conftest import Run

CALLBACKS = ["nodejs18.x", "nodejs20.x", "nodejs22.x"]
PROMISES = ["nodejs24.x"]
OLD, NEW = "nodejs20.x", "nodejs24.x"

every_node = pytest.mark.parametrize("runtime", CALLBACKS + PROMISES)
old_and_new = pytest.mark.parametrize("runtime", [OLD, NEW])
ahead_and_fresh = pytest.mark.parametrize("ahead", [True, False], ids=["booted", "fresh"])

ECHO = "exports.handler = async (event) => event"


def body(statements: str) -> dict[str, str]:
    """A package whose handler does this; it has (event, context), and is asynchronous."""
    return {"app.js": f"exports.handler = async (event, context) => {{ {statements} }}"}


async def answered(run: Run) -> Any:
    """What the function has answered; an error as its type and its message."""
    post = await run.post()
    if post.kind.endswith("/response"):
        return post.json
    return post.json["errorType"], post.json["errorMessage"]
