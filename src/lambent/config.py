"""Configuration is one frozen struct, read once at start: flags, then environment, then a file, then the defaults here.

Each setting is one field, and nothing else knows its name: `--idle-timeout-s`, `LAMBENT_IDLE_TIMEOUT_S` and, in the
TOML file named by `--config` or `LAMBENT_CONFIG`, `idle_timeout_s` are derived from it, as is its help in
`lambent up --help`. A name that no field has is refused rather than ignored: a misspelt limit that silently does not hold
is worse than a server that does not start. Settings are not reloaded; a change needs a restart.

Waiting times that AWS fixes are settings too, with AWS's value as the default, so that a test or a small machine can
have others. A setting in which Lambent differs from AWS, or that AWS does not publish, says so in its sentence.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args, get_origin, get_type_hints

import msgspec

PREFIX: Final = "LAMBENT_"
FILE_VARIABLE: Final = "LAMBENT_CONFIG"


def about(unit: str, sentence: str, **bounds: Any) -> msgspec.Meta:
    """What a setting counts in, what it does, and what msgspec checks of it."""
    return msgspec.Meta(description=sentence, extra={"unit": unit}, **bounds)


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every setting of one Lambent process."""

    # The door
    host: Annotated[
        str, about("address", "Address to listen on; anything but a loopback address can be reached by other machines.")
    ] = "127.0.0.1"
    port: Annotated[
        int, about("TCP port", "Port of every service; 0 takes a free one. The ecosystem expects 4566.", ge=0, le=65535)
    ] = 4566
    auth: Annotated[
        Literal["enforced", "open"],
        about(
            "mode", "Whether signatures are verified; open accepts any, or none; a 12-digit access key is the account."
        ),
    ] = "enforced"
    open_to_network: Annotated[
        bool,
        about(
            "yes or no", "Let auth be open on a host that is not loopback: who reaches the port is the account's root."
        ),
    ] = False
    url_permissions: Annotated[
        Literal["auto", "url", "both"],
        about(
            "rule",
            "What function URLs ask policies for: url is lambda:InvokeFunctionUrl; both also lambda:InvokeFunction, "
            "AWS's rule since October 2025; auto is url where auth is open.",
        ),
    ] = "auto"
    allowed_origins: Annotated[
        str,
        about(
            "origins by commas",
            "Web pages that may call an open Lambent besides those of this machine, as https://app.example.com.",
            pattern=r"^(\s*https?://[^/?#@,\s]+/?\s*(,|$))*$",
        ),
    ] = ""
    allowed_hosts: Annotated[
        str,
        about(
            "host names by commas",
            "Names of your own for an open Lambent, as aws.example.com or *.example.com; only yours: "
            "whose a name is, his pages can read all.",
            pattern=r"^(\s*(\*\.)?[A-Za-z0-9._-]+\s*(,|$))*$",
        ),
    ] = ""
    region: Annotated[
        str, about("AWS region", "Region that resources without one in their request are in.", pattern="^[a-z0-9-]+$")
    ] = "us-east-1"
    account: Annotated[
        str,
        about(
            "AWS account",
            "Account of the root key; the default is the one that local tools expect.",
            pattern=r"^\d{12}$",
        ),
    ] = "000000000000"

    # What it keeps
    data: Annotated[
        Path | None, about("directory", "Where everything is kept; without it, lambent in the user's data home.")
    ] = None
    ephemeral: Annotated[
        bool, about("yes or no", "Keep everything in a temporary directory that is removed at the end.")
    ] = False
    durability: Annotated[
        Literal["full", "normal", "memory"],
        about("mode", "When a write is answered: full after fsync, normal before it, memory without a promise."),
    ] = "full"
    disk_reserve_bytes: Annotated[
        int,
        about(
            "bytes",
            "Free disk that logs, packages and guests leave to Lambent's own state; at most a twentieth of the disk.",
            ge=0,
        ),
    ] = 512 * 1024 * 1024
    unpacked_code_bytes: Annotated[
        int,
        about(
            "bytes",
            "What all packages together may take unpacked, each content once; AWS's own quota counts zips.",
            ge=0,
        ),
    ] = 80_530_636_800
    adopt_code: Annotated[
        bool,
        about(
            "yes or no",
            "Believe state.db although the packages beside it belong to another: what it does not name is buried.",
        ),
    ] = False

    # Where code comes from
    s3_endpoint: Annotated[
        str,
        about(
            "URL",
            "S3 that functions' packages are read from, https://host:port; empty: there is none.",
            pattern=r"^(https?://[^/?#@\s]+(/[^?#\s]*)?)?$",
        ),
    ] = ""
    s3_region: Annotated[
        str, about("AWS region", "Region that requests to that S3 are signed for.", pattern="^[a-z0-9-]+$")
    ] = "us-east-1"
    s3_access_key_id: Annotated[
        str, about("access key", "Key that requests to that S3 are signed with; empty: they are not signed.")
    ] = ""
    s3_secret_access_key: Annotated[
        str, about("secret", "Secret of that key; give it in the environment or a file, where ps does not show it.")
    ] = ""
    s3_timeout_s: Annotated[
        float, about("seconds", "Time for reading one package from that S3, from connecting to its last byte.", gt=0)
    ] = 120.0

    signing_profiles: Annotated[
        Path | None,
        about("directory", "Folder with profiles.toml: who signs packages; without it, no signature is known."),
    ] = None

    # Isolation
    sandbox: Annotated[
        Literal["native", "process"],
        about("backend", "How functions are isolated; process is NO isolation, and is never chosen unless asked for."),
    ] = "native"
    limits: Annotated[
        Literal["enforced", "best-effort"],
        about("mode", "Whether start-up fails when the machine offers no cgroup for memory, CPU and process limits."),
    ] = "enforced"
    waiting_pool_size: Annotated[
        int,
        about(
            "sandboxes per runtime",
            "Sandboxes kept waiting for code, per runtime in use; 0 makes each on demand.",
            ge=0,
            le=1000,
        ),
    ] = 1
    probe_timeout_s: Annotated[
        float,
        about(
            "seconds",
            "Time without progress after which the start-up probe gives up making a real sandbox; at most 12 times that.",
            gt=0,
        ),
    ] = 5.0

    # Execution environments
    init_timeout_s: Annotated[
        float,
        about("seconds", "Time for a function's INIT; past it, INIT runs again inside the first invocation.", gt=0),
    ] = 10.0
    idle_timeout_s: Annotated[
        float, about("seconds", "Idle time after which an environment is removed; AWS does not publish its own.", gt=0)
    ] = 600.0
    update_least_s: Annotated[
        float,
        about(
            "seconds",
            "Least time that an update, or a change of provisioned concurrency, is shown to be in progress; what is new is "
            "invoked as soon as it is ready. AWS takes longer.",
            ge=0,
            le=60,
        ),
    ] = 0.5
    freeze_after_ms: Annotated[
        int,
        about("milliseconds", "Time between an invocation's end and freezing; busy environments skip a freeze.", ge=0),
    ] = 10
    memory_budget_mib: Annotated[
        int,
        about("MiB", "Memory that all environments may use together; 0 is three quarters of the machine's.", ge=0),
    ] = 0
    concurrency_limit: Annotated[
        int, about("environments", "Concurrent executions of the account; beyond it callers get 429.", ge=1)
    ] = 1000

    # Logs
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], about("level", "Least level of Lambent's own log lines.")
    ] = "info"
    log_buffer_bytes: Annotated[
        int,
        about(
            "bytes",
            "Function output kept in memory until it is stored; a function that has filled its share waits.",
            ge=4 * 1024 * 1024,
        ),
    ] = 16 * 1024 * 1024
    log_flush_ms: Annotated[
        int, about("milliseconds", "Time after which buffered function output is stored.", ge=1)
    ] = 50
    log_invocation_bytes: Annotated[
        int,
        about("bytes", "Output of one invocation that is kept; the rest is dropped and counted.", ge=64 * 1024),
    ] = 64 * 1024 * 1024
    log_group_bytes: Annotated[
        int,
        about("bytes", "What a log group keeps; what comes then is dropped and counted. AWS has no such bound.", ge=1),
    ] = 1024 * 1024 * 1024
    log_total_bytes: Annotated[
        int,
        about("bytes", "What all log groups together keep; where it gets short, large groups stop first.", ge=1),
    ] = 8 * 1024 * 1024 * 1024

    # What one HTTP client may cost
    http_head_bytes: Annotated[
        int, about("bytes", "Request line and headers together; AWS allows 1 MB, SDKs send about 2 kB.", ge=1024)
    ] = 64 * 1024
    http_head_count: Annotated[int, about("headers", "Header lines of one request.", ge=8)] = 200
    http_head_timeout_s: Annotated[
        float, about("seconds", "Time from a request's first byte to the end of its head.", gt=0)
    ] = 20.0
    http_body_timeout_s: Annotated[
        float, about("seconds", "Time from the end of a head to the end of its body.", gt=0)
    ] = 300.0
    http_idle_timeout_s: Annotated[
        float, about("seconds", "Time that a connection is kept between requests.", gt=0)
    ] = 75.0
    http_connections: Annotated[
        int,
        about(
            "connections", "Connections open at once; for the next an idle one is closed, or else it is refused.", ge=1
        ),
    ] = 4096
    http_buffered_bytes: Annotated[
        int,
        about(
            "bytes",
            "Request bodies in memory, all connections together; small ones have a part of it, and one caller alone at most "
            "two thirds of the rest. Answers that clients do not take may have half as much again.",
            ge=16 * 1024 * 1024,
        ),
    ] = 512 * 1024 * 1024


