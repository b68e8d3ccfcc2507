"""What Amazon Linux has and programs look for, where guests see it; the rest of their /usr is the host's.

    amazon_linux/every    /lambda-entrypoint.sh, /etc/services, /etc/protocols, ...
    amazon_linux/al2023   /etc/os-release, /etc/system-release, ... (Prisma chooses its engine by the first)
    /usr/bin/sh           bash, as on Amazon Linux, where the host has one and another sh
    /usr/lib/locale       en_US.UTF-8, for Amazon Linux 2: the LANG that functions have can be set as locale there, and
                          cannot on Amazon Linux 2023 (aws-lambda-base-images#229)

The locale is compiled once, when Lambent is installed (`tools/make_locale.sh`): that takes a second and a half. A host that
has it itself needs no other; one that has neither runs all functions but those that set it, and `lambent doctor` says so.
"""

from __future__ import annotations

import locale
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lambent.lambda_.runtimes.catalogue import Runtime
from lambent.lambda_.runtimes.share import share
from lambent.sandbox.contract import Mount

_FILES: Final = Path(__file__).parent / "amazon_linux"
_DIRECTORY: Final = {"Amazon Linux 2": "al2", "Amazon Linux 2023": "al2023"}
_WITH_LOCALE: Final = "Amazon Linux 2"
_OS_RELEASE: Final = Path("/usr/lib/os-release")
_LOCALE: Final = "en_US.UTF-8"
_LOCALES: Final = Path("/usr/lib/locale")
COMPILED: Final = share() / "locale"  # of tools/make_locale.sh, which says what is in it
_NO_LOCALE: Final = (
    "functions on {system} cannot set this locale, as they could in AWS; as root, `localedef -i en_US -f UTF-8 {locale}` "
    "makes it (its source is in Debian's package locales)"
)
_SH: Final = Path("/usr/bin/sh")
_BASH: Final = Path("/usr/bin/bash")


def base(runtime: Runtime) -> tuple[Path, ...]:
    """Return the directories whose files are laid into the root of the runtime's guests."""
    of_system = _DIRECTORY.get(runtime.os)
    return (_FILES / "every", *([_FILES / of_system] if of_system else []))


def mounts(runtime: Runtime) -> Iterator[Mount]:
    """What takes the place of something in the host's /usr: where there is nothing, nothing can be mounted."""
    of_system = _DIRECTORY.get(runtime.os)
    if of_system and _OS_RELEASE.is_file():
        yield Mount(_FILES / of_system / "etc/os-release", str(_OS_RELEASE))
    if _BASH.exists() and _SH.exists() and not _SH.samefile(_BASH):
        yield Mount(_BASH, str(_SH))
    if runtime.os == _WITH_LOCALE and COMPILED.is_dir() and _LOCALES.is_dir():
        yield Mount(COMPILED, str(_LOCALES))


def gaps() -> Iterator[tuple[str, str]]:
    """What this machine has not got of it: a name, and a sentence with what would change it."""
    if not _BASH.exists():
        yield "sh", "there is no bash, which is sh on Amazon Linux; scripts of custom runtimes may need it"
    if not (COMPILED.is_dir() or _host_has_locale()):
        yield _LOCALE, _NO_LOCALE.format(system=_WITH_LOCALE, locale=_LOCALE)


def _host_has_locale() -> bool:
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        _ = locale.setlocale(locale.LC_CTYPE, _LOCALE)
    except locale.Error:
        return False
    _ = locale.setlocale(locale.LC_CTYPE, before)
    return True
