"""What a deployment package may contain, and that nothing else is ever written."""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.core.errors import AwsError
from lambent.lambda_.code import packages
from lambent.lambda_.errors import PackageEmpty, PackageTooLarge, PackageUnreadable
from lambent.lambda_.limits import UNZIPPED_MAX_BYTES
from tests.lambda_.zips import HELLO, archived, entry, link, zipped


def unpacked(content: bytes, root: Path) -> dict[str, str]:
    """Unpack and list what is there: path -> kind and mode, or the target of a link."""
    root.mkdir(parents=True)
    with packages.inspected(content) as package:
        packages.unpack(package, root)
    return {str(path.relative_to(root)): kind(path) for path in sorted(root.rglob("*"))}


def kind(path: Path) -> str:
    if path.is_symlink():
        return f"-> {path.readlink()}"
    return f"{'dir' if path.is_dir() else 'file'} {stat.S_IMODE(path.stat().st_mode):o}"


def refused(content: bytes) -> PackageUnreadable:
    with pytest.raises(PackageUnreadable) as caught, packages.inspected(content):
        pass
    assert str(caught.value) == "Could not unzip uploaded file. Please check your file, then try to upload again."
    return caught.value


def test_modes_are_the_archives(tmp_path: Path) -> None:
    content = archived(
        [
            (entry("bootstrap", stat.S_IFREG | 0o755), "#!/bin/sh\n"),
            (entry("data/private.txt", stat.S_IFREG | 0o600), "x"),
            (entry("data/group.txt", stat.S_IFREG | 0o640), "x"),
            (entry("data/none.txt", stat.S_IFREG), "x"),
            (entry("data/setuid", stat.S_IFREG | 0o6755), "x"),
            (entry("closed/", stat.S_IFDIR | 0o700), ""),
            (entry("closed/inside/app.py"), ""),
            (zipfile.ZipInfo("empty/"), ""),
        ]
    )
    assert unpacked(content, tmp_path / "t") == {
        "bootstrap": "file 755",
        "closed": "dir 700",
        "closed/inside": "dir 755",
        "closed/inside/app.py": "file 644",
        "data": "dir 755",
        "data/group.txt": "file 640",
        "data/none.txt": "file 0",
        "data/private.txt": "file 600",
        "data/setuid": "file 755",
        "empty": "dir 755",
    }
    assert kind(tmp_path / "t") == "dir 755"
    assert (tmp_path / "t/data/private.txt").read_text() == "x"


@pytest.mark.parametrize(
    ("system", "mode", "permissions"),
    [
        (3, 0, 0o644),
        (0, stat.S_IFREG | 0o600, 0o644),  # DOS has no modes
        (3, 0o600, 0o644),  # without a type: what Python's zipfile writes for who gives no mode
        (3, 0o755, 0o755),
        (3, 0o100, 0o544),
        (19, stat.S_IFREG | 0o600, 0o600),  # macOS
        (3, 0o177777, 0o777),  # of no type that there is
    ],
)
def test_a_file_whose_mode_nobody_chose_can_be_read(tmp_path: Path, system: int, mode: int, permissions: int) -> None:
    info = entry("a", 0)
    info.create_system, info.external_attr = system, mode << 16 | 0x20  # DOS: to be archived
    assert unpacked(archived([(info, "x")]), tmp_path / "t") == {"a": f"file {permissions:o}"}


@pytest.mark.parametrize("mode", [0o177777, stat.S_IFREG | 0o600, stat.S_IFLNK | 0o600, stat.S_IFCHR | 0o600, 0, 0o600])
def test_the_mode_of_a_directory_counts_only_where_it_is_one_of_a_directory(tmp_path: Path, mode: int) -> None:
    info = entry("META-INF/maven/", mode)
    info.external_attr |= 0x10  # DOS: a directory
    content = archived([(info, ""), (entry("META-INF/maven/pom.xml"), "<project/>")])
    assert unpacked(content, tmp_path / "t") == {
        "META-INF": "dir 755",
        "META-INF/maven": "dir 755",
        "META-INF/maven/pom.xml": "file 644",
    }


