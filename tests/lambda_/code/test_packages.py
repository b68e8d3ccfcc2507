"""What a deployment package may contain, and that nothing else is ever written."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
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


def test_files_are_read_only_and_executable_where_the_archive_says_so(tmp_path: Path) -> None:
    content = archived(
        [
            (entry("bootstrap", stat.S_IFREG | 0o755), "#!/bin/sh\n"),
            (entry("data/private.txt", stat.S_IFREG | 0o600), "x"),
            (zipfile.ZipInfo("empty/"), ""),
        ]
    )
    assert unpacked(content, tmp_path / "t") == {
        "bootstrap": "file 555",
        "data": "dir 555",
        "data/private.txt": "file 444",
        "empty": "dir 555",
    }
    assert (tmp_path / "t/data/private.txt").read_text() == "x"


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
    "links",
    [
        [("out", "../secret")],
        [("out", "/etc/passwd")],
        [("a", "b/.."), ("b", "c"), ("c", "..")],
        [("d/up", ".."), ("out", "d/up/../x")],
        [("loop", "loop")],
        [("a", "b"), ("b", "a")],
        [("out", "a\0b")],
        [("out", "x" * 5000)],
        [("out", "")],
    ],
)
def test_symlinks_that_leave_the_package_or_go_in_circles_are_refused(links: list[tuple[str, str]]) -> None:
    refused(archived([link(name, target) for name, target in links]))


@pytest.mark.parametrize(
    "name",
    [
        "/etc/cron.d/x",
        "../x",
        "a/../../x",
        "a/..",
        "..\\x",
        "a\\b",
        "C:/x",
        "c:x",
        "a/" * 101 + "x",
        "x" * 256,
        "/".join(["y" * 200] * 20),
    ],
)
def test_names_that_lead_elsewhere_or_fit_no_file_system_are_refused(name: str) -> None:
    refused(archived([(entry(name), "x")]))


def test_a_name_with_a_nul_is_refused() -> None:
    refused(archived([(entry("good.py"), "x")]).replace(b"good.py", b"go\0d.py"))


@pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_devices_fifos_and_sockets_are_refused(kind: int) -> None:
    refused(archived([(entry("x", kind | 0o644), b"")]))


@pytest.mark.parametrize(
    "entries",
    [
        [(entry("a"), "1"), (entry("a"), "2")],
        [(entry("a"), "1"), (entry("./a"), "2")],
        [(entry("a"), "1"), (entry("a/b"), "2")],
        [(entry("a/b"), "2"), (entry("a"), "1")],
        [link("a", "b"), (entry("b/c"), "1"), (entry("a/evil"), "2")],
        [link("a", "b"), (entry("a"), "2")],
    ],
)
def test_a_path_that_is_two_things_is_refused(entries: list[tuple[zipfile.ZipInfo, bytes | str]]) -> None:
    refused(archived(entries))


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


def test_links_that_take_too_long_to_follow_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "LINK_STEPS_MAX", 1000)
    chain = [link(f"{number}", f"{'./' * 200}{number + 1}") for number in range(30)]
    assert "too long" in str(refused(archived(chain)).fields["reason"])


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
def test_whatever_an_archive_says_nothing_is_written_or_linked_outside(
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
    for path in root.rglob("*"):
        assert path.resolve().is_relative_to(root)
        assert path.is_symlink() or path.is_dir() or path.is_file()
