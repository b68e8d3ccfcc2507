"""The lines that the platform itself writes to a function's log: START, END, REPORT, INIT_REPORT and the failures.

Text is as recorded from AWS (reference/lambda.md 2.6); JSON lines are the Telemetry API's events (2.9), kept or left
out by the function's SystemLogLevel. Durations have two decimals, billed durations are whole milliseconds rounded up,
and since August 2025 the initialisation is billed (lambda.md 8).
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import msgspec

from lambent.core.log_loss import loss, magnitude

SYSTEM_LEVELS: Final = {"DEBUG": 0, "INFO": 1, "WARN": 2}


NO_EXTENSIONS: Final = "Lambent does not run extensions yet; the function runs without them"
INVOCATION_LIMIT: Final = "one invocation may log {limit} (log_invocation_bytes)"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How one invocation went."""

    request_id: str
    duration_ms: float
    memory_mib: int
    memory_used_mib: int
    init_ms: float | None = None  # only of an environment's first invocation
    init_billed: bool = True  # with this invocation; not of an environment that was provisioned before
    status: str = "success"  # success | error | timeout
    error_type: str | None = None
    tenant_id: str | None = None

    @property
    def billed_ms(self) -> int:
        return math.ceil(self.duration_ms + (self.init_ms or 0.0 if self.init_billed else 0.0))


class InitReport(msgspec.Struct, frozen=True, kw_only=True):
    """An initialisation that failed, or that came before any invocation (provisioned concurrency)."""

    duration_ms: float
    phase: str  # init | invoke
    status: str  # success | error | timeout
    error_type: str | None = None


class PlatformLog(Protocol):
    """Makes the platform's lines in one format; each answers the lines to write, none if the level hides it."""

    def init_start(self, now_ms: int, runtime: str, arn: str) -> list[str]: ...
    def not_started(self, now_ms: int, extensions: Sequence[str]) -> list[str]: ...
    def init_report(self, now_ms: int, report: InitReport) -> list[str]: ...
    def start(self, now_ms: int, request_id: str, version: str, tenant_id: str | None) -> list[str]: ...
    def failure(self, now_ms: int, request_id: str, message: str, error_type: str) -> list[str]: ...
    def lost(self, now_ms: int, events: int, size_bytes: int, limit_bytes: int) -> list[str]: ...
    def end(self, now_ms: int, report: Report) -> list[str]: ...


class TextLog(PlatformLog):
    def init_start(self, now_ms: int, runtime: str, arn: str) -> list[str]:
        del now_ms  # a line of text has the time that the log gives it
        return [f"INIT_START Runtime Version: {runtime}\tRuntime Version ARN: {arn}\n"]

    def not_started(self, now_ms: int, extensions: Sequence[str]) -> list[str]:
        del now_ms
        return [f"[lambent] /opt/extensions is not started: {', '.join(extensions)}. {NO_EXTENSIONS}\n"]

    def init_report(self, now_ms: int, report: InitReport) -> list[str]:
        del now_ms
        line = f"INIT_REPORT Init Duration: {report.duration_ms:.2f} ms\tPhase: {report.phase}\tStatus: {report.status}"
        return [line + (f"\tError Type: {report.error_type}" if report.error_type else "") + "\n"]

    def start(self, now_ms: int, request_id: str, version: str, tenant_id: str | None) -> list[str]:
        del now_ms, tenant_id  # which only JSON lines tell
        return [f"START RequestId: {request_id} Version: {version}\n"]

    def failure(self, now_ms: int, request_id: str, message: str, error_type: str) -> list[str]:
        if error_type == "Sandbox.Timedout":
            return [f"{timestamp(now_ms)} {request_id} {message.partition(' Error: ')[2]}\n\n"]
        return [f"{message}\n{error_type}\n"]

    def lost(self, now_ms: int, events: int, size_bytes: int, limit_bytes: int) -> list[str]:
        del now_ms
        return [loss(events, size_bytes, INVOCATION_LIMIT.format(limit=magnitude(limit_bytes))) + "\n"]

    def end(self, now_ms: int, report: Report) -> list[str]:
        del now_ms
        line = (
            f"REPORT RequestId: {report.request_id}\tDuration: {report.duration_ms:.2f} ms\t"
            f"Billed Duration: {report.billed_ms} ms\tMemory Size: {report.memory_mib} MB\t"
            f"Max Memory Used: {report.memory_used_mib} MB\t"
        )
        if report.init_ms is not None:
            line += f"Init Duration: {report.init_ms:.2f} ms\t"
        if report.status == "timeout":
            line += "Status: timeout"
        elif report.error_type is not None:  # a function that raised has none, and AWS's line then says nothing of it
            line += f"Status: error\tError Type: {report.error_type}"
        return [f"END RequestId: {report.request_id}\n", line + "\n"]


