"""What a function finds at /opt, prepared once for all functions that have the same layers in the same order.

One layer is its own tree. More are merged into a tree of their own, beside the others in the code store, whose name is
made of their contents' digests: it is wanted as long as a version names it, collected as they are, and made again from
the layers' trees if a crash took it. A function without layers has nothing at /opt, and pays for nothing.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path
from typing import Final

import structlog

from lambent.core.errors import AwsError
from lambent.lambda_.code.store import CodeStore
from lambent.lambda_.layers.attached import AttachedLayers
from lambent.lambda_.layers.merging import merge

log: Final = structlog.get_logger()

NAMED_FOR: Final = b"lambent: layers merged in this order\n"  # so that the name is no archive's digest
EXTENSIONS_MAX: Final = 10  # of a function (Extensions API)
ENTRIES_LOOKED_AT: Final = 100  # of a layer's directory, before its function starts
NAME_LETTERS: Final = 128


def opt_digest(layers: AttachedLayers) -> str | None:
    """The name of the tree in the code store; None: there is none."""
    if len(layers) <= 1:
        return layers[0].code.digest if layers else None
    return hashlib.sha256(NAMED_FOR + "\n".join(layer.code.digest for layer in layers).encode()).hexdigest()


async def restore_opt(code: CodeStore, layers: AttachedLayers) -> None:
    """See that the tree is there. Raises OSError, PackageUnreadable."""
    with ExitStack() as held:
        trees = [held.enter_context(code.holding(layer.code.digest)) for layer in layers]
        for layer in layers:
            await code.restore(layer.code.digest)
        if len(trees) > 1 and (digest := opt_digest(layers)) is not None:
            await code.derive(digest, lambda root: merge(trees, root))


def has_extensions(code: CodeStore, layers: AttachedLayers) -> bool:
    """Whether one of the layers brings extensions, which AWS would start."""
    return any(_is_directory(code.tree(layer.code.digest) / "extensions") for layer in layers)


def _is_directory(path: Path) -> bool:
    """Whether it is one itself: where a symlink leads is for the guest to see."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def extensions(trees: Iterable[Path]) -> tuple[str, ...]:
    """The names of the files in /opt/extensions, each of which AWS would start: EXTENSIONS_MAX of them.

    `trees` are those of its layers. The names are for a line of its log: short, and of letters that can be printed.
    A directory that may not be read has none.
    """
    names: set[str] = set()
    for tree in trees:
        if _is_directory(tree / "extensions"):
            with suppress(PermissionError), os.scandir(tree / "extensions") as entries:
                looked_at = islice(entries, ENTRIES_LOOKED_AT)
                names.update(entry.name for entry in looked_at if not entry.is_dir(follow_symlinks=False))
    return tuple(ascii(name)[1:-1][:NAME_LETTERS] for name in sorted(names)[:EXTENSIONS_MAX])


async def restore_opts(code: CodeStore, every: Iterable[AttachedLayers]) -> None:
    """After a start: restore what is missing; whose layers cannot be restored is told in the log."""
    for layers in every:
        try:
            await restore_opt(code, layers)
        except (AwsError, OSError):
            log.exception("layers.not_restored", layers=[str(layer.arn) for layer in layers])
