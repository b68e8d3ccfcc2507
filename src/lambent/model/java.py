"""How Java writes values, because AWS's sentences show them that way: `[a, b]`, `{k=v}`, `1.0`, `null`."""

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

from lambent.model.names import lower_camel
from lambent.model.service import ShapeModel

BUCKETS: Final = 32  # of the table behind the one long recorded list that is no HashSet


def to_string(value: Any, shape: ShapeModel) -> str:
    """The value as Java's `toString` of the type that AWS makes of the shape."""
    if value is None:
        return "null"
    match shape.type:
        case "list":
            return f"[{', '.join(to_string(item, shape.member) for item in value)}]"
        case "map":
            pairs = (f"{to_string(key, shape.key)}={to_string(item, shape.value)}" for key, item in value.items())
            return f"{{{', '.join(pairs)}}}"
        case "structure" if shape.members:
            given: dict[str, Any] = value
            fields = (
                f"{lower_camel(name)}={to_string(given.get(name), member)}" for name, member in shape.members.items()
            )
            return f"{shape.name}({', '.join(fields)})"
        case "boolean":
            return "true" if value else "false"
        case "float" | "double":
            return double(float(value))
        case "blob":
            return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
        case _:
            return str(value)


def double(value: float) -> str:
    """A double as Java prints it: `1.0`, `1.5E10`, `NaN`, `Infinity`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    sign, digits, _ = Decimal(repr(value)).normalize().as_tuple()
    first, *rest = map(str, digits)
    return f"{'-' if sign else ''}{first}.{''.join(rest) or '0'}E{Decimal(repr(value)).adjusted()}"


def hash_code(text: str) -> int:
    """`String.hashCode` of a text within the basic plane, as an unsigned 32-bit number."""
    code = 0
    for letter in text:
        code = (31 * code + ord(letter)) & 0xFFFFFFFF
    return code


def hash_set_order(values: Sequence[str]) -> list[str]:
    """The order in which `new HashSet<>(values.size())`, filled with the values, gives them back.

    AWS's "enum value set: [...]" looks like such a set: `[RESPONSE_STREAM, BUFFERED]`, `[NONE, AWS_IAM]`, `[OPTIONAL,
    OFF, ON]` and the recorded list of twenty-five runtimes come out of it. A few recorded ones do not: they are in
    `wording`.
    """
    capacity = 1
    while capacity < len(values):
        capacity *= 2
    while len(values) * 4 > capacity * 3:
        capacity *= 2
    buckets: dict[int, list[str]] = {}
    for value in values:
        code = hash_code(value)
        buckets.setdefault((code ^ (code >> 16)) & (capacity - 1), []).append(value)
    return [value for bucket in sorted(buckets) for value in buckets[bucket]]


def recorded_order(values: Iterable[str], recorded: Sequence[str]) -> list[str]:
    """The values in the order of a recorded list, which may have others and lack some of them.

    The recorded list of fifty-six runtimes goes by the lowest five bits of `String.hashCode`, without exception. A value that
    it lacks stands behind the others with the same bits; where AWS has it among those, nobody has seen.
    """
    given = list(values)
    order = [value for value in recorded if value in given]
    for value in given:
        if value not in recorded:
            bucket = hash_code(value) % BUCKETS
            behind = (place for place, other in enumerate(order) if hash_code(other) % BUCKETS > bucket)
            order.insert(next(behind, len(order)), value)
    return order