def endpoint_of(host: str, port: int) -> str:
    """The URL of what listens there; an IPv6 address is in brackets, whether or not it was given so."""
    return f"http://[{bare(host)}]:{port}" if ":" in host else f"http://{host}:{port}"


def bare(host: str) -> str:
    """The host without the brackets of an IPv6 address in a URL."""
    return host.removeprefix("[").removesuffix("]")


class ConfigError(Exception):
    """A setting is unknown or has a value it cannot have; the message says which, where it was given, and what fits."""


class Given(NamedTuple):
    """A value and where it was given, for the sentence of a ConfigError."""

    value: Any
    source: str


class Setting(NamedTuple):
    """One field as a person sees it."""

    name: str  # idle_timeout_s
    kind: type  # bool, int, float, str or Path
    choices: tuple[str, ...]  # empty: any value of `kind`
    unit: str
    default: Any
    sentence: str

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()


def settings() -> list[Setting]:
    """Every setting, in the order of the struct."""
    hints = get_type_hints(Config, include_extras=True)
    return [_setting(field, hints[field.name]) for field in msgspec.structs.fields(Config)]


def _setting(field: msgspec.structs.FieldInfo, hint: Any) -> Setting:
    value_type, meta = get_args(hint)
    choices: tuple[str, ...] = get_args(value_type) if get_origin(value_type) is Literal else ()
    kind = str if choices else Path if value_type == Path | None else value_type
    return Setting(field.name, kind, choices, meta.extra["unit"], field.default, meta.description)


