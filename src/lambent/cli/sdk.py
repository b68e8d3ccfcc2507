"""`lambent sdk`: install AWS's SDK for JavaScript for Node.js functions, from npm; needs no server."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from lambent.cli import Run
from lambent.cli.errors import Failed
from lambent.cli.terminal import show
from lambent.lambda_.runtimes.javascript_sdk import LOCK, MANIFEST, JavaScriptSdk, digest, javascript_sdk, names

PACKAGE: Final = re.compile(r"@(aws|aws-crypto|aws-sdk|smithy)/[a-z0-9][a-z0-9-]*(@[A-Za-z0-9.^~<>=*-]+)?")
QUIETLY: Final = ("--no-audit", "--no-fund", "--no-update-notifier", "--ignore-scripts", "--loglevel=error")
UMASK: Final = 0o022  # guests are other users
TYPES: Final = "dist-types"  # TypeScript's, two thirds of all: no program reads them


def sdk(parser: argparse.ArgumentParser) -> Run:
    parser.add_argument(
        "packages",
        nargs="*",
        type=package,
        metavar="PACKAGE",
        help="a package of AWS's that is not among those installed anyway, such as @aws-sdk/client-glacier",
    )
    parser.epilog = (
        "Node.js functions find it where AWS's runtimes have it, after their own packages and those of their layers. A "
        "Lambent that is running has it after a restart. "
        "Exit status: 0 it is there, 1 it could not be installed, 2 called wrongly."
    )
    return run


def package(word: str) -> str:
    """The word, if it names a package of AWS's: it becomes a word of a command line."""
    if PACKAGE.fullmatch(word) is None:
        raise argparse.ArgumentTypeError(f"{word} is no package of AWS's, such as @aws-sdk/client-glacier")
    return word


def run(given: argparse.Namespace) -> int:
    place = javascript_sdk()
    if place.is_current() and not given.packages:
        show(f"The AWS SDK for JavaScript is in {place.directory}.")
        return 0
    if shutil.which("npm") is None:
        raise Failed(
            "npm fetches the AWS SDK for JavaScript, and there is none here. It comes with Node.js (Debian: apt-get install "
            "npm). Without it, functions bring the SDK in their packages or in a layer"
        )
    try:
        install(place, given.packages)
    except OSError as error:
        raise Failed(f"the AWS SDK for JavaScript cannot be installed in {place.directory}: {error.strerror}") from None
    show(f"The AWS SDK for JavaScript is in {place.directory}; a Lambent that is running has it after a restart.")
    return 0


def install(place: JavaScriptSdk, more: Sequence[str]) -> None:
    """Bring it up to date, with what had been added to it before and `more`. Raises Failed, OSError."""
    current, added = place.is_current(), place.packages() - names(MANIFEST)
    place.directory.mkdir(parents=True, exist_ok=True)
    place.mark.unlink(missing_ok=True)
    if not current:
        for file in (MANIFEST, LOCK):
            shutil.copyfile(file, place.directory / file.name)
        show(f"Fetching {len(names(MANIFEST))} packages of the AWS SDK for JavaScript, which takes a minute.")
        npm(place.directory, "ci")
        more = [*sorted(added), *more]
    if more:
        npm(place.directory, "install", *more)
    for types in [*place.directory.rglob(TYPES)]:
        shutil.rmtree(types)
    place.mark.write_text(digest())


def npm(directory: Path, command: str, *words: str) -> None:
    """Run it there; what it has to say it says itself. Raises Failed."""
    done = subprocess.run(["npm", command, *QUIETLY, *words], cwd=directory, umask=UMASK, check=False)
    if done.returncode != 0:
        raise Failed(f"npm {command} has failed in {directory}, with exit status {done.returncode}")
