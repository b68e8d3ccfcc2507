"""What a start does about the code store: it collects what no row names, and restores what rows name and the disk has not.

Both begin with the question whether the rows are the right ones (marker.py). If not, nothing is collected, also not what is
deleted while Lambent runs, until the question is settled; Lambent starts all the same. Whatever is done is told in the log,
with the way back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from lambent.core.errors import AwsError
from lambent.lambda_.code.graveyard import GRAVE_TERM_S, size_bytes
from lambent.lambda_.code.marker import Marker
from lambent.lambda_.code.store import CodeStore
from lambent.lambda_.errors import PackageLost

NOTHING_COLLECTED: Final = "Nothing was collected: {objection}. {way_back}"
WAY_BACK: Final = (
    "Stop Lambent, put the right state.db back and start again; or, if this one is the right one, start once with "
    "--adopt-code: what it does not name then goes to {graveyard} for {days} days."
)
ARCHIVE_LOST: Final = (
    "It runs, and cannot be downloaded: upload it again, with UpdateFunctionCode or PublishLayerVersion."
)

log: Final = structlog.get_logger()


async def begin(code: CodeStore, marker: Marker, owners: Mapping[str, Sequence[str]], *, adopt: bool) -> None:
    """Collect and restore; `owners` are the contents that rows name, each with the ARNs of what is made of it.

    With `adopt`, the operator has said that the rows are the right ones.
    """
    code.clear()
    unnamed = code.unnamed()
    objection = None if adopt else marker.objection(len(unnamed))
    code.collecting = objection is None
    if objection is None:
        marker.believe()
        _collect(code, unnamed)
    else:
        days = round(GRAVE_TERM_S / 86400)
        way_back = WAY_BACK.format(graveyard=code.graveyard.directory, days=days)
        marker.doubt(NOTHING_COLLECTED.format(objection=objection, way_back=way_back))
        log.error("code.not_collected", reason=objection, packages=len(unnamed), way_back=way_back)
    for digest, arns in owners.items():
        await _restore(code, digest, arns)


def _collect(code: CodeStore, unnamed: set[str]) -> None:
    if not unnamed:
        return
    before = {grave.path for grave in code.graveyard.graves()}
    for digest in unnamed:
        code.collect(digest)
    graves = [grave.path for grave in code.graveyard.graves() if grave.path not in before]
    log.warning(
        "code.swept",
        reason="no function and no layer has these packages",
        packages=len(graves),
        bytes=sum(size_bytes(grave) for grave in graves),
        graveyard=str(code.graveyard.directory),
        kept_for_days=round(GRAVE_TERM_S / 86400),
        way_back="a file there is the zip as it was uploaded: UpdateFunctionCode takes it",
    )


async def _restore(code: CodeStore, digest: str, arns: Sequence[str]) -> None:
    try:
        await code.restore(digest)
    except PackageLost as lost:
        log.error("code.lost", digest=digest, of=list(arns), way_back=str(lost))  # noqa: TRY400  the trace says nothing
    except (AwsError, OSError):
        log.exception("code.not_restored", digest=digest, of=list(arns))
    else:
        if not code.archive(digest).exists():
            log.error("code.archive_lost", digest=digest, of=list(arns), way_back=ARCHIVE_LOST)
