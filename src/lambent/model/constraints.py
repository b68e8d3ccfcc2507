"""What the model demands of members, and AWS's own sentences for what is missing or wrong.

A shape is compiled once into closures that walk the members in the model's order and do nothing where the model demands
nothing. The sentences follow AWS's recordings (reference/lambda.md 14):

- `Value 'x' at 'functionName' failed to satisfy constraint: Member must ...` per broken rule, pattern before length;
- `Value null at 'tagKeys' ... Member must not be null` for what is required and absent; sensitive values are not shown;
- what a list holds, or a map, is told once at the list, with all rules of its members in brackets;
  lists that are told otherwise, and before the rest, are in `wording.told_first`;
- structures inside are told at their own path: `vpcConfig.subnetIds`, `tags.1.member.key`.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

from lambent.model import java
from lambent.model.names import lower_camel
from lambent.model.patterns import matches
from lambent.model.service import ShapeModel
from lambent.model.wording import Wording

Violations = Callable[[dict[str, Any]], list[str]]
"""Every constraint that the members break, in AWS's words; an empty list if none."""

_Check = Callable[[Any, str, list[str]], None]
"""Adds to the list what the value at the path breaks."""

_NOT_NULL = "must not be null"
_AT_MOST = "have length less than or equal to"


_Test = Callable[[Any], bool]


class _Rule(NamedTuple):
    """One demand of one shape."""

    broken_by: _Test
    demand: str  # what the member must do: "have length less than or equal to 64"


def violations_of(shape: ShapeModel, wording: Wording) -> Violations:
    """Compile the constraints of an operation's input."""
    check = _Compiler(wording).check(shape)

    def violations(members: dict[str, Any]) -> list[str]:
        found: list[str] = []
        if check is not None:
            check(members, "", found)
        return found

    return violations


class _Compiler:
    """Compiles shapes of one operation; a shape that holds itself is compiled once and finds itself again."""

    def __init__(self, wording: Wording) -> None:
        self._wording = wording
        self._structures: dict[str, list[tuple[str, str, str | None, _Check | None]]] = {}

    def check(self, shape: ShapeModel) -> _Check | None:
        """Checks a value with all that is inside it; None if nothing is demanded."""
        if shape.type == "structure":
            return self._structure(shape)
        own = self._own(shape)
        if shape.type == "list":
            return _both(own, self._elements(shape, shape.member, "Member must", list), self._inside_list(shape.member))
        if shape.type == "map":
            keys = self._elements(shape, shape.key, "Map keys must", list)
            values = self._elements(shape, shape.value, "Map value must", dict[str, Any].values)
            return _both(own, keys, values, self._inside_map(shape.value))
        return own

    def _own(self, shape: ShapeModel) -> _Check | None:
        """Rules on the value itself."""
        bounded = shape.name not in self._wording.lengths_checked_by_the_service
        rules = [
            (rule, self._sentence(shape, f"Member must {rule.demand}"))
            for rule in _told_alone(self._rules(shape))
            if bounded or not rule.demand.startswith(_AT_MOST)
        ]
        if not rules:
            return None
        if len(rules) == 1:
            ((broken_by, _), sentence), *_ = rules

            def one(value: Any, path: str, found: list[str]) -> None:
                if broken_by(value):
                    found.append(sentence(value, path))

            return one

        def several(value: Any, path: str, found: list[str]) -> None:
            for rule, sentence in rules:
                if rule.broken_by(value):
                    found.append(sentence(value, path))

        return several

    def _elements(
        self, container: ShapeModel, element: ShapeModel, lead: str, elements: Callable[[Any], Iterable[Any]]
    ) -> _Check | None:
        """Rules on what a container holds, told once for all of it."""
        rules = self._rules(element)
        nulls = container.traits.sparse or lead == "Map keys must"
        demand = self._demand_of_elements(container, element, rules, nulls=nulls)
        sentence = self._sentence(container, f"{lead} satisfy {demand}", hidden=element)

        breaks = [rule.broken_by for rule in rules]

        def check(value: Any, path: str, found: list[str]) -> None:
            for item in elements(value):
                if item is None:
                    if nulls:
                        continue
                elif not any(broken_by(item) for broken_by in breaks):
                    continue
                found.append(sentence(value, path))
                return

        def no_nulls(value: Any, path: str, found: list[str]) -> None:
            if None in elements(value):
                found.append(sentence(value, path))

        if rules:
            return check
        return None if nulls else no_nulls

    def _demand_of_elements(
        self, container: ShapeModel, element: ShapeModel, rules: list[_Rule], *, nulls: bool
    ) -> str:
        """What elements must satisfy: every rule in brackets, but in lists that are `told_first`."""
        unnamed = self._wording.told_first.get(container.name)
        if unnamed is not None:
            named = [value for value in element.traits.enum if value not in unnamed]
            return f"enum value set: [{', '.join(java.hash_set_order(named))}]"
        demands = [f"Member must {rule.demand}" for rule in rules]
        told = self._wording.elements_not_null and container.name not in self._wording.nullable_elements
        if not nulls and (told or not demands):
            demands.append(f"Member {_NOT_NULL}")
        return f"constraint: [{', '.join(demands)}]"

    def _inside_list(self, element: ShapeModel) -> _Check | None:
        inside = self._inside(element)
        if inside is None:
            return None

        def check(value: Any, path: str, found: list[str]) -> None:
            for index, item in enumerate(value, 1):
                if item is not None:
                    inside(item, f"{path}.{index}.member", found)

        return check

    def _inside_map(self, element: ShapeModel) -> _Check | None:
        inside = self._inside(element)
        if inside is None:
            return None

        def check(value: Any, path: str, found: list[str]) -> None:
            for key, item in value.items():
                if item is not None:
                    inside(item, f"{path}.{key}.member", found)

        return check

    def _inside(self, element: ShapeModel) -> _Check | None:
        """Checks of a container's element but for those that are told at the container."""
        if element.type == "structure":
            return self._structure(element)
        if element.type == "list":
            return _both(
                self._elements(element, element.member, "Member must", list), self._inside_list(element.member)
            )
        if element.type == "map":
            keys = self._elements(element, element.key, "Map keys must", list)
            values = self._elements(element, element.value, "Map value must", dict[str, Any].values)
            return _both(keys, values, self._inside_map(element.value))
        return None

    def _structure(self, shape: ShapeModel) -> _Check | None:
        known = self._structures.get(shape.name)
        if known is None:
            known = self._structures[shape.name] = []
            first = self._wording.told_first
            for name, member in sorted(shape.members.items(), key=lambda item: item[1].name not in first):
                absent = self._absent(member) if name in shape.required else None
                ours = f"{shape.name}.{name}" not in self._wording.checked_by_the_operation
                check = self.check(member) if ours else None
                if absent or check:
                    known.append((name, lower_camel(name), absent, check))
            if not known:
                return None

        def structure(value: Any, path: str, found: list[str], members: Any = known) -> None:
            prefix = f"{path}." if path else ""
            for name, word, absent, check in members:
                given = value.get(name)
                if given is None:
                    if absent is not None:
                        found.append(absent.format(path=prefix + word))
                elif check is not None:
                    check(given, prefix + word, found)

        return structure

    def _absent(self, member: ShapeModel) -> str:
        shown = "Value null" if self._wording.echoes and not member.traits.sensitive else "Value"
        return f"{shown} at '{{path}}' failed to satisfy constraint: Member {_NOT_NULL}"

    def _sentence(
        self, shape: ShapeModel, constraint: str, *, hidden: ShapeModel | None = None
    ) -> Callable[[Any, str], str]:
        sensitive = shape.traits.sensitive or (hidden is not None and hidden.traits.sensitive)
        shown = self._wording.echoes and not sensitive
        return partial(_told, shape if shown else None, constraint)

    def _rules(self, shape: ShapeModel) -> list[_Rule]:
        """Demands on a value of the shape, in the order in which brackets list them."""
        traits, rules = shape.traits, list[_Rule]()
        if traits.enum:
            recorded = self._wording.enums.get(shape.name)
            order = java.recorded_order(traits.enum, recorded) if recorded else java.hash_set_order(traits.enum)
            rules.append(_Rule(_outside(frozenset(traits.enum)), f"satisfy enum value set: [{', '.join(order)}]"))
        if shape.type in ("string", "list", "map", "blob"):
            rules += _lengths(traits.min, traits.max)
        elif shape.type in ("integer", "long", "float", "double"):
            rules += _ranges(shape)
        if traits.pattern:
            shown = self._wording.patterns.get(shape.name, traits.pattern)
            rules.append(_Rule(_unlike(traits.pattern), f"satisfy regular expression pattern: {shown}"))
        return rules


