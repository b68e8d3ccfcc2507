"""Where botocore's data files are, and which of them is the newest for a service.

botocore is found, never imported: its import costs half a second and a server needs only the JSON beside it.
"""

import gzip
import importlib.util
from pathlib import Path
from typing import Final

SERVICE_FILE: Final = "service-2.json"
PAGINATORS_FILE: Final = "paginators-1.json"


class ModelNotFound(LookupError):
    """botocore has no such service, or is not installed."""


def data_folder() -> Path:
    """The folder with one folder per service. Raises ModelNotFound."""
    spec = importlib.util.find_spec("botocore")
    if spec is None or not spec.submodule_search_locations:
        raise ModelNotFound("botocore is not installed")
    return Path(spec.submodule_search_locations[0]) / "data"


def service_names(folder: Path) -> list[str]:
    """Every service that botocore knows, by the name boto3 calls it."""
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir())


def newest_version(folder: Path, service: str) -> Path:
    """The folder of the newest API version of `service`. Raises ModelNotFound."""
    home = folder / service
    versions = [entry for entry in home.iterdir() if _find(entry, SERVICE_FILE)] if home.is_dir() else []
    if not versions:
        raise ModelNotFound(f"botocore has no model of {service!r}")
    return max(versions, key=lambda entry: entry.name)


def read(version: Path, file_name: str) -> bytes | None:
    """The JSON text of a file that may be compressed; None if the service has no such file."""
    path = _find(version, file_name)
    if path is None:
        return None
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


def _find(version: Path, file_name: str) -> Path | None:
    return next((path for path in (version / file_name, version / f"{file_name}.gz") if path.is_file()), None)
