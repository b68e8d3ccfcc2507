"""`lambent doctor` and `lambent up` where functions can be isolated and where they cannot: the truth, and the way out."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from lambent.cli import doctor
from lambent.lambda_.code.marker import DISPUTE
from lambent.lambda_.runtimes.speedups import Speedups
from lambent.sandbox.contract import Unavailable
from lambent.sandbox.native import probe
from lambent.storage.directory import LOCK
from tests.cli.conftest import Shell
from tests.system.conftest import Server

POWERLESS = ("setpriv", "--bounding-set=-sys_admin")
NO_NAMESPACES = (
    *("unshare", "--user", "--map-root-user", "sh", "-c"),
    *('echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"', "sh"),
)
NO_CGROUPS = ("unshare", "--mount", "sh", "-c", 'umount -a -t cgroup,cgroup2 && exec "$@"', "sh")
# A root that is no mount point: a directory in which all of this machine's is mounted.
CHROOT = (
    *("unshare", "--mount", "sh", "-ec"),
    """cd "$0" && for path in /*; do
        if [ -L "$path" ]; then cp -P "$path" .
        elif [ -d "$path" ]; then mkdir ".$path" && mount --rbind "$path" ".$path"; fi
    done && exec chroot . "$@" """,
)
IN_CHROOT = not any(line.split(" ")[4] == "/" for line in Path("/proc/self/mountinfo").read_text().splitlines())
needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv") or not shutil.which("unshare") or IN_CHROOT,
    reason="needs root and util-linux, whose unshare makes no mounts of its own in a chroot",
)
in_each_way = pytest.mark.parametrize(
    ("prefix", "reason", "way_out"),
    [
        pytest.param(POWERLESS, "this root has no CAP_SYS_ADMIN", "--sandbox process", id="powerless"),
        pytest.param(NO_NAMESPACES, "max_user_namespaces is 0", "--sandbox process", id="no-namespaces"),
        pytest.param(
            NO_CGROUPS, "memory, cpu, pids of functions cannot be limited", "--limits best-effort", id="no-cgroups"
        ),
    ],
)


def test_a_doctor_says_what_there_is_and_proves_it(shell: Shell, server: Server):
    said = shell.does("doctor")
    for word in ("kernel", "namespaces", "seccomp", "memory limit", "python3.", "AWS SDK for JS", "GB are free"):
        assert word in said
    assert "where on this machine their files are" in said
    assert f"is ready at {server.endpoint}" in said
    for claim in probe.CLAIMS:
        assert claim.sentence in said
    assert said.endswith("Functions can be run isolated on this machine.\n")


def test_a_doctor_knows_whose_data_directory_it_is(shell: Shell, nowhere: Shell, server: Server, tmp_path: Path):
    assert isinstance(server.process.args, list)
    root_of_server = str(server.process.args[server.process.args.index("--data") + 1])
    assert f"in use by process {server.process.pid}" in shell.does("doctor", "--data", root_of_server)
    assert "is not there yet" in nowhere.does("doctor")
    (tmp_path / "photographs").mkdir()
    (tmp_path / "photographs" / "cat.jpg").touch()
    assert "not one of Lambent's" in nowhere.does("doctor", "--data", str(tmp_path / "photographs"))


def test_a_doctor_tells_what_is_wrong_with_a_data_directory(nowhere: Shell, tmp_path: Path):
    (tmp_path / "state.db").touch()
    assert f"touch {tmp_path / LOCK}" in nowhere.does("doctor", "--data", str(tmp_path))
    (tmp_path / LOCK).touch()
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / DISPUTE).write_text("Nothing was collected: it is the wrong one.\n")
    assert "Nothing was collected: it is the wrong one." in nowhere.does("doctor", "--data", str(tmp_path))


@needs_root
@in_each_way
def test_where_functions_cannot_be_isolated_both_stop_with_the_reason_and_the_flag(
    nowhere: Shell, prefix: tuple[str, ...], reason: str, way_out: str
):
    for words in (["doctor"], ["up", "--port", "0"]):
        said = nowhere.cannot(*words, prefix=prefix)
        assert reason in said
        assert way_out in said


@needs_root
def test_in_a_chroot_functions_are_isolated_as_elsewhere(nowhere: Shell, tmp_path: Path):
    (tmp_path / "root").mkdir()
    done = nowhere.run("doctor", prefix=(*CHROOT, str(tmp_path / "root")))
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert "functions' /tmp is on disk" in done.stdout or "functions' /tmp is in memory" in done.stdout
    assert "mounts do not tell functions where on this machine their files are" in done.stdout


@needs_root
@pytest.mark.parametrize("directory", ["tls/certs", "ca-trust/extracted", "tls/certs/ca-bundle.crt"])
def test_whatever_the_host_has_of_red_hats_certificates_functions_are_isolated(
    nowhere: Shell, tmp_path: Path, directory: str
):
    script = """mount -t tmpfs none "$0" && mkdir "$0/upper" "$0/work" && mkdir -p "$0/upper/pki/$1" && shift &&
        mount -t overlay -o "lowerdir=/etc,upperdir=$0/upper,workdir=$0/work" none /etc && exec "$@" """
    done = nowhere.run("doctor", prefix=("unshare", "--mount", "sh", "-ec", script, str(tmp_path), directory))
    assert done.returncode == 0, (done.stdout, done.stderr)


@needs_root
def test_without_proc_there_is_one_sentence(nowhere: Shell):
    prefix = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh")
    for words in (["doctor"], ["up", "--port", "0"]):
        assert "there is no /proc here" in nowhere.cannot(*words, prefix=prefix)


async def test_a_doctor_tells_for_which_pythons_json_is_not_compiled(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    monkeypatch.setattr(doctor, "Speedups", lambda: Speedups(tmp_path))
    await doctor.interpreters()
    lines = capsys.readouterr().out.splitlines()
    named = {lines[at - 1].split()[1] for at, line in enumerate(lines) if "JSON is not compiled" in line}
    found = {line.split()[1] for line in lines if line.startswith("  ok  python3.")}
    assert named == found - {f"python3.{sys.version_info.minor}"}


def test_a_doctor_that_is_told_to_do_without_limits_does(nowhere: Shell):
    done = nowhere.run("doctor", "--limits", "best-effort", prefix=NO_CGROUPS)
    assert done.returncode == 0, done.stderr
    assert "--  memory limit" in done.stdout


GOOD = {
    "ids": [993] * 6,
    "status": {"CapInh": 0, "CapPrm": 0, "CapEff": 0, "CapBnd": 0, "CapAmb": 0, "NoNewPrivs": 1, "Seccomp": 2},
    "pids": [1, 2],
    "namespaces": dict.fromkeys(("pid", "mnt", "net", "ipc", "uts"), "other:[1]"),
    "written": ["/tmp"],
}


def test_a_guest_that_says_what_it_must_is_believed():
    probe.judge(probe.Report(**GOOD))


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ({"ids": [0] * 6}, "it was root"),
        ({"ids": []}, "it was root"),
        ({"status": GOOD["status"] | {"CapEff": 1 << 21}}, "it had capabilities"),
        ({"status": GOOD["status"] | {"NoNewPrivs": 0}}, "it had capabilities"),
        ({"status": {}}, "were not filtered"),
        ({"status": GOOD["status"] | {"Seccomp": 0}}, "were not filtered"),
        ({"pids": [1, 2, 4711]}, "processes that are not its own"),
        ({"namespaces": GOOD["namespaces"] | {"net": str(Path("/proc/self/ns/net").readlink())}}, "shared a namespace"),
        ({"namespaces": {}}, "shared a namespace"),
        ({"written": ["/tmp", "/usr"]}, "elsewhere than to /tmp"),
    ],
)
def test_a_guest_that_is_not_isolated_is_refused(said: dict[str, object], refusal: str):
    with pytest.raises(Unavailable, match=refusal):
        probe.judge(probe.Report(**GOOD | said))  # pyright: ignore[reportArgumentType]
