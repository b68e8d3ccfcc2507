"""How long Python's `re`, which tries one way after the other, can take over a pattern: proven from its tree.

A repetition whose end the next letter tells (`[a-z]+:`) is forced. One that leaves open where it ends (`.*a`) is a fork,
tried at each letter. A pattern without forks takes time in proportion to the text; with one, to its square; with a fork
inside a repetition, to a power of two. Forks outside of repetitions that are no repetitions (optional parts, alternatives)
multiply the time by a number that depends on the pattern alone.

What it defends against: of the 4,994 patterns of AWS's models, 34 need years for sixty letters (`([ \\t]+[\\x20-\\x7E]+)*`
in EventBridge's HeaderValue) and 32 need minutes for ten thousand (`.*.+.*`). None of Lambda's, IAM's, STS's and Logs'.
"""

from math import inf

from lambent.model.regular import (
    Choice,
    Letters,
    Look,
    Node,
    Ranges,
    Repeat,
    Sequence,
    first,
    first_of,
    nullable,
    overlap,
    united,
)

_FEW = 4
"""`[a-z]{2,4}` is a fork with so few ways that it is none."""


def forks(pattern: Node) -> float:
    """How many repetitions leave open where they end, at most; infinite if one does inside another."""
    return _forks(pattern, (), looping=False)


def _forks(node: Node, behind: Ranges, *, looping: bool) -> float:
    """`behind`: the letters that may follow; `looping`: inside a repetition."""
    match node:
        case Letters():
            return 0
        case Sequence(parts):
            return sum(
                _forks(part, first_of(parts[at + 1 :], behind), looping=looping) for at, part in enumerate(parts)
            )
        case Choice(options):
            if looping and not _apart(options, behind):
                return inf
            return max(_forks(option, behind, looping=looping) for option in options)
        case Repeat():
            return _forks_of_repeat(node, behind, looping=looping)
        case Look(body):
            if looping:
                return 0 if isinstance(body, Letters) else inf
            return _forks(body, (), looping=False)


def _forks_of_repeat(node: Repeat, behind: Ranges, *, looping: bool) -> float:
    least, most, body = node.least, node.most, node.body
    begins = first(body)
    open_end = overlap(begins, behind)
    if most == 1:
        return inf if looping and open_end else _forks(body, behind, looping=looping)
    here = (inf if looping else 1) if open_end and least != most else 0
    if isinstance(body, Letters):
        few = most is not None and most - least <= _FEW and not looping
        return 0 if few else here
    if nullable(body):
        return inf
    return here + _forks(body, united([*begins, *behind]), looping=True)


def _apart(options: tuple[Node, ...], behind: Ranges) -> bool:
    """Whether the next letter says which option it is."""
    begins = [first_of((option,), behind) for option in options]
    return not any(overlap(some, other) for at, some in enumerate(begins) for other in begins[:at])
