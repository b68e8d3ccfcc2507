"""Which operation a method, a path and a query string mean: a tree of path segments, built once per service.

A fixed segment wins over a label, and of two operations on one path the one with more fixed query parameters wins
(`?find=LayerVersion`). A greedy label (`{Key+}`) takes all that is left but for the segments behind it. Labels are
decoded here and nowhere else; a path is split before it is decoded, so an encoded slash stays inside its label.

The way to an operation is remembered for paths that were asked before, within bounds: clients ask the same ones again.
"""

from bisect import insort
from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from lambent.model.service import ServiceModel
from lambent.wire.messages import Request

REMEMBERED: Final = 2048  # paths with their queries
REMEMBERED_CHARACTERS: Final = 512  # of one; longer ones are looked up each time

_Route = tuple[frozenset[str], str, tuple[str, ...]]  # fixed query parameters, operation, names of its labels in order


class _Node:
    """One segment of a path."""

    __slots__ = ("fixed", "greedy", "label", "routes")

    def __init__(self) -> None:
        self.fixed: dict[str, _Node] = {}
        self.label: _Node | None = None
        self.greedy: list[tuple[tuple[str, ...], _Node]] = []  # fixed segments behind the label, and what is there
        self.routes: dict[str, list[_Route]] = {}


class Router:
    """The paths of one service."""

    __slots__ = ("_remembered", "_root")

    def __init__(self, model: ServiceModel) -> None:
        self._root = _Node()
        self._remembered = lru_cache(REMEMBERED)(self._find)
        for name, operation in model.traits.operations.items():
            self._add(operation.http.method, operation.http.request_uri, name)

    def find(self, request: Request) -> tuple[str | None, Mapping[str, str]]:
        """The operation's name and its labels; None when the service has no such path."""
        path, query = request.path, request.query
        known = len(path) + len(query) <= REMEMBERED_CHARACTERS
        return (self._remembered if known else self._find)(request.method, path, query)

    def _find(self, method: str, path: str, query: str) -> tuple[str | None, Mapping[str, str]]:
        segments = path.split("/")
        values: list[str] = []
        found = self._straight(segments, values, method, query) or self._thorough(segments, values, method, query)
        if found is None:
            return None, {}
        _, name, labels = found
        return name, {
            label: unquote(value) if "%" in value else value for label, value in zip(labels, values, strict=True)
        }

    def _straight(self, segments: list[str], values: list[str], method: str, query: str) -> _Route | None:
        """The first way that `_walk` would try, with no way back: nearly every path is found so, in half the time."""
        node = self._root
        for segment in segments[1:]:
            below = node.fixed.get(segment)
            if below is None:
                below = node.label
                if below is None or not segment:
                    return None
                values.append(segment)
            node = below
        return _chosen(node, method, query)

    def _thorough(self, segments: list[str], values: list[str], method: str, query: str) -> _Route | None:
        values.clear()
        found = _walk(self._root, segments, 1, values, method, query)
        if found is None and not segments[-1] and len(segments) > 2:
            values.clear()
            found = _walk(self._root, segments[:-1], 1, values, method, query)
        return found

    def _add(self, method: str, uri: str, name: str) -> None:
        path, _, query = uri.partition("?")
        segments = path.rstrip("/").split("/")[1:] if path.rstrip("/") else []
        node, labels = self._root, list[str]()
        for index, segment in enumerate(segments):
            if segment.endswith("+}"):
                labels.append(segment[1:-2])
                behind = tuple(segments[index + 1 :])
                node = _greedy(node, behind)
                break
            if segment.startswith("{"):
                labels.append(segment[1:-1])
                node.label = node = node.label or _Node()
            else:
                node = node.fixed.setdefault(segment, _Node())
        insort(
            node.routes.setdefault(method, []),
            (frozenset(part for part in query.split("&") if part), name, tuple(labels)),
            key=lambda route: -len(route[0]),
        )


def _greedy(node: _Node, behind: tuple[str, ...]) -> _Node:
    for known, end in node.greedy:
        if known == behind:
            return end
    end = _Node()
    node.greedy.append((behind, end))
    node.greedy.sort(key=lambda entry: -len(entry[0]))
    return end


def _walk(node: _Node, segments: list[str], at: int, values: list[str], method: str, query: str) -> _Route | None:
    """The route below `node` for what is left of the path; its labels' values are in `values`."""
    if at == len(segments) or (at == len(segments) - 1 and not segments[at] and at == 1):
        return _chosen(node, method, query)
    segment = segments[at]
    fixed = node.fixed.get(segment)
    if fixed is not None:
        found = _walk(fixed, segments, at + 1, values, method, query)
        if found is not None:
            return found
    if node.label is not None and segment:
        values.append(segment)
        found = _walk(node.label, segments, at + 1, values, method, query)
        if found is not None:
            return found
        values.pop()
    for behind, end in node.greedy:
        stop = len(segments) - len(behind)
        taken = "/".join(segments[at:stop])
        if taken and tuple(segments[stop:]) == behind:
            values.append(taken)
            found = _chosen(end, method, query)
            if found is not None:
                return found
            values.pop()
    return None


def _chosen(node: _Node, method: str, query: str) -> _Route | None:
    routes = node.routes.get(method)
    if routes is None:
        return None
    given: set[str] | None = None
    for route in routes:
        if not route[0]:
            return route
        if given is None:
            given = {part.removesuffix("=") for part in query.split("&")}
        if all(part.removesuffix("=") in given for part in route[0]):
            return route
    return None