@pytest.mark.parametrize(
    ("mode", "on_disk"),
    [
        (0o644, 0o444),
        (0o755, 0o555),
        (0o666, 0o444),
        (0o600, 0),
        (0o700, 0),
        (0o640, 0),
        (0o711, 0o551),
        (0o007, 0o555),
    ],
)
def test_where_guests_own_the_tree_nobody_may_what_others_may_not_or_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, on_disk: int
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert unpacked(archived([(entry("a", stat.S_IFREG | mode), "x")]), tmp_path / "t") == {"a": f"file {on_disk:o}"}


def test_symlinks_inside_the_package_are_kept(tmp_path: Path) -> None:
    content = archived(
        [
            (entry("lib/a.so.1"), "so"),
            link("lib/a.so", "a.so.1"),
            link("now", "lib"),
            link("deep/up", "../now/a.so"),
            link("dangling", "nowhere/at/all"),
        ]
    )
    listed = unpacked(content, tmp_path / "t")
    assert listed["deep/up"] == "-> ../now/a.so"
    assert (tmp_path / "t/deep/up").read_text() == "so"


@pytest.mark.parametrize(
    "target", ["../secret", "/etc/passwd", "/opt/lib", "/proc/self/fd", "../" * 60 + "etc", "out", "x" * 300, "a\\b"]
)
def test_symlinks_may_lead_anywhere_for_the_guest_follows_them(tmp_path: Path, target: str) -> None:
    content = archived([link("out", target), link("d/loop", "../d/loop"), (entry("app.py"), "x")])
    assert unpacked(content, tmp_path / "t") == {
        "app.py": "file 644",
        "d": "dir 755",
        "d/loop": "-> ../d/loop",
        "out": f"-> {target}",
    }


@pytest.mark.parametrize("target", ["a\0b", "x" * 5000, ""])
def test_symlinks_to_what_is_no_path_are_refused(target: str) -> None:
    refused(archived([link("out", target)]))


@pytest.mark.parametrize(
    "name",
    ["/etc/cron.d/x", "../x", "a/../../x", "a/..", "a/" * 101 + "x", "x" * 256, "/".join(["y" * 200] * 20)],
)
def test_names_that_lead_elsewhere_or_fit_no_file_system_are_refused(name: str) -> None:
    refused(archived([(entry(name), "x")]))


@pytest.mark.parametrize(
    "name", ["pkg\\mod.py", "..\\x", "\\\\server\\share", "c:x", "C:\\x", "a:b:c", "CON", "a\nb", "." * 3]
)
def test_names_that_only_windows_reads_otherwise_are_files_of_that_name(tmp_path: Path, name: str) -> None:
    assert unpacked(archived([(entry(name), "x")]), tmp_path / "t") == {name: "file 644"}


def test_a_drive_before_a_slash_is_a_directory(tmp_path: Path) -> None:
    assert unpacked(archived([(entry("C:/x"), "x")]), tmp_path / "t") == {"C:": "dir 755", "C:/x": "file 644"}


def test_a_name_with_a_nul_is_refused() -> None:
    refused(archived([(entry("good.py"), "x")]).replace(b"good.py", b"go\0d.py"))


@pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_devices_fifos_and_sockets_are_refused(kind: int) -> None:
    refused(archived([(entry("x", kind | 0o644), b"")]))


@pytest.mark.parametrize(
    "entries",
    [
        [(entry("a"), "1"), (entry("a/b"), "2")],
        [(entry("a/b"), "2"), (entry("a"), "1")],
        [link("a", "b"), (entry("b/c"), "1"), (entry("a/evil"), "2")],
        [link("a", "/etc"), (entry("a/passwd"), "1")],
        [(entry("a/passwd"), "1"), link("a", "/etc")],
        [link("a", "/etc"), (entry("a/"), "")],
        [(entry("a"), "1"), (entry("a/", stat.S_IFDIR | 0o755), "")],
    ],
)
def test_a_path_that_is_two_things_is_refused(entries: list[tuple[zipfile.ZipInfo, bytes | str]]) -> None:
    refused(archived(entries))