class JsonLog(PlatformLog):
    """Lines as Telemetry events; `level` is the function's SystemLogLevel."""

    def __init__(self, level: str, initialization_type: str = "on-demand") -> None:
        self._level: Final = SYSTEM_LEVELS[level]
        self._initialization_type: Final = initialization_type

    def init_start(self, now_ms: int, runtime: str, arn: str) -> list[str]:
        record = {
            "initializationType": self._initialization_type,
            "phase": "init",
            "runtimeVersion": runtime,
            "runtimeVersionArn": arn,
        }
        return self._line(now_ms, "platform.initStart", "INFO", record)

    def not_started(self, now_ms: int, extensions: Sequence[str]) -> list[str]:
        reason = {
            "state": "LaunchError",
            "events": list[str](),
            "errorType": "Extension.LaunchError",
            "reason": NO_EXTENSIONS,
        }
        return [
            line
            for name in extensions
            for line in self._line(now_ms, "platform.extension", "WARN", {"name": name} | reason)
        ]

    def init_report(self, now_ms: int, report: InitReport) -> list[str]:
        record = {
            "initializationType": self._initialization_type,
            "phase": report.phase,
            "status": report.status,
            "metrics": {"durationMs": round(report.duration_ms, 3)},
        } | ({"errorType": report.error_type} if report.error_type else {})
        level = "INFO" if report.status == "success" else "WARN"
        return self._line(now_ms, "platform.initReport", level, record)

    def start(self, now_ms: int, request_id: str, version: str, tenant_id: str | None) -> list[str]:
        record = {"requestId": request_id, "version": version} | tenant(tenant_id)
        return self._line(now_ms, "platform.start", "INFO", record)

    def failure(self, now_ms: int, request_id: str, message: str, error_type: str) -> list[str]:
        del now_ms, request_id, message, error_type
        return []  # the report says it

    def lost(self, now_ms: int, events: int, size_bytes: int, limit_bytes: int) -> list[str]:
        reason = INVOCATION_LIMIT.format(limit=magnitude(limit_bytes))
        record = {"droppedRecords": events, "droppedBytes": size_bytes, "reason": reason}
        return self._line(now_ms, "platform.logsDropped", "WARN", record)

    def end(self, now_ms: int, report: Report) -> list[str]:
        metrics: dict[str, float] = {
            "durationMs": round(report.duration_ms, 3),
            "billedDurationMs": report.billed_ms,
            "memorySizeMB": report.memory_mib,
            "maxMemoryUsedMB": report.memory_used_mib,
        }
        if report.init_ms is not None:
            metrics["initDurationMs"] = round(report.init_ms, 3)
        record = {"requestId": report.request_id, "status": report.status, "metrics": metrics}
        if report.error_type:
            record["errorType"] = report.error_type
        level = "INFO" if report.status == "success" else "WARN"
        done = {
            "requestId": report.request_id,
            "status": report.status,
            "metrics": {"durationMs": metrics["durationMs"]},
        } | tenant(report.tenant_id)
        return self._line(now_ms, "platform.runtimeDone", "DEBUG", done) + self._line(
            now_ms, "platform.report", level, record
        )

    def _line(self, now_ms: int, kind: str, level: str, record: dict[str, Any]) -> list[str]:
        if SYSTEM_LEVELS[level] < self._level:
            return []
        event = {"time": timestamp(now_ms), "type": kind, "record": record}
        return [json.dumps(event, separators=(",", ":")) + "\n"]


def tenant(tenant_id: str | None) -> dict[str, str]:
    """What an event says of the tenant, if there is one."""
    return {} if tenant_id is None else {"tenantId": tenant_id}


def timestamp(epoch_ms: int) -> str:
    """A moment as the platform writes it: 2026-11-23T09:00:00.000Z."""
    moment = datetime.fromtimestamp(epoch_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{epoch_ms % 1000:03d}Z"
