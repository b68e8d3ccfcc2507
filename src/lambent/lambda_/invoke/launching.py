"""Makes execution environments: what a function version is, turned into what a sandbox is started from.

Here the data plane meets the machine: the interpreter of the runtime is found once, its template is made once, and every
environment gets the version's code, layers, variables, limits and fresh credentials of its role. Code and layers stay in
the code store for as long as an environment has them mounted, whatever happens to the function.

While a runtime starts it has at least a whole processor, as in AWS, whose init phase is not throttled to the memory's share;
afterwards it has its share (1,769 MB are one processor).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime
from typing import Final

import msgspec
import structlog

from lambent.core.clock import Clock
from lambent.core.door import Door
from lambent.core.ids import Ids
from lambent.core.ports import LogSink, RoleCredentials, SessionCredentials
from lambent.lambda_.activation import CannotRun
from lambent.lambda_.code.store import CodeStore
from lambent.lambda_.environment.allowance import Allowance, Allowances
from lambent.lambda_.environment.environment import Environment
from lambent.lambda_.environment.facts import ON_DEMAND, Facts
from lambent.lambda_.environment.reports import JsonLog, PlatformLog, TextLog
from lambent.lambda_.functions import FunctionVersion
from lambent.lambda_.invoke.errors import RoleNotAssumable
from lambent.lambda_.invoke.placement import Changed
from lambent.lambda_.invoke.turns import Awaited, Turns
from lambent.lambda_.layers.opt import extensions, restore_opt
from lambent.lambda_.limits import PROVISIONED_INIT_MIN_S
from lambent.lambda_.runtimes.catalogue import CATALOGUE, Provider
from lambent.lambda_.runtimes.interpreters import Interpreters, Missing
from lambent.lambda_.runtimes.javascript_sdk import REMEDY, JavaScriptSdk
from lambent.lambda_.runtimes.speedups import REMEDY as SPEEDUPS
from lambent.lambda_.runtimes.templates import MIB_PER_CPU, Launcher, Visible
from lambent.lambda_.runtimes.variables import FunctionFacts
from lambent.lambda_.shapes import runtime_version_arn
from lambent.lambda_.states import Reason
from lambent.sandbox.contract import Assignment, Sandbox, SandboxError, Template
from lambent.sandbox.pool import Pool

log: Final = structlog.get_logger()

CREDENTIALS_S: Final = 12 * 3600  # an environment lives for a shorter time: Settings.max_age_s
SESSION_NAME_MIN: Final = 2  # characters; the model of STS, AssumeRole
INIT_CPUS: Final = 1.0
OpenDoor = Callable[[Sandbox, SessionCredentials, Allowance], Door | None]  # the guest's way to the gateway
SinkAt = Callable[[str, str, str], LogSink]  # the logs of a function, of an account in a region


class Launching:
    """Made once; `launch` is placement's, `prepare` is the control plane's."""

    def __init__(
        self,
        pool: Pool,
        visible: Visible,
        interpreters: Interpreters,
        sdk: JavaScriptSdk,
        credentials: RoleCredentials,
        sink_at: SinkAt,
        open_door: OpenDoor,
        endpoint_url: str,
        allowances: Allowances,
        clock: Clock,
        ids: Ids,
        *,
        init_timeout_s: float,
        log_bytes: int,
    ) -> None:
        self._pool: Final = pool
        self._visible: Final = visible
        self._interpreters: Final = interpreters
        self._sdk: Final = sdk
        self._credentials: Final = credentials
        self._sink_at: Final = sink_at
        self._open_door: Final = open_door
        self._endpoint_url: Final = endpoint_url
        self._allowances: Final = allowances
        self._clock: Final = clock
        self._ids: Final = ids
        self._init_timeout_s: Final = init_timeout_s
        self._log_bytes: Final = log_bytes
        self._launchers: Final[dict[str, Launcher]] = {}
        self._making: Final = asyncio.Lock()
        self._turns: Final = Turns()

    async def prepare(self, version: FunctionVersion) -> None:
        """See that the version can run here, and have its runtime started ahead. Raises CannotRun, SandboxError."""
        launcher = await self._launcher(version.runtime)
        await self._pool.warm(launcher.template_of(version.arn.account, version.memory_mib))

    def launch(
        self,
        code: CodeStore,
        version: FunctionVersion,
        tasks: asyncio.TaskGroup,
        changed: Changed,
        kind: str,
        awaited: Awaited,
    ) -> Environment:
        """An environment for the version, of that initialization type, not started yet."""
        facts = Facts(
            version=version.version,
            runtime=runtime_version(version.runtime),
            runtime_arn=runtime_version_arn(version),
            memory_mib=version.memory_mib,
            cpus=version.memory_mib / MIB_PER_CPU,
            log_group=version.logging.group,
            log_stream=self._log_stream(version),
            timeout_s=version.timeout_s,
            init_timeout_s=self._init_timeout_s
            if kind == ON_DEMAND
            else max(PROVISIONED_INIT_MIN_S, version.timeout_s),
            initialization_type=kind,
            framed_log=CATALOGUE[version.runtime].frames_log,
            extensions=extensions(code.tree(layer.code.digest) for layer in version.layers),
            log_bytes=self._log_bytes,
        )
        allowance = self._allowances.of(cpus=facts.cpus, memory_mib=facts.memory_mib)
        first = iter([awaited])  # whoever resets it later has no other, and is bound by a deadline
        return Environment(
            facts,
            lambda vacated: self._sandbox(code, version, facts, allowance, vacated, next(first, None)),
            platform_log(version, kind),
            self._sink_at(version.arn.account, version.arn.region, version.arn.name),
            self._clock,
            tasks,
            changed,
            allowance,
        )

    @asynccontextmanager
    async def _sandbox(
        self,
        code: CodeStore,
        version: FunctionVersion,
        facts: Facts,
        allowance: Allowance,
        vacated: Sandbox | None,
        awaited: Awaited | None,
    ) -> AsyncGenerator[Sandbox]:
        """A sandbox with the function in it, vacated at the end.

        Raises RoleNotAssumable, InvalidEntrypoint, PackageLost, SandboxError.
        """
        launcher = await self._launcher(version.runtime)
        opt, session = version.opt_digest, self._role_session(version)
        with code.holding(version.code_digest) as code_dir, code.holding(opt) if opt else nullcontext() as layers_dir:
            if not code_dir.exists() or (layers_dir is not None and not layers_dir.exists()):
                await code.restore(version.code_digest)
                await restore_opt(code, version.layers)
            assignment = launcher.assignment(
                FunctionFacts(
                    name=version.arn.name,
                    version=version.version,
                    handler=version.handler,
                    memory_mib=version.memory_mib,
                    tmp_mib=version.tmp_mib,
                    region=version.arn.region,
                    log_group=version.logging.group,
                    log_stream=facts.log_stream,
                    log_format=version.logging.format,
                    log_level=version.logging.application_level,
                    code_dir=code_dir,
                    layers_dir=layers_dir,
                    variables=version.environment or {},
                    credentials=session,
                    initialization_type=facts.initialization_type,
                    endpoint_url=self._endpoint_url,
                )
            )
            template = launcher.template_of(version.arn.account, version.memory_mib)
            async with self._turns.turn(version.arn.name, awaited):
                sandbox = await self._started(template, boosted(assignment), vacated)
            try:
                door = self._open_door(sandbox, session, allowance)
                try:
                    yield sandbox
                finally:
                    if door is not None:
                        door.close()
            except BaseException:
                await sandbox.vacate()  # else its environment has done so, within a bound
                raise

    async def _started(self, template: Template, assignment: Assignment, vacated: Sandbox | None) -> Sandbox:
        """Start the function in what a vacated sandbox has left; in a new one if there is none, or it cannot be used."""
        if vacated is not None and not vacated.vacant:
            log.info("environment.replaced", reason="reset_out_of_time", template=template.name)
        elif vacated is not None:
            try:
                return await self._pool.restart(vacated, assignment)
            except SandboxError as error:
                log.warning("environment.replaced", reason="not_restarted", why=str(error), template=template.name)
        return await self._pool.start(template, assignment)

    def _role_session(self, version: FunctionVersion) -> SessionCredentials:
        try:
            return self._credentials.issue(version.role, session_name(version.arn.name), CREDENTIALS_S)
        except LookupError:
            raise RoleNotAssumable from None

    async def _launcher(self, runtime_id: str) -> Launcher:
        """The runtime on this machine, looked for once. Raises CannotRun."""
        known = self._launchers.get(runtime_id)
        if known is not None:
            return known
        async with self._making:
            runtime = CATALOGUE[runtime_id]
            interpreter = await self._interpreters.find(runtime)
            if isinstance(interpreter, Missing):
                raise CannotRun(Reason.INVALID_RUNTIME, str(interpreter))
            if runtime.provider is Provider.NODE and self._sdk.modules is None:
                log.warning(
                    "runtime.without_sdk", runtime=runtime_id, lacks="the AWS SDK for JavaScript", remedy=REMEDY
                )
            made = await asyncio.to_thread(Launcher, runtime, interpreter, self._visible, self._sdk)
            if not made.json_is_compiled:
                log.warning("runtime.without_compiled_json", runtime=runtime_id, remedy=SPEEDUPS)
            return self._launchers.setdefault(runtime_id, made)

    def _log_stream(self, version: FunctionVersion) -> str:
        day = datetime.fromtimestamp(self._clock.now(), UTC)
        return f"{day:%Y/%m/%d}/[{version.version}]{self._ids.hex(32)}"


def session_name(function_name: str) -> str:
    """What the session of a function's role is called: the function's name, where STS takes it; recorded."""
    return function_name if len(function_name) >= SESSION_NAME_MIN else f"{function_name}@lambda_function"


def boosted(assignment: Assignment) -> Assignment:
    """The assignment with what the init phase has of processor time."""
    limits = assignment.limits
    return msgspec.structs.replace(assignment, limits=msgspec.structs.replace(limits, cpus=max(limits.cpus, INIT_CPUS)))


def platform_log(version: FunctionVersion, initialization_type: str) -> PlatformLog:
    if version.logging.format == "JSON":
        return JsonLog(version.logging.system_level or "INFO", initialization_type)
    return TextLog()


def runtime_version(runtime_id: str) -> str:
    """The version of a runtime as INIT_START names it, such as python:3.11.v1: of each there is one build, the machine's."""
    row = CATALOGUE[runtime_id]
    return f"{row.family}:{row.version or row.id.partition('.')[2]}.v1"
