"""What belongs to a function, or to one of its versions or aliases, and goes with it: aliases, policies, URLs, ...

Each kind of part is a struct of its own, beside the rules of its noun. A function holds its parts by kind and qualifier,
and the store keeps each as a row; neither knows what a kind means. What belongs to the function itself stands under
$LATEST, because nothing that AWS lets a caller hang on the one can be hung on the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final

import msgspec


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One kind of part; a subclass says under which name its rows are kept, which never changes."""

    KIND: ClassVar[str]


Attached = Mapping[tuple[type[Part], str], Part]  # by kind and qualifier
NOTHING_ATTACHED: Final[Attached] = MappingProxyType({})
