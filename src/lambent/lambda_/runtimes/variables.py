"""The environment variables of an execution environment: AWS's, and the function's own.

Who wins (reference/lambda.md 2.7): what the runtime's image presets gives way to the function's variables; those give
way to the platform's, whose names the control plane has refused anyway. A function's variable that begins with `_`
never arrives. `_X_AMZN_TRACE_ID` is set by the runtime's client for each invocation.

Paths are those that the guest sees, so that the same variables are right where nothing is isolated.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from lambent.core.ports import SessionCredentials
from lambent.lambda_.runtimes.catalogue import Runtime
from lambent.sandbox.contract import LOG_DESCRIPTOR, RUNTIME_API_PORT

RUNTIME_API: Final = f"127.0.0.1:{RUNTIME_API_PORT}"
_STARTED_BY_A_SHELL: Final = ("python", "nodejs", "ruby", "dotnet")  # AWS's /var/runtime/bootstrap is a script of bash
_LOCALE: Final = frozenset({"LANG", "LC_ALL", "LC_CTYPE"})  # a function that sets one of them decides it


class FunctionFacts(Struct, frozen=True, kw_only=True):
    """What an execution environment is told of its function."""

    name: str
    version: str  # "$LATEST" or a number
    handler: str
    memory_mib: int
    region: str
    log_group: str
    log_stream: str
    code_dir: Path  # the unpacked package
    layers_dir: Path | None = None  # the layers, merged
    tmp_mib: int = 512
    variables: Mapping[str, str]  # the function's own
    credentials: SessionCredentials | None  # of its role
    log_format: str = "Text"  # or JSON
    log_level: str | None = None  # only with JSON
    initialization_type: str = "on-demand"
    endpoint_url: str | None = None  # where SDKs in the function find Lambent; None: not at all


class Places(Struct, frozen=True):
    """Where the guest sees what."""

    task: str = "/var/task"
    layers: str = "/opt"
    language: str = "/var/lang"  # the interpreter's prefix
    interpreter: str = ""  # its program; "" where the package is its own runtime
    runtime: tuple[str, ...] = ("/var/runtime",)  # more than one only where nothing is isolated
    modules: str = "/var/runtime/node_modules"  # of the runtime itself, for Node.js
    certificates: str = "/var/runtime/ca-cert.pem"  # which authorities there are, for Node.js

    @property
    def isolated(self) -> bool:
        return self.task == "/var/task"


def environment_variables(runtime: Runtime, facts: FunctionFacts, places: Places) -> dict[str, str]:
    """All of them, as the guest's first process gets them."""
    theirs = {key: value for key, value in facts.variables.items() if not key.startswith("_")}
    if "PYTHONPATH" in theirs and len(places.runtime) > 1:  # awslambdaric is not where its bootstrap is
        theirs["PYTHONPATH"] = ":".join([theirs["PYTHONPATH"], *places.runtime])
    return _presets(runtime, facts, places) | theirs | _credentials(facts) | _platform(runtime, facts, places)


def _presets(runtime: Runtime, facts: FunctionFacts, places: Places) -> dict[str, str]:
    task, layers, runtime_dir = places.task, places.layers, places.runtime[0]
    language = () if runtime.id == "provided.al2" else (places.language,)
    libraries = ("/lib64", "/usr/lib64", runtime_dir, f"{runtime_dir}/lib", task, f"{task}/lib", f"{layers}/lib")
    presets = {
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PATH": ":".join(
            [*(f"{path}/bin" for path in language), "/usr/local/bin", "/usr/bin/", "/bin", f"{layers}/bin"]
        ),
        "LD_LIBRARY_PATH": ":".join([*(f"{path}/lib" for path in language), *libraries]),
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
    }
    if runtime.family in _STARTED_BY_A_SHELL:
        presets |= {"PWD": task, "SHLVL": "0"}
    if runtime.family == "python":
        presets |= _presets_of_python(runtime, facts, places)
    if runtime.family == "nodejs":
        modules = (f"{layers}/nodejs/node{runtime.version}/node_modules", f"{layers}/nodejs/node_modules")
        presets["NODE_PATH"] = ":".join([*modules, places.modules, places.runtime[0], task])
        if runtime.version == "18":  # the last that adds them to Node's own by itself (developer guide)
            presets["NODE_EXTRA_CA_CERTS"] = places.certificates
    if facts.endpoint_url is not None:
        presets["AWS_ENDPOINT_URL"] = facts.endpoint_url
    return presets


def _presets_of_python(runtime: Runtime, facts: FunctionFacts, places: Places) -> dict[str, str]:
    presets: dict[str, str] = {}
    if not places.isolated:  # in AWS the bootstrap sets it, where the function has not
        presets["PYTHONPATH"] = ":".join(places.runtime)
    # Amazon Linux 2023 has no en_US.UTF-8, so there the interpreter coerces its locale (PEP 538), and says so here.
    if runtime.os == "Amazon Linux 2023" and not _LOCALE.intersection(facts.variables):
        presets["LC_CTYPE"] = "C.UTF-8"
    return presets


def _credentials(facts: FunctionFacts) -> dict[str, str]:
    if facts.credentials is None:
        return {}
    return {
        "AWS_ACCESS_KEY_ID": facts.credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": facts.credentials.secret_access_key,
        "AWS_SESSION_TOKEN": facts.credentials.session_token,
    }


def _platform(runtime: Runtime, facts: FunctionFacts, places: Places) -> dict[str, str]:
    platform = {
        "_HANDLER": facts.handler,
        "AWS_REGION": facts.region,
        "AWS_DEFAULT_REGION": facts.region,
        "AWS_LAMBDA_FUNCTION_NAME": facts.name,
        "AWS_LAMBDA_FUNCTION_VERSION": facts.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(facts.memory_mib),
        "AWS_LAMBDA_INITIALIZATION_TYPE": facts.initialization_type,
        "AWS_LAMBDA_LOG_GROUP_NAME": facts.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": facts.log_stream,
        "AWS_LAMBDA_RUNTIME_API": RUNTIME_API,
        "LAMBDA_TASK_ROOT": places.task,
        "LAMBDA_RUNTIME_DIR": places.runtime[0],
        "_AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1",
        "_AWS_XRAY_DAEMON_PORT": "2000",
    }
    if facts.log_format != "Text":
        platform["AWS_LAMBDA_LOG_FORMAT"] = facts.log_format
    if facts.log_level is not None:
        platform["AWS_LAMBDA_LOG_LEVEL"] = facts.log_level
    if runtime.execution_environment is not None:
        platform["AWS_EXECUTION_ENV"] = runtime.execution_environment
    if runtime.frames_log:
        platform["_LAMBDA_TELEMETRY_LOG_FD"] = str(LOG_DESCRIPTOR)  # taken out again by the client
    if not places.isolated and runtime.family == "python":
        platform["_LAMBENT_LAYERS"] = places.layers  # taken out again by the bootstrap
    return platform
