"""The root key of a data directory, as a command reads it."""

from __future__ import annotations

import os
from pathlib import Path

from lambent.cli.errors import Failed
from lambent.config import Config
from lambent.services.sts.access_keys import ROOT_KEY, RootKey
from lambent.storage.directory import default_path
from lambent.storage.errors import SecretUnreadable, StorageError
from lambent.storage.secrets import read_secret


def data_directory(config: Config) -> Path:
    return config.data or default_path(os.environ)


def root_key(directory: Path) -> RootKey:
    """Raises Failed."""
    try:
        return RootKey.parse(read_secret(directory / ROOT_KEY))
    except FileNotFoundError:
        raise Failed(
            f"there is no key in {directory} yet; the first `lambent up` makes it. If Lambent keeps its data elsewhere, "
            "name that directory with --data"
        ) from None
    except SecretUnreadable as error:
        if not os.access(directory, os.X_OK):
            raise Failed(f"{directory} belongs to another user") from None
        raise Failed(str(error)) from None
    except StorageError as error:
        raise Failed(str(error)) from None
    except ValueError as error:
        raise Failed(f"{directory / ROOT_KEY} is damaged: {error}") from None
