"""Settings of the configuration as flags: all of them for `lambent up`, a few for commands that speak to it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from lambent.config import Config, read, settings


def add_settings(parser: argparse.ArgumentParser, names: Collection[str] = Config.__struct_fields__) -> None:
    """A flag for each of these settings, with its sentence, its unit and its default as help."""
    group = parser.add_argument_group("settings", "Also from the environment and from a file.")
    group.add_argument("--config", type=Path, metavar="FILE", help="TOML file with settings")
    for setting in settings():
        if setting.name not in names:
            continue
        help_text = f"{setting.sentence} ({setting.unit}; default {setting.default}; {setting.variable})"
        options: dict[str, Any] = {"dest": setting.name, "default": None, "help": help_text.replace("%", "%%")}
        if setting.kind is bool:
            group.add_argument(setting.flag, action=argparse.BooleanOptionalAction, **options)
        elif setting.choices:
            group.add_argument(setting.flag, choices=setting.choices, **options)
        else:
            group.add_argument(setting.flag, metavar=setting.kind.__name__.upper(), **options)


def configuration(given: argparse.Namespace) -> Config:
    """The configuration of flags, environment and file. Raises ConfigError."""
    flags = {s.name: getattr(given, s.name, None) for s in settings()}
    return read({name: value for name, value in flags.items() if value is not None}, os.environ, given.config)
