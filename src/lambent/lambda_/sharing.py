"""One copy of what many functions say alike, so that ten thousand of them take little memory.

Rows and requests are decoded each into strings of their own, yet the functions of an account have the same few roles,
runtimes, variables and tags, and the versions of a function hardly differ: of a function as large accounts have them, more
than half is said elsewhere (benchmarks/inventory.py). What was lately seen is remembered here and given again in the place
of its equals. Nothing changes by that but identity, which no value of ours has a meaning for.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import msgspec

from lambent.lambda_.functions import Function, FunctionVersion
from lambent.lambda_.names import FunctionArn

REMEMBERED: Final = 4096  # values, of which the least lately used goes; a miss costs memory and nothing else


@lru_cache(REMEMBERED)
def one(value: Any) -> Any:
    """The first of its equals that was seen."""
    return value


def shared(function: Function) -> Function:
    """The same function, with its strings shared with other functions and its settings between its versions."""
    arn = FunctionArn(one(function.arn.region), one(function.arn.account), function.arn.name)
    latest = _version(function.latest, arn)
    return msgspec.structs.replace(
        function,
        arn=arn,
        latest=latest,
        serving=None if function.serving is None else _version(function.serving, arn),
        published={number: _like(_version(version, arn), latest) for number, version in function.published.items()},
        tags=_values(function.tags),
    )


def _version(version: FunctionVersion, arn: FunctionArn) -> FunctionVersion:
    return msgspec.structs.replace(
        version,
        arn=arn.qualified(version.version),
        code=one(version.code),
        role=one(version.role),
        logging=one(version.logging),
        runtime=one(version.runtime),
        handler=one(version.handler),
        description=one(version.description),
        environment=None if version.environment is None else _values(version.environment),
    )


def _like(version: FunctionVersion, latest: FunctionVersion) -> FunctionVersion:
    """A published version, with the environment of $LATEST if it is the same."""
    if version.environment is None or version.environment != latest.environment:
        return version
    return msgspec.structs.replace(version, environment=latest.environment)


def _values(strings: dict[str, str]) -> dict[str, str]:
    """The names are shared already, by the decoder of JSON."""
    return {name: one(value) for name, value in strings.items()}
