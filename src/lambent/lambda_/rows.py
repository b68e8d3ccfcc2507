"""The rows of Lambda: its migrations, its queries, and how a struct becomes the JSON of a row's document."""

from __future__ import annotations

from typing import Final

import msgspec

from lambent.storage.migrations import migrations_of
from lambent.storage.queries import queries_of

PACKAGE: Final = __name__.rpartition(".")[0]
MIGRATIONS: Final = migrations_of(PACKAGE)
QUERIES: Final = queries_of(PACKAGE)

ENCODER: Final = msgspec.json.Encoder()


def text(value: object) -> str:
    """The document of a row."""
    return ENCODER.encode(value).decode()
