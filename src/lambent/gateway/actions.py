"""Where a request itself says which operation it wants: `X-Amz-Target`, or `Action=` in its body or query."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote_plus

from lambent.wire.messages import Request

ACTION_MAX: Final = 256  # characters; the longest operation name of AWS has 77
FORM: Final = "application/x-www-form-urlencoded"


def target(request: Request) -> tuple[str, str | None]:
    """The prefix and the operation of `X-Amz-Target: Logs_20140328.PutLogEvents`; the operation is None without it."""
    value = request.headers.get("x-amz-target")
    if value is None:
        return "", None
    prefix, _, name = value.rpartition(".")
    return prefix, name


def action(request: Request) -> str | None:
    """The operation of a query request; None when it names none."""
    if request.body and request.headers.get("content-type", "").startswith(FORM):
        found = _parameter(request.body.decode("latin-1"), "Action=")
        if found is not None:
            return found
    return _parameter(request.query, "Action=")


def version(request: Request) -> str | None:
    """The API version of a query request, which tells apart services that share everything else."""
    if request.body and request.headers.get("content-type", "").startswith(FORM):
        found = _parameter(request.body.decode("latin-1"), "Version=")
        if found is not None:
            return found
    return _parameter(request.query, "Version=")


def _parameter(form: str, name: str) -> str | None:
    """The value of a parameter that is not repeated; found without taking the form apart, which may be large."""
    start = 0 if form.startswith(name) else form.find("&" + name) + 1
    if start == 0 and not form.startswith(name):
        return None
    start += len(name)
    end = form.find("&", start)
    value = form[start : end if end >= 0 else len(form)]
    return unquote_plus(value) if len(value) <= ACTION_MAX else None
