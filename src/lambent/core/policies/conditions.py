"""Conditions of a statement: operators, keys, and the values that are wanted.

    operator = ["ForAllValues:" | "ForAnyValue:"] name ["IfExists"]

A key of the request is present with one or several values, absent, or unknown to us (`facts`). An absent key fails an
operator, passes a negated one (`StringNotEquals`), and passes any with `IfExists`; on one that is unknown nothing can
be told. Nor can it of a wanted value that is not of the operator's type, or holds a policy variable, or of several
values without `ForAll...` or `ForAny...`. Sources: IAM User Guide, "IAM JSON policy elements: Condition operators"
and "Set operators for multivalued context keys".
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import operator
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final

from lambent.core.policies import globs
from lambent.core.policies.facts import Facts
from lambent.core.policies.truth import Truth, every, negated, some

Conditions = Mapping[str, Mapping[str, tuple[str, ...]]]  # operator -> key -> values

FOR_ALL: Final = "ForAllValues:"
FOR_ANY: Final = "ForAnyValue:"
IF_EXISTS: Final = "IfExists"
NULL: Final = "Null"
VARIABLE: Final = "${"
NUMBER: Final = re.compile(r"[+-]?\d{1,64}(\.\d{1,64})?([eE][+-]?\d{1,3})?", re.ASCII)
EPOCH_S: Final = re.compile(r"-?\d{1,12}", re.ASCII)

Matcher = Callable[[str, str], bool]
"""Whether what is given is what is wanted, in this order: wanted, given. Raises ValueError when one is not of the type."""


def is_operator(text: str) -> bool:
    """Whether IAM has an operator of that name, set and `IfExists` included."""
    name = text.removeprefix(FOR_ALL) if text.startswith(FOR_ALL) else text.removeprefix(FOR_ANY)
    return text == NULL or name.removesuffix(IF_EXISTS) in OPERATORS


def hold(conditions: Conditions, facts: Facts, *, variables: bool) -> Truth:
    """Whether all of them hold; `variables`: whether `${` begins a policy variable."""
    return every(
        _holds(operator_, facts.of(key), wanted, variables=variables)
        for operator_, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _holds(text: str, given: tuple[str, ...] | None, wanted: tuple[str, ...], *, variables: bool) -> Truth:
    if given is None:
        return None
    if text == NULL:
        return some({"true": not given, "false": bool(given)}.get(value.lower()) for value in wanted)
    set_operator = next((each for each in (FOR_ALL, FOR_ANY) if text.startswith(each)), "")
    name = text.removeprefix(set_operator)
    found = OPERATORS.get(name.removesuffix(IF_EXISTS))
    if found is None:
        return None
    matches, is_negated = found
    if not given:
        return name.endswith(IF_EXISTS) or set_operator == FOR_ALL or (is_negated and not set_operator)
    if len(given) > 1 and not set_operator:
        return None
    quantified = every if set_operator == FOR_ALL else some
    return quantified(_agrees(matches, value, wanted, is_negated, variables) for value in given)


def _agrees(matches: Matcher, given: str, wanted: tuple[str, ...], is_negated: bool, variables: bool) -> Truth:
    """Whether one value of the request is among those wanted, or with a negated operator is not."""
    found = some(_compared(matches, value, given, variables) for value in wanted)
    return negated(found) if is_negated else found


def _compared(matches: Matcher, wanted: str, given: str, variables: bool) -> Truth:
    if variables and VARIABLE in wanted:
        return None
    try:
        return matches(wanted, given)
    except (ValueError, OverflowError):
        return None


# --- how each type compares ------------------------------------------------------------------------------------------


def arn_like(wanted: str, given: str) -> bool:
    """Compare the six parts of an ARN one by one, so that a wildcard stays within its part."""
    if wanted == "*":
        return True
    parts = wanted.split(":", 5), given.split(":", 5)
    if len(parts[0]) < 6:
        raise ValueError(wanted)
    return len(parts[1]) == 6 and all(map(globs.matches, *parts))


def _ignoring_case(wanted: str, given: str) -> bool:
    return wanted.lower() == given.lower()


def _bool(wanted: str, given: str) -> bool:
    if wanted.lower() not in ("true", "false"):
        raise ValueError(wanted)
    return _ignoring_case(wanted, given)


def _binary(wanted: str, given: str) -> bool:
    return _bytes(wanted) == _bytes(given)


def _ip(wanted: str, given: str) -> bool:
    return ipaddress.ip_address(given) in ipaddress.ip_network(wanted, strict=False)


def _compare(value_of: Callable[[str], Any], compare: Callable[[Any, Any], bool], wanted: str, given: str) -> bool:
    return compare(value_of(given), value_of(wanted))


def _number(text: str) -> Decimal:
    if not NUMBER.fullmatch(text):
        raise ValueError(text)
    return Decimal(text)


def _date(text: str) -> datetime:
    """A date of ISO 8601, in UTC if it names no other zone, or seconds of the Unix epoch."""
    if EPOCH_S.fullmatch(text):
        return datetime.fromtimestamp(int(text), UTC)
    date = datetime.fromisoformat(text)
    return (date.replace(tzinfo=UTC) if date.tzinfo is None else date).astimezone(UTC)


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(text) from error


def _ordered(prefix: str, value_of: Callable[[str], Any]) -> dict[str, tuple[Matcher, bool]]:
    """The six operators of a type that has an order."""
    return {
        f"{prefix}Equals": (partial(_compare, value_of, operator.eq), False),
        f"{prefix}NotEquals": (partial(_compare, value_of, operator.eq), True),
        f"{prefix}LessThan": (partial(_compare, value_of, operator.lt), False),
        f"{prefix}LessThanEquals": (partial(_compare, value_of, operator.le), False),
        f"{prefix}GreaterThan": (partial(_compare, value_of, operator.gt), False),
        f"{prefix}GreaterThanEquals": (partial(_compare, value_of, operator.ge), False),
    }


OPERATORS: Final[Mapping[str, tuple[Matcher, bool]]] = {  # operator -> how it compares, whether it is negated
    "StringEquals": (operator.eq, False),
    "StringNotEquals": (operator.eq, True),
    "StringEqualsIgnoreCase": (_ignoring_case, False),
    "StringNotEqualsIgnoreCase": (_ignoring_case, True),
    "StringLike": (globs.matches, False),
    "StringNotLike": (globs.matches, True),
    **_ordered("Numeric", _number),
    **_ordered("Date", _date),
    "Bool": (_bool, False),
    "BinaryEquals": (_binary, False),
    "IpAddress": (_ip, False),
    "NotIpAddress": (_ip, True),
    "ArnEquals": (arn_like, False),  # behaves as ArnLike
    "ArnNotEquals": (arn_like, True),
    "ArnLike": (arn_like, False),
    "ArnNotLike": (arn_like, True),
}
