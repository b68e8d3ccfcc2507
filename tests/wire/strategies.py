"""Random members of any shape, as botocore takes them and as they are inside."""

import math
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from lambent.model.service import ShapeModel

DEEPEST = 3
PLAIN = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
IN_A_HEADER = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='",'), min_size=1, max_size=12
)


def members(shape: ShapeModel | None, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of the shape that a client may send; required members are always there."""
    if shape is None:
        return st.just({})
    match shape.type:
        case "structure" if shape.traits.document:
            return st.just({})
        case "structure":
            return _structure(shape, depth)
        case "list":
            return st.lists(members(shape.member, depth + 1), min_size=1, max_size=3 if depth < DEEPEST else 1)
        case "map":
            return st.dictionaries(_key(shape), members(shape.value, depth + 1), min_size=1, max_size=2)
        case _:
            return _scalar(shape)


def _structure(shape: ShapeModel, depth: int) -> st.SearchStrategy[Any]:
    required: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for name, member in shape.members.items():
        needed = name in shape.required or member.location in ("uri", "statusCode")
        if not needed and depth >= DEEPEST and member.type in ("structure", "list", "map"):
            continue
        (required if needed else optional)[name] = _member(member, depth)
    if shape.traits.union:
        return st.one_of(*(strategy.map(lambda value, name=name: {name: value}) for name, strategy in optional.items()))
    return st.fixed_dictionaries(required, optional=optional)


def _member(member: ShapeModel, depth: int) -> st.SearchStrategy[Any]:
    if member.location in ("header", "headers", "uri") and member.type == "string" and not member.traits.enum:
        return IN_A_HEADER
    if member.location == "statusCode":
        return st.integers(200, 299)
    return members(member, depth + 1)


def _key(shape: ShapeModel) -> st.SearchStrategy[str]:
    return st.sampled_from(shape.key.traits.enum) if shape.key.traits.enum else IN_A_HEADER


def _scalar(shape: ShapeModel) -> st.SearchStrategy[Any]:
    match shape.type:
        case "string" | "character":
            return st.sampled_from(shape.traits.enum) if shape.traits.enum else PLAIN
        case "boolean":
            return st.booleans()
        case "integer" | "long":
            return st.integers(-(2**31), 2**31 - 1)
        case "float" | "double":
            return st.floats(allow_nan=False, allow_infinity=False, width=32).filter(math.isfinite)
        case "blob":
            return st.binary(max_size=20)
        case _:
            return st.integers(0, 2**32).map(float)


def as_botocore_takes_it(value: Any, shape: ShapeModel | None) -> Any:
    """The members with timestamps as datetimes."""
    if shape is None:
        return value
    match shape.type:
        case "structure" if not shape.traits.document:
            return {name: as_botocore_takes_it(item, shape.members[name]) for name, item in value.items()}
        case "list":
            return [as_botocore_takes_it(item, shape.member) for item in value]
        case "map":
            return {key: as_botocore_takes_it(item, shape.value) for key, item in value.items()}
        case "timestamp":
            return datetime.fromtimestamp(value, UTC)
        case _:
            return value


def as_it_is_inside(value: Any, shape: ShapeModel | None) -> Any:
    """What botocore has read, with timestamps as seconds and streams as bytes."""
    if shape is None:
        return value
    match shape.type:
        case "structure" if not shape.traits.document:
            return {
                name: as_it_is_inside(item, shape.members[name])
                for name, item in value.items()
                if name in shape.members
            }
        case "list":
            return [as_it_is_inside(item, shape.member) for item in value]
        case "map":
            return {key: as_it_is_inside(item, shape.value) for key, item in value.items()}
        case "timestamp":
            return value.timestamp()
        case "blob":
            return value if isinstance(value, bytes) else value.read()
        case _:
            return value
