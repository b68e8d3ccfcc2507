"""Templates, assignments, variables and entrypoints, as values: nothing is started here."""

import os
import platform
import struct
import sys
from pathlib import Path

import msgspec
import pytest

from lambent.core.ports import SessionCredentials
from lambent.lambda_.limits import RESERVED_ENVIRONMENT
from lambent.lambda_.runtimes.catalogue import CATALOGUE
from lambent.lambda_.runtimes.entrypoints import InvalidEntrypoint
from lambent.lambda_.runtimes.interpreters import Interpreter
from lambent.lambda_.runtimes.templates import Launcher
from lambent.sandbox.contract import Assignment, Mount
from tests.runtimes.conftest import facts_of

PYTHON = Interpreter(Path("/p/bin/python3.12"), Path("/p"), "3.12.1", ("/p/lib/python312.zip", "/p/lib/python3.12"))
NODE = Interpreter(Path("/n/bin/node"), Path("/n"), "22.1.0")


def inside(mount: Mount) -> str:
    return mount.target


def outside(mount: Mount) -> str:
    return str(mount.source)


@pytest.fixture(scope="module")
def python() -> Launcher:
    return Launcher(CATALOGUE["python3.12"], PYTHON, inside)


@pytest.fixture(scope="module")
def node() -> Launcher:
    return Launcher(CATALOGUE["nodejs22.x"], NODE, inside)


@pytest.fixture(scope="module")
def provided() -> Launcher:
    return Launcher(CATALOGUE["provided.al2023"], None, inside)


def assigned(launcher: Launcher, code_dir: Path, **variables: str) -> Assignment:
    return launcher.assignment(facts_of(code_dir, variables=variables))


def test_a_guest_sees_the_runtime_at_awss_places(python: Launcher) -> None:
    targets = {mount.target: mount.source for mount in python.template.mounts}
    assert targets["/var/lang"] == Path("/p")
    assert "/p" not in targets
    modules = {"awslambdaric", "boto3", "botocore", "simplejson", "urllib3", "six.py", "bootstrap.py"}
    assert {f"/var/runtime/{module}" for module in modules} <= set(targets)
    assert all(source.exists() for target, source in targets.items() if target.startswith("/var/runtime"))


def test_python_is_forked_of_an_interpreter_where_aws_has_it_that_begins_with_our_bootstrap(python: Launcher) -> None:
    server = python.template.fork_server
    assert server is not None
    assert (server.interpreter, server.entry) == ("/var/lang/bin/python3.12", "lambent_bootstrap:run")
    assert server.path == ("/var/runtime", "/var/lang/lib/python312.zip", "/var/lang/lib/python3.12")
    assert server.preload[0] == "lambent_bootstrap"


def installed(prefix: Path, version: str) -> Interpreter:
    """A Python as one has it, with packages that are its owner's."""
    library = prefix / "lib" / f"python{version}"
    for name in ("pip", "pip-24.0.dist-info", "setuptools", "requests", "requests-2.0.dist-info"):
        (library / "site-packages" / name).mkdir(parents=True)
    (library / "site-packages" / "owners.pth").touch()
    (prefix / "lib" / "python3" / "dist-packages" / "apt").mkdir(parents=True)
    (library / "_sysconfigdata__linux_x86_64-linux-gnu.py").write_text(f"LIBDIR = '{prefix}/lib'")
    return Interpreter(prefix / "bin" / f"python{version}", prefix, f"{version}.1", (str(library),))


@pytest.mark.parametrize(
    ("version", "seen"),
    [("3.11", ("pip", "pip-24.0.dist-info", "setuptools")), ("3.12", ("pip", "pip-24.0.dist-info"))],
)
def test_of_an_interpreters_own_packages_those_are_seen_that_awss_has(
    version: str, seen: tuple[str, ...], tmp_path: Path
) -> None:
    launcher = Launcher(CATALOGUE[f"python{version}"], installed(tmp_path, version), inside)
    only = {mount.target: mount.only for mount in launcher.template.mounts if mount.only is not None}
    assert only == {f"/var/lang/lib/python{version}/site-packages": seen, "/var/lang/lib/python3/dist-packages": ()}