def _told(shape: ShapeModel | None, constraint: str, value: Any, path: str) -> str:
    shown = "" if shape is None else f" '{java.to_string(value, shape)}'"
    return f"Value{shown} at '{path}' failed to satisfy constraint: {constraint}"


def _told_alone(rules: list[_Rule]) -> list[_Rule]:
    """Of one value, AWS tells the broken pattern before the broken length."""
    return sorted(rules, key=lambda rule: not rule.demand.startswith("satisfy regular"))


def _lengths(shortest: float | None, longest: float | None) -> list[_Rule]:
    rules: list[_Rule] = []
    if longest is not None:
        rules.append(_Rule(_longer(longest), f"{_AT_MOST} {longest}"))
    if shortest is not None:
        rules.append(_Rule(_shorter(shortest), f"have length greater than or equal to {shortest}"))
    return rules


def _ranges(shape: ShapeModel) -> list[_Rule]:
    least, most, rules = shape.traits.min, shape.traits.max, list[_Rule]()
    if most is not None:
        rules.append(_Rule(_greater(most), f"have value less than or equal to {java.to_string(most, shape)}"))
    if least is not None:
        rules.append(_Rule(_less(least), f"have value greater than or equal to {java.to_string(least, shape)}"))
    return rules


def _outside(known: frozenset[str]) -> _Test:
    def broken_by(value: Any) -> bool:
        return value not in known

    return broken_by


def _unlike(pattern: str) -> _Test:
    def broken_by(value: Any) -> bool:
        return not matches(pattern, value)

    return broken_by


def _longer(longest: float) -> _Test:
    def broken_by(value: Any) -> bool:
        return len(value) > longest

    return broken_by


def _shorter(shortest: float) -> _Test:
    def broken_by(value: Any) -> bool:
        return len(value) < shortest

    return broken_by


def _greater(most: float) -> _Test:
    def broken_by(value: Any) -> bool:
        return not value <= most  # which a NaN is not either

    return broken_by


def _less(least: float) -> _Test:
    def broken_by(value: Any) -> bool:
        return not value >= least

    return broken_by


def _both(*checks: _Check | None) -> _Check | None:
    """Checks one after the other."""
    present = [check for check in checks if check is not None]
    if len(present) < 2:
        return present[0] if present else None

    def together(value: Any, path: str, found: list[str]) -> None:
        for check in present:
            check(value, path, found)

    return together