@pytest.mark.parametrize(
    ("entries", "listed"),
    [
        ([(entry("a"), "first"), (entry("a"), "last")], {"a": "file 644"}),
        ([(entry("a"), "first"), (entry("./a"), "last")], {"a": "file 644"}),
        (
            [(entry("a"), "x" * 90_000), (entry("b"), "b"), (entry("a", 0o100755), "last")],
            {"a": "file 755", "b": "file 644"},
        ),
        ([link("a", "b"), (entry("a"), "last")], {"a": "file 644"}),
        ([link("a", "/etc/passwd"), link("a", "b"), (entry("b"), "last")], {"a": "-> b", "b": "file 644"}),
        ([(entry("a"), "first"), link("a", "b"), (entry("b"), "last")], {"a": "-> b", "b": "file 644"}),
    ],
)
def test_of_a_path_that_is_there_twice_the_last_entry_counts(
    tmp_path: Path, entries: list[tuple[zipfile.ZipInfo, bytes | str]], listed: dict[str, str]
) -> None:
    assert unpacked(archived(entries), tmp_path / "t") == listed
    assert (tmp_path / "t/a").read_text() == "last"


def test_both_of_two_entries_of_one_path_count_against_the_limit() -> None:
    content = bytearray(archived([(entry("a"), "1"), (entry("a"), "2")]))
    at = content.index(b"PK\x01\x02") + 24
    content[at : at + 4] = struct.pack("<I", UNZIPPED_MAX_BYTES)
    with pytest.raises(PackageTooLarge), packages.inspected(bytes(content)):
        pass


def test_names_that_differ_only_in_case_are_two_files(tmp_path: Path) -> None:
    assert set(unpacked(zipped({"a": "1", "A": "2"}), tmp_path / "t")) == {"a", "A"}


def test_utf8_names_are_read_with_and_without_the_flag(tmp_path: Path) -> None:
    flagged = zipped({"grüße.txt": "x"})
    assert list(unpacked(flagged, tmp_path / "a")) == ["grüße.txt"]
    unflagged = archived([(entry("gr____e.txt"), "x")]).replace(b"gr____e", "grüße".encode())
    assert list(unpacked(unflagged, tmp_path / "b")) == ["grüße.txt"]


def test_a_name_flagged_as_utf8_that_is_not_is_refused() -> None:
    refused(zipped({"grüße.txt": "x"}).replace("ü".encode(), b"\xff\xfe"))