def test_what_an_interpreter_says_of_where_it_is_says_where_guests_see_it(tmp_path: Path) -> None:
    launcher = Launcher(CATALOGUE["python3.12"], installed(tmp_path, "3.12"), inside)
    instead = {mount.target: mount.instead for mount in launcher.template.mounts if mount.instead is not None}
    target = "/var/lang/lib/python3.12/_sysconfigdata__linux_x86_64-linux-gnu.py"
    assert instead == {target: (str(tmp_path), "/var/lang")}


def test_a_launcher_knows_whether_json_is_compiled_for_its_python(node: Launcher, tmp_path: Path) -> None:
    own = Launcher(CATALOGUE[f"python3.{sys.version_info.minor}"], PYTHON, inside)
    assert (own.json_is_compiled, node.json_is_compiled) == (True, True)


def test_node_is_booted_and_waits(node: Launcher) -> None:
    assert node.template.fork_server is None
    assert node.template.boot[0] == "/var/lang/bin/node"
    assert node.template.boot[-2:] == ("/var/runtime/bootstrap.cjs", "--waits")


def test_an_interpreter_of_the_system_is_not_mounted_at_a_path_that_is_there_anyway() -> None:
    system = Interpreter(Path("/usr/bin/python3.12"), Path("/usr"), "3.12.1")
    targets = [mount.target for mount in Launcher(CATALOGUE["python3.12"], system, inside).template.mounts]
    assert "/var/lang" in targets
    assert "/usr" not in targets


def test_without_isolation_it_is_forked_where_it_is(tmp_path: Path) -> None:
    server = Launcher(CATALOGUE["python3.12"], PYTHON, outside).template.fork_server
    assert server is not None
    assert server.interpreter == "/p/bin/python3.12"
    assert server.path[-2:] == PYTHON.libraries


def test_a_template_is_of_one_account_and_all_else_is_the_runtimes(python: Launcher) -> None:
    ours, theirs = python.template_of("000000000001", 128), python.template_of("000000000002", 128)
    assert ours != theirs
    assert msgspec.structs.replace(ours, account="") == python.template


def test_a_node_that_waits_does_so_for_functions_of_one_memory_size(python: Launcher, node: Launcher) -> None:
    options = [node.template_of("000000000001", memory_mib).options for memory_mib in (128, 3008)]
    assert options == [
        (("--max-semi-space-size", 6), ("--max-old-space-size", 115)),
        (("--max-semi-space-size", 150), ("--max-old-space-size", 2707)),
    ]
    assert python.template_of("000000000001", 128) == python.template_of("000000000001", 3008)


def test_the_variables_are_awss(python: Launcher, tmp_path: Path) -> None:
    credentials = SessionCredentials("ASIA1", "secret", "token", 0.0)
    facts = msgspec.structs.replace(facts_of(tmp_path), credentials=credentials, endpoint_url="http://127.0.0.1:4566")
    assert python.assignment(facts).environment == {
        "AWS_ACCESS_KEY_ID": "ASIA1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.12",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/24/[$LATEST]0123456789abcdef0123456789abcdef",
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
        "AWS_REGION": "us-east-1",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LANG": "en_US.UTF-8",
        "LC_CTYPE": "C.UTF-8",
        "LD_LIBRARY_PATH": "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
        "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "PWD": "/var/task",
        "SHLVL": "0",
        "TZ": ":UTC",
        "_AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1",
        "_AWS_XRAY_DAEMON_PORT": "2000",
        "_HANDLER": "app.handler",
        "_LAMBDA_TELEMETRY_LOG_FD": "4",
    }


