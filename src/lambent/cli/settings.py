"""Every setting of the configuration as a flag."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from lambent.config import Config, read, settings


def add_settings(parser: argparse.ArgumentParser) -> None:
    """A flag for each setting, with its sentence, its unit and its default as help."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML file with settings")
    for setting in settings():
        help_text = f"{setting.sentence} ({setting.unit}; default {setting.default}; {setting.variable})"
        options: dict[str, Any] = {"dest": setting.name, "default": None, "help": help_text.replace("%", "%%")}
        if setting.kind is bool:
            parser.add_argument(setting.flag, action=argparse.BooleanOptionalAction, **options)
        elif setting.choices:
            parser.add_argument(setting.flag, choices=setting.choices, **options)
        else:
            parser.add_argument(setting.flag, metavar=setting.kind.__name__.upper(), **options)


def configuration(given: argparse.Namespace) -> Config:
    """The configuration of flags, environment and file. Raises ConfigError."""
    flags = {s.name: getattr(given, s.name) for s in settings() if getattr(given, s.name) is not None}
    return read(flags, os.environ, given.config)