def read(flags: Mapping[str, Any], environment: Mapping[str, str], file: Path | None = None) -> Config:
    """The configuration that these sources give, the first of them that has a setting deciding it.

    `flags` has only what was given on the command line. `file` is the TOML file of `--config`; without it
    `LAMBENT_CONFIG` names one, or there is none. Raises ConfigError.
    """
    file = file or (Path(environment[FILE_VARIABLE]) if environment.get(FILE_VARIABLE) else None)
    from_flags = {name: Given(value, f"flag --{name.replace('_', '-')}") for name, value in flags.items()}
    given = (_from_file(file) if file else {}) | _from_environment(environment) | from_flags
    _refuse_unknown(given)
    try:
        return msgspec.convert(
            {name: value for name, (value, _) in given.items()}, Config, strict=False, dec_hook=_path
        )
    except msgspec.ValidationError as error:
        raise ConfigError(_explained(str(error), given)) from None


def _path(wanted: type, value: Any) -> Any:
    """Convert the one type of a setting that msgspec does not know."""
    if wanted is Path and isinstance(value, str | Path):
        return Path(value).expanduser()
    raise NotImplementedError(wanted)


def _from_environment(environment: Mapping[str, str]) -> dict[str, Given]:
    return {
        variable.removeprefix(PREFIX).lower(): Given(value, f"environment variable {variable}")
        for variable, value in environment.items()
        if variable.startswith(PREFIX) and variable != FILE_VARIABLE
    }


def _from_file(file: Path) -> dict[str, Given]:
    try:
        values = msgspec.toml.decode(file.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise ConfigError(f"cannot read the configuration file {file}: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise ConfigError(f"the configuration file {file} is not valid TOML: {error}") from None
    return {name: Given(value, f"file {file}") for name, value in values.items()}


def _refuse_unknown(given: dict[str, Given]) -> None:
    known = Config.__struct_fields__
    for name, (_, source) in given.items():
        if name not in known:
            raise ConfigError(f"unknown setting {name} ({source}); `lambent up --help` lists all")


def _explained(message: str, given: dict[str, Given]) -> str:
    """msgspec's sentence ("Expected `int` <= 65535 - at `$.port`") with the setting, its value and its source."""
    found = re.search(r" - at `\$\.(\w+)`", message)
    if found is None:
        return message
    name = found[1]
    value, source = given[name]
    wanted = message[: found.start()].replace("Expected", "expected")
    choices = next(setting.choices for setting in settings() if setting.name == name)
    if choices:
        wanted = "expected " + " or ".join(choices)
    return f"setting {name}: {wanted}, got {value!r} ({source})"