@pytest.mark.parametrize("runtime", ["nodejs22.x", "python3.10", "python3.13"])
def test_a_managed_runtime_was_started_by_a_shell(runtime: str, tmp_path: Path) -> None:
    interpreter = NODE if runtime.startswith("nodejs") else PYTHON
    environment = assigned(Launcher(CATALOGUE[runtime], interpreter, inside), tmp_path).environment
    assert (environment["PWD"], environment["SHLVL"]) == ("/var/task", "0")


@pytest.mark.parametrize(("runtime", "language"), [("provided.al2", False), ("provided.al2023", True)])
def test_a_packages_own_runtime_was_started_by_none_and_al2_has_no_language(
    runtime: str, language: bool, tmp_path: Path
) -> None:
    executable(tmp_path / "bootstrap", b"#!/bin/sh\n")
    environment = assigned(Launcher(CATALOGUE[runtime], None, inside), tmp_path).environment
    assert not {"PWD", "SHLVL", "LC_CTYPE", "AWS_LAMBDA_LOG_FORMAT"} & set(environment)
    path, libraries = environment["PATH"], environment["LD_LIBRARY_PATH"]
    assert path == "/var/lang/bin:" * language + "/usr/local/bin:/usr/bin/:/bin:/opt/bin"
    after = "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"
    assert libraries == "/var/lang/lib:" * language + after


@pytest.mark.parametrize(
    ("runtime", "variables", "value"),
    [
        ("python3.11", {}, None),
        ("python3.12", {}, "C.UTF-8"),
        ("python3.14", {}, "C.UTF-8"),
        ("python3.13", {"LC_CTYPE": "C"}, "C"),
        ("python3.13", {"LC_ALL": "C"}, None),
        ("python3.13", {"LANG": "C.UTF-8"}, None),
    ],
)
def test_from_python_3_12_on_the_locale_has_been_coerced(
    runtime: str, variables: dict[str, str], value: str | None, tmp_path: Path
) -> None:
    environment = assigned(Launcher(CATALOGUE[runtime], PYTHON, inside), tmp_path, **variables).environment
    assert environment.get("LC_CTYPE") == value


def test_node_finds_modules_of_layers(node: Launcher, tmp_path: Path) -> None:
    path = "/opt/nodejs/node22/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task"
    assert assigned(node, tmp_path).environment["NODE_PATH"] == path


def test_the_functions_variables_override_presets_and_not_the_platform(python: Launcher, tmp_path: Path) -> None:
    environment = assigned(python, tmp_path, TZ="Asia/Tokyo", AWS_REGION="mars-1", _SECRET="x", MINE="y").environment
    assert (environment["TZ"], environment["AWS_REGION"], environment["MINE"]) == ("Asia/Tokyo", "us-east-1", "y")
    assert "_SECRET" not in environment


@pytest.mark.parametrize("runtime", ["python3.12", "nodejs22.x", "provided.al2023"])
def test_what_the_platform_sets_is_what_a_function_may_not_set(runtime: str, tmp_path: Path) -> None:
    interpreter = {"python3.12": PYTHON, "nodejs22.x": NODE, "provided.al2023": None}[runtime]
    executable(tmp_path / "bootstrap", b"#!/bin/sh\n")
    facts = msgspec.structs.replace(
        facts_of(tmp_path), credentials=SessionCredentials("ASIA1", "secret", "token", 0.0), log_level="INFO"
    )
    launcher = Launcher(CATALOGUE[runtime], interpreter, inside)
    names = launcher.assignment(facts).environment
    tried = msgspec.structs.replace(facts, variables=dict.fromkeys(names, "theirs"))
    environment = launcher.assignment(tried).environment
    platform = {name for name, value in environment.items() if value != "theirs"}
    assert {name for name in platform if not name.startswith("_")} == set(names) & {
        name for name in RESERVED_ENVIRONMENT if not name.startswith("_")
    }
    assert {name for name in names if name.startswith("_")} <= platform


