"""The root key of a data directory, as a command reads it."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from lambent.cli.errors import Failed
from lambent.config import Config
from lambent.services.sts.access_keys import RootKey
from lambent.storage.directory import default_path


def data_directory(config: Config) -> Path:
    return config.data or default_path(os.environ)


def root_key(directory: Path) -> RootKey:
    """Raises Failed."""
    try:
        return msgspec.json.decode((directory / "root.key").read_bytes(), type=RootKey)
    except FileNotFoundError:
        raise Failed(
            f"there is no key in {directory} yet; the first `lambent up` makes it. If Lambent keeps its data elsewhere, "
            "name that directory with --data"
        ) from None
    except PermissionError:
        raise Failed(f"{directory} belongs to another user") from None
    except msgspec.DecodeError as error:
        raise Failed(f"{directory / 'root.key'} is damaged: {error}") from None
