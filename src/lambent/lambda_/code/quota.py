"""The code storage quota: how much the packages of all versions of functions and layers of an account in a region may take.

It is asked inside the transaction that adds code, of a sum that the database keeps (migrations), so that no two additions
can each take the last room. Every version counts, also where several have the same content: AWS's numbers are those of
versions, and what we save by keeping each content once is not the caller's.
"""

from __future__ import annotations

from typing import Final

import apsw

from lambent.core.errors import AwsError
from lambent.lambda_.rows import QUERIES


class CodeStorageExceeded(AwsError, code="CodeStorageExceededException"):
    """As users report it (serverless-next.js#1801)."""

    message = "Code storage limit exceeded."


class DiskReserved(AwsError, code="CodeStorageExceededException"):
    """Ours, in AWS's form: the quota is not used up, the disk is."""

    message = (
        "Code storage limit exceeded: the disk of this Lambent has only its reserve of {reserve_mib} MiB left. "
        "Delete functions or layers, or free some space, and try again."
    )


class UnpackedCodeExceeded(AwsError, code="CodeStorageExceededException"):
    """Ours, in AWS's form: AWS counts zips, and this disk keeps what they unpack to."""

    message = (
        "Code storage limit exceeded: unpacked, all code of this Lambent would take more than {limit_mib} MiB "
        "(unpacked_code_bytes). Delete functions or layers, and try again."
    )


class CodeQuota:
    """What every account may keep in every region."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes: Final = limit_bytes

    def check(self, connection: apsw.Connection, account: str, region: str, *, more_bytes: int = 0) -> None:
        """Refuse a transaction that has written too much, or would with `more_bytes`. Raises CodeStorageExceeded."""
        if code_size_bytes(connection, account, region) + more_bytes > self._limit_bytes:
            raise CodeStorageExceeded


def code_size_bytes(connection: apsw.Connection, account: str, region: str) -> int:
    """What the account keeps in the region."""
    row = QUERIES.select_code_size.row(connection, account=account, region=region)
    return 0 if row is None else row[0]