def test_an_encrypted_entry_is_refused() -> None:
    content = bytearray(zipped({"a": "x"}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    assert "encrypted" in str(refused(bytes(content)).fields["reason"])


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_that_aws_does_not_take_are_refused(compression: int) -> None:
    refused(zipped({"a": "x" * 100}, compression))


def test_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    content = zipped({"a": "hello"}, zipfile.ZIP_STORED).replace(b"hello", b"jello")
    with pytest.raises(PackageUnreadable):
        unpacked(content, tmp_path / "t")


def test_zip64_archives_are_read(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, archive.open(zipfile.ZipInfo("a"), "w", force_zip64=True) as file:
        file.write(b"x")
    assert list(unpacked(buffer.getvalue(), tmp_path / "t")) == ["a"]


@pytest.mark.parametrize(
    "content", [b"x", b"PK\x03\x04 not really", HELLO[:-30], HELLO[: len(HELLO) // 2], b"\0" * 100]
)
def test_what_is_no_archive_is_refused(content: bytes) -> None:
    refused(content)


@pytest.mark.parametrize("content", [b"", zipped({})])
def test_an_empty_archive_is_refused(content: bytes) -> None:
    with pytest.raises(PackageEmpty), packages.inspected(content):
        pass


def test_an_archive_that_declares_more_than_250_mb_is_refused_unread() -> None:
    content = bytearray(zipped({"a": "x"}))
    at = content.index(b"PK\x01\x02") + 24
    content[at : at + 4] = struct.pack("<I", UNZIPPED_MAX_BYTES + 1)
    too_large = pytest.raises(PackageTooLarge, match="Unzipped size must be smaller than 262144000 bytes")
    with too_large, packages.inspected(bytes(content)):
        pass


def test_what_is_really_written_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = zipped({"a": b"\0" * 500_000, "b": b"\0" * 500_000})
    with packages.inspected(content) as package:
        monkeypatch.setattr(packages, "UNZIPPED_MAX_BYTES", 600_000)
        with pytest.raises(PackageTooLarge):
            packages.unpack(package, tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 600_000


def test_an_entry_that_unpacks_to_more_than_it_declares_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped({"a": b"\0" * 1_000_000}))
    for at in (content.index(b"PK\x03\x04") + 22, content.index(b"PK\x01\x02") + 24):
        content[at : at + 4] = struct.pack("<I", 1000)
    with pytest.raises(PackageUnreadable):
        unpacked(bytes(content), tmp_path / "t")
    assert sum(path.stat().st_size for path in (tmp_path / "t").iterdir()) <= 1000


def test_entries_that_share_their_data_are_refused() -> None:
    data = zlib.compress(b"\0" * 100_000, wbits=-15)
    crc = zlib.crc32(b"\0" * 100_000)
    local = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 8, 0, 0x21, crc, len(data), 100_000, 1, 0) + b"a" + data
    directory = b"".join(
        struct.pack(
            "<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 20, 20, 0, 8, 0, 0x21, crc, len(data), 100_000, 1, 0, 0, 0, 0, 0, 0
        )
        + name
        for name in (b"a", b"b", b"c")
    )
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 3, 3, len(directory), len(local), 0)
    assert "overlaps" in str(refused(local + directory + end).fields["reason"])


def test_a_local_header_with_another_name_is_refused(tmp_path: Path) -> None:
    content = zipped({"aaaa": "x"}).replace(b"aaaa", b"bbbb", 1)
    with pytest.raises(PackageUnreadable):
        unpacked(content, tmp_path / "t")


def test_too_many_entries_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "ENTRIES_MAX", 10)
    refused(zipped({f"{number}": "" for number in range(11)}))
    refused(zipped({f"{number}": "" for number in range(30)}))
    refused(zipped({f"{'d/' * 11}x": ""}))


PIECES = st.sampled_from(["a", "b", "..", ".", "", "c" * 40, "x/y", "\\", "ü", "C:", "a\0"])
HOSTILE = st.lists(
    st.tuples(
        st.lists(PIECES, min_size=1, max_size=5).map("/".join),
        st.sampled_from([stat.S_IFREG, stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO, 0]),
        st.lists(PIECES, min_size=1, max_size=5).map("/".join),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(entries=HOSTILE, flips=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=3))
def test_whatever_an_archive_says_nothing_is_written_outside(
    tmp_path_factory: pytest.TempPathFactory,
    entries: list[tuple[str, int, str]],
    flips: list[tuple[float, int]],
) -> None:
    content = bytearray(archived([(entry(name or "z", mode | 0o644), text) for name, mode, text in entries]))
    for place, value in flips:
        content[int(place * len(content))] = value
    outside = tmp_path_factory.mktemp("outside")
    root = outside / "root"
    root.mkdir()
    with suppress(AwsError), packages.inspected(bytes(content)) as package:
        packages.unpack(package, root)
    assert [path.name for path in outside.iterdir()] == ["root"]
    assert all(stat.S_IFMT(path.lstat().st_mode) in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK) for path in below(root))


def below(root: Path) -> Iterator[Path]:
    """Everything in a tree; no symlink is followed."""
    for directory, directories, files in os.walk(root):
        yield from (Path(directory, name) for name in (*directories, *files))