def test_levels_and_formats_of_logs_are_passed_on(python: Launcher, tmp_path: Path) -> None:
    facts = msgspec.structs.replace(facts_of(tmp_path), log_format="JSON", log_level="WARN")
    environment = python.assignment(facts).environment
    assert (environment["AWS_LAMBDA_LOG_FORMAT"], environment["AWS_LAMBDA_LOG_LEVEL"]) == ("JSON", "WARN")


def test_code_and_layers_are_mounted_and_memory_decides_the_processor_time(python: Launcher, tmp_path: Path) -> None:
    facts = msgspec.structs.replace(facts_of(tmp_path / "c", tmp_path / "l"), memory_mib=1769, tmp_mib=700)
    assignment = python.assignment(facts)
    assert assignment.mounts == (Mount(tmp_path / "c", "/var/task"), Mount(tmp_path / "l", "/opt"))
    assert (assignment.limits.memory_mib, assignment.limits.tmp_mib, assignment.limits.cpus) == (1769, 700, 1.0)
    assert assignment.cwd == "/var/task"


def test_an_ordinary_function_is_forked(python: Launcher, node: Launcher, tmp_path: Path) -> None:
    assert not assigned(python, tmp_path, MINE="1", TZ="Asia/Tokyo", NODE_OPTIONS="x").fresh
    assert not assigned(node, tmp_path, MINE="1", TZ="Asia/Tokyo").fresh


@pytest.mark.parametrize("name", ["LD_PRELOAD", "PYTHONHASHSEED", "PYTHONPATH", "LC_ALL", "LANG", "MALLOC_ARENA_MAX"])
def test_a_variable_that_python_reads_at_its_start_makes_it_fresh(python: Launcher, tmp_path: Path, name: str) -> None:
    assert assigned(python, tmp_path, **{name: "x"}).fresh


@pytest.mark.parametrize("name", ["LD_PRELOAD", "NODE_OPTIONS", "NODE_EXTRA_CA_CERTS", "UV_THREADPOOL_SIZE"])
def test_a_variable_that_node_reads_at_its_start_makes_it_fresh(node: Launcher, tmp_path: Path, name: str) -> None:
    assert assigned(node, tmp_path, **{name: "x"}).fresh


@pytest.mark.parametrize("name", ["libmine.so", "lib/libmine.so.1.2"])
def test_libraries_in_the_package_make_it_fresh_since_the_loader_looks_once(
    python: Launcher, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    assert assigned(python, tmp_path).fresh


def test_so_do_libraries_of_layers(python: Launcher, tmp_path: Path) -> None:
    (tmp_path / "l/lib").mkdir(parents=True)
    assert not python.assignment(facts_of(tmp_path / "c", tmp_path / "l")).fresh
    (tmp_path / "l/lib/libmine.so").touch()
    assert python.assignment(facts_of(tmp_path / "c", tmp_path / "l")).fresh


@pytest.mark.parametrize("where", ["c", "l"])
@pytest.mark.parametrize("target", ["lib64", "../empty", "/opt/lib64", "/proc/1/root", "lib"])
def test_a_symlink_in_place_of_lib_may_lead_to_some_and_is_not_followed(
    python: Launcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, target: str
) -> None:
    for directory in ("c", "l", "empty"):
        (tmp_path / directory).mkdir()
    (tmp_path / where / "lib").symlink_to(target)
    looked = list[str]()
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: (looked.append(str(path)), scandir(path))[1])
    assert python.assignment(facts_of(tmp_path / "c", tmp_path / "l")).fresh
    assert str(tmp_path / where / "lib") not in looked


def test_a_wrapper_is_given_the_command_line_that_would_have_been(python: Launcher, tmp_path: Path) -> None:
    assignment = assigned(python, tmp_path, AWS_LAMBDA_EXEC_WRAPPER="/opt/wrap")
    assert assignment.fresh
    assert assignment.argv == ("/opt/wrap", "/var/lang/bin/python3.12", "/var/runtime/bootstrap.py")


