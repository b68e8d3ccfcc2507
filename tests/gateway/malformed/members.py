"""Members of an operation as the model describes them, and then as it does not.

A valid tree of members is drawn first, from names that exist and from candidates that keep the model's constraints; then
some places in it are replaced.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, Final, NamedTuple

from hypothesis import strategies as some

from lambent.model.patterns import matches
from lambent.model.service import ShapeModel
from tests.gateway.malformed.values import CANDIDATES, KNOWN, NASTY, Twice

DEEPEST: Final = 4
OPTIONAL_MAX: Final = 4


class Place(NamedTuple):
    """Somewhere in the members."""

    name: str
    shape: ShapeModel
    put: Callable[[Any], None]
    drop: Callable[[], object]


def members(shape: ShapeModel | None) -> some.SearchStrategy[dict[str, Any]]:
    """What a client that knows its way may send."""
    return _structure(shape, 0) if shape is not None else some.just({})


def _valid(name: str, shape: ShapeModel, depth: int) -> some.SearchStrategy[Any]:
    if name in KNOWN:
        return some.sampled_from(KNOWN[name])
    match shape.type:
        case "structure":
            return some.just({}) if shape.traits.document else _structure(shape, depth)
        case "list":
            fewest = int(shape.traits.min or 0)
            return some.lists(_valid("", shape.member, depth + 1), min_size=fewest, max_size=max(fewest, 2))
        case "map":
            return some.dictionaries(_valid("", shape.key, depth + 1), _valid("", shape.value, depth + 1), max_size=2)
        case "string" | "character":
            return some.sampled_from(fitting(shape))
        case "boolean":
            return some.booleans()
        case "integer" | "long":
            least, most = shape.traits.min, shape.traits.max
            return some.integers(int(least if least is not None else -1), int(most if most is not None else 2**31 - 1))
        case "float" | "double":
            return some.floats(0, 1, allow_nan=False)
        case "blob":
            return some.sampled_from([b"", b"{}", b"\x00\xff"])
        case _:
            return some.sampled_from([0, 1, 1_700_000_000, 4_102_444_800])


def _structure(shape: ShapeModel, depth: int) -> some.SearchStrategy[dict[str, Any]]:
    """What is required, and a few of what is not: with many of them hardly a request would get anywhere."""
    required: dict[str, some.SearchStrategy[Any]] = {}
    optional: dict[str, some.SearchStrategy[Any]] = {}
    for name, member in shape.members.items():
        needed = name in shape.required or member.location == "uri"
        if needed or depth < DEEPEST:
            (required if needed else optional)[name] = _valid(name, member, depth + 1)
    if not optional:
        return some.fixed_dictionaries(required)
    few = some.lists(some.sampled_from(list(optional)), max_size=OPTIONAL_MAX, unique=True)
    return few.flatmap(lambda names: some.fixed_dictionaries(required | {name: optional[name] for name in names}))


def fitting(shape: ShapeModel) -> list[str]:
    """Candidates that keep the string's constraints; all of them, if none does."""
    if shape.traits.enum:
        return shape.traits.enum
    least, most = shape.traits.min or 0, shape.traits.max or 1 << 20
    fit = [
        text
        for text in CANDIDATES
        if least <= len(text) <= most and (shape.traits.pattern is None or matches(shape.traits.pattern, text))
    ]
    return fit or list(CANDIDATES)


def mutated(shape: ShapeModel | None) -> some.SearchStrategy[dict[str, Any]]:
    """Members of which up to three places are wrong, and often none: what is right goes deeper."""
    return _mutated(members(shape), shape)


@some.composite
def _mutated(draw: some.DrawFn, valid: some.SearchStrategy[dict[str, Any]], shape: ShapeModel | None) -> dict[str, Any]:
    found = deepcopy(draw(valid))
    if shape is None or not shape.members:
        return found
    for _ in range(draw(some.sampled_from((0, 0, 0, 1, 1, 1, 2, 3)))):
        place = draw(some.sampled_from(list(_places(found, shape))))
        how = draw(some.integers(0, 9))
        if how == 0:
            place.drop()
        elif how <= 4:
            place.put(deepcopy(draw(some.sampled_from(_beyond(place.shape)))))
        else:
            place.put(deepcopy(draw(some.sampled_from(NASTY))))
    return Twice(found) if draw(some.integers(0, 19)) == 0 else found


def _places(value: Any, shape: ShapeModel) -> Iterator[Place]:
    """Every place in the members, also where a member could be and is not."""
    if shape.type == "structure" and isinstance(value, dict):
        for name, member in shape.members.items():
            yield Place(
                name,
                member,
                lambda new, name=name: value.__setitem__(name, new),
                lambda name=name: value.pop(name, None),
            )
            if name in value:
                yield from _places(value[name], member)
    elif shape.type == "list" and isinstance(value, list):
        for index, item in enumerate(value):
            yield Place("", shape.member, lambda new, index=index: value.__setitem__(index, new), value.clear)
            yield from _places(item, shape.member)
    elif shape.type == "map" and isinstance(value, dict):
        for key, item in list(value.items()):
            yield Place("", shape.value, lambda new, key=key: value.__setitem__(key, new), value.clear)
            yield Place(
                "",
                shape.key,
                lambda new, item=item: value.__setitem__(new if isinstance(new, str) else "", item),
                value.clear,
            )
            yield from _places(item, shape.value)


def _beyond(shape: ShapeModel) -> list[Any]:
    """Values just outside, and just inside, of what the model allows."""
    least, most = shape.traits.min, shape.traits.max
    bounds = [int(bound) for bound in (least, most) if bound is not None and bound < 1 << 20]
    near = [number for bound in bounds for number in (bound - 1, bound, bound + 1) if number >= 0]
    match shape.type:
        case "string" | "character":
            return ["x" * number for number in near] + ["no such value", "", "ß" * 5, *shape.traits.enum[:3]]
        case "list":
            return [[one] * number for one in (None, "x", {}) for number in near or [0, 2]]
        case "map":
            return [{str(key): "x" for key in range(number)} for number in near or [0, 60]]
        case "blob":
            return ["", "=", "e30", "e30=", base64.b64encode(b"\x00" * 5000).decode(), 1, [], {}]
        case "structure":
            return [{}, [], "x", None, {"Unknown": 1}, dict.fromkeys(shape.members)]
        case "boolean":
            return ["true", "yes", 1, 0, "", None]
        case _:
            return [*near, *(-number for number in near), 0.5, "1", "x", 2**53, -1]


def as_text(value: Any) -> str:
    """A value where only text can stand."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, bool):
        return "true" if value else "false"
    return re.sub("[\ud800-\udfff]", "?", str(value))
