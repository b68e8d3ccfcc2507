"""Matches a whole text in time that grows with the text alone, whatever the pattern: for those that would make `re` hang.

It stands at all the places of the pattern at once (Glushkov's automaton: a place is one occurrence of a set of letters)
and takes each letter of the text once. Where a letter leads from a set of places is kept, so that a text is mostly a walk
through dicts: 0.1 us a letter, about as `re`. What is kept is bounded, and begun anew when it is full.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from lambent.model.regular import Choice, Letters, Node, NotRegular, Repeat, Sequence

PLACES: Final = 4096  # of one pattern; `[a-z]{1,2000}` has two thousand
KEPT_STEPS: Final = 4096  # of one pattern

_Links = tuple[bool, frozenset[int], frozenset[int]]  # may be empty; the places it begins at; those it ends at


class _State:
    """A set of places, and where letters lead from it."""

    __slots__ = ("accepts", "places", "steps")

    def __init__(self, places: frozenset[int], *, accepts: bool) -> None:
        self.places: Final = places
        self.accepts: Final = accepts
        self.steps: Final[dict[str, _State]] = {}


class Automaton:
    """One pattern. Raises NotRegular for one that looks around, or has too many places."""

    def __init__(self, pattern: Node) -> None:
        self._letters: Final[list[Letters]] = []
        self._follow: Final[list[set[int]]] = []
        empty, begins, self._ends = self._linked(pattern)
        self._begin: Final = _State(frozenset({-1}), accepts=empty)
        self._begins: Final = begins
        self._states: Final[dict[frozenset[int], _State]] = {}
        self._kept = 0

    def matches(self, text: str) -> bool:
        """Whether the whole text is one of the pattern's."""
        state = self._begin
        for letter in text:
            next_state = state.steps.get(letter)
            if next_state is None:
                next_state = self._step(state, letter)
            if not next_state.places:
                return False
            state = next_state
        return state.accepts

    def _step(self, state: _State, letter: str) -> _State:
        if self._kept >= KEPT_STEPS:
            self._kept = 0
            self._states.clear()
            self._begin.steps.clear()
        reachable: Iterable[int] = (
            self._begins if state is self._begin else set[int]().union(*(self._follow[place] for place in state.places))
        )
        places = frozenset(place for place in reachable if self._letters[place].has(letter))
        found = self._states.get(places)
        if found is None:
            found = self._states[places] = _State(places, accepts=not places.isdisjoint(self._ends))
        state.steps[letter] = found
        self._kept += 1
        return found

    def _linked(self, node: Node) -> _Links:
        match node:
            case Letters():
                return self._place(node)
            case Sequence(parts):
                return self._chain(parts)
            case Choice(options):
                links = [self._linked(option) for option in options]
                return (
                    any(empty for empty, _, _ in links),
                    frozenset[int]().union(*(begins for _, begins, _ in links)),
                    frozenset[int]().union(*(ends for _, _, ends in links)),
                )
            case Repeat():
                return self._repeated(node)
            case _:
                raise NotRegular("it looks around")

    def _place(self, letters: Letters) -> _Links:
        if len(self._letters) == PLACES:
            raise NotRegular("too many places")
        self._letters.append(letters)
        self._follow.append(set())
        here = frozenset({len(self._letters) - 1})
        return False, here, here

    def _chain(self, parts: Iterable[Node]) -> _Links:
        empty, begins, ends = True, frozenset[int](), frozenset[int]()
        for part in parts:
            part_empty, part_begins, part_ends = self._linked(part)
            self._join(ends, part_begins)
            begins = begins | part_begins if empty else begins
            ends = ends | part_ends if part_empty else part_ends
            empty = empty and part_empty
        return empty, begins, ends

    def _repeated(self, node: Repeat) -> _Links:
        """A copy of the body per time; an endless repetition's last leads back to itself."""
        copies = [self._linked(node.body) for _ in range(max(node.least, 1) if node.most is None else node.most)]
        if not copies:
            return self._chain(())
        for (_, _, ends), (_, begins, _) in pairwise(copies):
            self._join(ends, begins)
        may_be_empty, begins, last = copies[-1]
        if node.most is None:
            self._join(last, begins)
        enough = copies if may_be_empty else copies[max(node.least - 1, 0) :]
        return may_be_empty or node.least == 0, copies[0][1], frozenset[int]().union(*(ends for _, _, ends in enough))

    def _join(self, ends: Iterable[int], begins: frozenset[int]) -> None:
        for end in ends:
            self._follow[end] |= begins