def test_a_fresh_node_has_awss_flags(node: Launcher, tmp_path: Path) -> None:
    assert assigned(node, tmp_path).argv == (
        "/var/lang/bin/node", "--max-semi-space-size=6", "--max-old-space-size=115", "--expose-gc",
        "--max-http-header-size=81920", "--require", "/var/runtime/node_path.cjs", "/var/runtime/bootstrap.cjs",
    )  # fmt: skip


def test_without_isolation_all_paths_are_the_hosts(tmp_path: Path) -> None:
    launcher = Launcher(CATALOGUE["python3.12"], PYTHON, outside)
    assignment = launcher.assignment(facts_of(tmp_path / "c", tmp_path / "l", variables={"PYTHONPATH": "/mine"}))
    assert assignment.cwd == assignment.environment["LAMBDA_TASK_ROOT"] == str(tmp_path / "c")
    assert assignment.environment["_LAMBENT_LAYERS"] == str(tmp_path / "l")
    assert assignment.environment["PYTHONPATH"].startswith("/mine:")
    assert assignment.argv[0] == "/p/bin/python3.12"
    wrapped = launcher.assignment(
        facts_of(tmp_path / "c", tmp_path / "l", variables={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap"})
    )
    assert wrapped.argv[0] == str(tmp_path / "l" / "wrap")


def executable(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    path.chmod(0o755)
    return path.parent


def test_the_packages_bootstrap_is_executed(provided: Launcher, tmp_path: Path) -> None:
    executable(tmp_path / "bootstrap", b"#!/bin/sh\n")
    assignment = assigned(provided, tmp_path, AWS_LAMBDA_EXEC_WRAPPER="/ignored")
    assert assignment.argv == ("/var/task/bootstrap",)
    assert not {"AWS_EXECUTION_ENV", "_LAMBDA_TELEMETRY_LOG_FD"} & assignment.environment.keys()
    assert not provided.template.framed_log
    assert not any(mount.target.startswith("/var/") for mount in provided.template.mounts)


def test_a_program_of_this_machine_is_executable(provided: Launcher, tmp_path: Path) -> None:
    executable(tmp_path / "bootstrap", Path(os.path.realpath(sys.executable)).read_bytes())
    assert assigned(provided, tmp_path).argv == ("/var/task/bootstrap",)


def test_a_layers_bootstrap_is_the_second_choice(provided: Launcher, tmp_path: Path) -> None:
    for name in ("c", "l"):
        (tmp_path / name).mkdir()
    executable(tmp_path / "l" / "bootstrap", b"#!/bin/sh\n")
    assert provided.assignment(facts_of(tmp_path / "c", tmp_path / "l")).argv == ("/opt/bootstrap",)


def test_without_a_bootstrap_the_error_is_awss(provided: Launcher, tmp_path: Path) -> None:
    (tmp_path / "bootstrap").mkdir()
    with pytest.raises(InvalidEntrypoint) as raised:
        assigned(provided, tmp_path)
    assert str(raised.value) == "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"
    assert raised.value.error_type == "Runtime.InvalidEntrypoint"


@pytest.mark.parametrize("mode", [0o644, 0o700, 0o770, 0o600])
def test_a_bootstrap_that_others_may_not_execute_is_refused(provided: Launcher, tmp_path: Path, mode: int) -> None:
    executable(tmp_path / "bootstrap", b"#!/bin/sh\n")
    (tmp_path / "bootstrap").chmod(mode)
    with pytest.raises(InvalidEntrypoint, match=r"^fork/exec /var/task/bootstrap: permission denied$"):
        assigned(provided, tmp_path)


ELF_OF_ANOTHER_MACHINE = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 2, 0xF3) + bytes(44)


@pytest.mark.parametrize("content", [b"echo no first line", b"", b"\x7fELF", ELF_OF_ANOTHER_MACHINE])
def test_what_this_machine_cannot_execute_is_refused(provided: Launcher, tmp_path: Path, content: bytes) -> None:
    executable(tmp_path / "bootstrap", content)
    with pytest.raises(InvalidEntrypoint, match=r"^fork/exec /var/task/bootstrap: exec format error$"):
        assigned(provided, tmp_path)


def program_loaded_by(loader: bytes) -> bytes:
    """A program of this machine that says what loads it, and nothing else."""
    machine = {"x86_64": 62, "aarch64": 183}[platform.machine()]
    start = (
        b"\x7fELF\x02\x01\x01"
        + bytes(9)
        + struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    )
    return start + struct.pack("<IIQQQQQQ", 3, 4, 120, 0, 0, len(loader) + 1, 0, 1) + loader + b"\0"


NO_FILE = "no such file or directory"
LONG = b"/usr/" + b"x" * 300


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"#!/bin/sh\r\necho hi\r\n", NO_FILE, id="saved on Windows"),
        pytest.param(b"#!/usr/bin/env bash\r\n", None, id="env says it itself"),
        pytest.param(b"#! /bin/sh -e\n", None, id="blanks"),
        pytest.param(b"#!\t/bin/sh", None, id="no end of line"),
        pytest.param(b"#!/usr/bin/no-such-program\n", NO_FILE, id="not in /usr"),
        pytest.param(b"#!/home/someone/bin/python\n", NO_FILE, id="a person's"),
        pytest.param(b"#!/opt/bin/python\n", NO_FILE, id="no layer"),
        pytest.param(b"#!/usr/bin\n", "permission denied", id="a directory"),
        pytest.param(b"#!/etc/alternatives/awk\n", None, id="generated"),
        pytest.param(b"#!bin/mine\n", None, id="in the package"),
        pytest.param(b"#!/var/task/bin/mine\n", None, id="in the package, absolute"),
        pytest.param(b"#!/var/task/bin/../data\n", "permission denied", id="not executable"),
        pytest.param(b"#!/var/task/none\n", NO_FILE, id="not in the package"),
        pytest.param(b"#!/var/task/link/none\n", None, id="behind a link"),
        pytest.param(b"#!" + LONG + b"\n", None, id="longer than the kernel reads"),
        pytest.param(program_loaded_by(b"/lib/ld-musl-x86_64.so.1.none"), NO_FILE, id="another C library"),
        pytest.param(program_loaded_by(b"/usr/bin/env"), None, id="a loader that is there"),
        pytest.param(program_loaded_by(b"")[:100], None, id="cut off"),
    ],
)
def test_a_bootstrap_whose_program_is_not_there_is_refused(
    provided: Launcher, tmp_path: Path, content: bytes, reason: str | None
) -> None:
    (tmp_path / "bin").mkdir()
    executable(tmp_path / "bin" / "mine", b"#!/bin/sh\n")
    (tmp_path / "data").write_text("data")
    (tmp_path / "link").symlink_to("/root")
    executable(tmp_path / "bootstrap", content)
    if reason is None:
        assert assigned(provided, tmp_path).argv == ("/var/task/bootstrap",)
        return
    with pytest.raises(InvalidEntrypoint, match=f"^fork/exec /var/task/bootstrap: {reason}$"):
        assigned(provided, tmp_path)


def test_where_nothing_is_isolated_any_program_of_the_host_may_be_there(tmp_path: Path) -> None:
    executable(tmp_path / "bootstrap", b"#!/home/someone/bin/python\n")
    launcher = Launcher(CATALOGUE["provided.al2023"], None, outside)
    assert assigned(launcher, tmp_path).argv == (str(tmp_path / "bootstrap"),)


def test_a_link_is_left_to_the_guest_and_never_followed_here(provided: Launcher, tmp_path: Path) -> None:
    (tmp_path / "bootstrap").symlink_to("/etc/shadow")
    assert assigned(provided, tmp_path).argv == ("/var/task/bootstrap",)
