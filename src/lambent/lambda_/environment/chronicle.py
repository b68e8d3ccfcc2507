"""The platform's own lines in an environment's log: what happened, with the numbers that only their order tells.

How a line reads is `reports`' matter, and where it goes the `Journal`'s. Here is what of one line depends on those before
it: an initialisation is in the REPORT of the first invocation after it and in no other, and lines of the guest that were
dropped are told before the END of the invocation that wrote them.
"""

from __future__ import annotations

from typing import Final

from lambent.core.clock import Clock
from lambent.lambda_.environment.facts import ON_DEMAND, Facts
from lambent.lambda_.environment.failures import Failure
from lambent.lambda_.environment.journal import Journal
from lambent.lambda_.environment.reports import InitReport, PlatformLog, Report
from lambent.lambda_.environment.runtime_api import Invocation


class Chronicle:
    """Writes the lines of one environment."""

    __slots__ = ("_clock", "_facts", "_journal", "_log", "init_ms", "memory_used_mib")

    def __init__(self, facts: Facts, log: PlatformLog, journal: Journal, clock: Clock) -> None:
        self._facts: Final = facts
        self._log: Final = log
        self._journal: Final = journal
        self._clock: Final = clock
        self.init_ms: float | None = None  # of an initialisation that no invocation has reported yet
        self.memory_used_mib = 0  # the most that was used, when last looked at

    def init_start(self) -> None:
        """INIT begins."""
        now_ms = self._journal.now_ms()
        lines = self._log.init_start(now_ms, self._facts.runtime, self._facts.runtime_arn)
        if self._facts.extensions:
            lines += self._log.not_started(now_ms, self._facts.extensions)
        self._journal.write(now_ms, lines)

    def init_report(self, phase: str, started: float, failure: Failure | None) -> None:
        """INIT has ended, which began at `started` on the monotonic clock, in a way that no REPORT tells."""
        status = "success" if failure is None else failure.status
        report = InitReport(
            duration_ms=(self._clock.monotonic() - started) * 1000,
            phase=phase,
            status=status,
            error_type=failure.error_type if failure is not None and status == "error" else None,
        )
        now_ms = self._journal.now_ms()
        self._journal.write(now_ms, self._log.init_report(now_ms, report))

    def start(self, invocation: Invocation) -> None:
        """The invocation begins."""
        now_ms = self._journal.now_ms()
        self._journal.write(
            now_ms, self._log.start(now_ms, invocation.request_id, self._facts.version, invocation.tenant_id)
        )

    def failure(self, request_id: str, failure: Failure) -> None:
        """The invocation has failed, and its runtime has said nothing of that."""
        now_ms = self._journal.now_ms()
        sentence = failure.sentence(request_id)
        self._journal.write(now_ms, self._log.failure(now_ms, request_id, sentence, failure.error_type))

    def end(self, invocation: Invocation, took_s: float, status: str, error_type: str | None) -> None:
        """The invocation has ended: END and REPORT."""
        report = Report(
            request_id=invocation.request_id,
            duration_ms=took_s * 1000,
            memory_mib=self._facts.memory_mib,
            memory_used_mib=min(self.memory_used_mib, self._facts.memory_mib),
            init_ms=self.init_ms,
            init_billed=self._facts.initialization_type == ON_DEMAND,
            status=status,
            error_type=error_type,
            tenant_id=invocation.tenant_id,
        )
        self.init_ms = None
        self.note_lost()
        now_ms = self._journal.now_ms()
        self._journal.write(now_ms, self._log.end(now_ms, report))

    def note_lost(self) -> None:
        """Say how much of the log is missing, if some is."""
        events, size_bytes = self._journal.take_lost()
        if events:
            now_ms = self._journal.now_ms()
            self._journal.write(now_ms, self._log.lost(now_ms, events, size_bytes, self._facts.log_bytes))
