"""A server that is going to be killed: starts guests on a backend, says so, and waits for its end."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from tests.contract.conftest import chosen
from tests.contract.stage import staged


async def main(backend_name: str, directory: str, token: str) -> None:
    async with chosen(backend_name) as backend, staged(backend, Path(directory)) as stage:
        for way in ("exec", "fork", "boot"):
            puppet = await stage.puppet(way)
            await puppet.does(f"""
                import subprocess
                subprocess.run(["setsid", "-f", "/bin/sh", "-c", "sleep 1000; : {token}"], check=True)
            """)
        sys.stdout.write("playing\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:], token=os.environ["TOKEN"]))
