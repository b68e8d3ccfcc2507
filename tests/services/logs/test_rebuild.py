"""A `kill -9` while a file is written anew leaves the old one or the new one, whole."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import apsw
import pytest

from lambent.services.logs.service import MIGRATIONS
from lambent.storage.database import opened
from tests.mortal import mortal

REBUILD = """
import asyncio, sys
from pathlib import Path
from lambent.services.logs.service import MIGRATIONS
from lambent.storage.database import opened

async def main():
    async with opened(Path(sys.argv[1]), MIGRATIONS, "full") as database:
        print("ready", flush=True)
        await database.rebuild()
        print("rebuilt", flush=True)

asyncio.run(main())
"""
EVENTS = """
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
INSERT INTO events SELECT 1, i, i, 1, i, printf('%01000d', i) FROM n
"""


@pytest.mark.parametrize("after_s", [0.0, 0.02, 0.05, 0.1, 0.2, 0.4])
async def test_a_file_is_whole_when_its_rebuilding_was_killed(tmp_path: Path, after_s: float) -> None:
    file = tmp_path / "logs.db"
    async with opened(file, MIGRATIONS, "normal"):
        pass
    connection = apsw.Connection(str(file))
    connection.execute("PRAGMA auto_vacuum = NONE; VACUUM;").fetchall()
    connection.execute(EVENTS).fetchall()
    connection.close()
    process = subprocess.Popen(
        [sys.executable, "-c", REBUILD, str(file)],
        stdout=subprocess.PIPE,
        preexec_fn=mortal,  # noqa: PLW1509  no other thread runs that matters
    )
    assert process.stdout is not None
    assert await asyncio.to_thread(process.stdout.readline) == b"ready\n"
    time.sleep(after_s)
    process.kill()
    process.wait()
    process.stdout.close()
    async with opened(file, MIGRATIONS, "full") as database:
        ((verdict,),) = await database.scan(lambda on: on.execute("PRAGMA integrity_check").fetchall())
        ((count,),) = await database.scan(lambda on: on.execute("SELECT count(*) FROM events").fetchall())
        assert (verdict, count) == ("ok", 20_000)
        if not database.size().shrinks:
            await database.rebuild()
        assert database.size().shrinks
