"""One sandbox's /tmp on disk: a small ext4 in a file that has no name, behind a loop device, as a detached mount.

    blank (mkfs, once for each size) ── its 60 KB are copied ──> file without a name ── loop ── ext4 ──> detached mount

The file has no name from its first moment, the device lets go of it when nobody has it open (autoclear), and no path leads to
the mount: so all of it goes with the last descriptor and the last namespace that holds the mount, however those end. What is
deleted in it is given back to the host's disk (discard). Without a journal and barriers, since nothing in it is to survive.
Past the host's page cache (direct I/O), so that a page is cached once, and charged to the guest.

Defends against: a guest that fills the host's disk (`allow`), or its memory by way of the page cache. Does not: bound how
much it reads and writes in a second. The kernel mounts nothing here that a guest could have made: only images of our own
mkfs, which the guest changes by way of the file system.

Called in threads: what is here takes 5 to 30 ms.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

from lambent.sandbox.native import linux

_MIB: Final = 1 << 20
_BLOCK_BYTES: Final = 4096
_SECTOR_BYTES: Final = 512
_INODE_SHARE_BYTES: Final = 16384  # a file for so many bytes; it takes 256 of them
_BLANK_BYTES: Final = 16 * _MIB  # that a blank holds at most: a host that knows no holes cannot have images
_MKFS_S: Final = 30.0
_MKFS_PATH: Final = "/usr/sbin:/sbin:/usr/local/sbin"
_MEMORY_FILE_SYSTEMS: Final = ("tmpfs", "ramfs")

_LOOP_CONTROL: Final = "/dev/loop-control"
_LOOP_GET_FREE: Final = 0x4C82
_LOOP_CONFIGURE: Final = 0x4C0A
_LOOP_CONFIG: Final = struct.Struct("=II52xI176x64x")  # file, block size; in its loop_info64: flags
_LOOP_AUTOCLEAR_DIRECT_IO: Final = 4 | 16
_LOOP_TRIES: Final = 64  # others on the machine take loop devices, too

_FSOPEN, _FSCONFIG, _FSMOUNT = 430, 431, 432  # on every architecture
_CLOSE_ON_EXEC: Final = 1
_SET_FLAG, _SET_STRING, _CREATE = 0, 1, 6
_ATTR_NOATIME: Final = 0x10

# Not linux.call, which keeps the interpreter's lock: the server has other things to do meanwhile.
_libc: Final = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


class Blank(NamedTuple):
    """What images of one size are copies of."""

    size_mib: int
    device_bytes: int
    pieces: tuple[tuple[int, bytes], ...]  # offsets, and what is not zero there


class Image:
    """One /tmp. `mount` is a descriptor of its mount, which changes hands as the mount is attached and held anew."""

    def __init__(self, size_mib: int, mount: int, file: int, loop: int) -> None:
        self.size_mib: Final = size_mib
        self.mount = mount
        self._file: Final = file
        self._settings: Final = f"/sys/fs/ext4/loop{loop}/reserved_clusters"
        self._free_at_first: Final = os.fstatvfs(mount).f_bfree
        self._allocated_at_first: Final = os.fstat(file).st_blocks
        self._size_blocks: Final = room_bytes(size_mib) // _BLOCK_BYTES
        self._reserved = -1
        self.allow(0)

    def used_bytes(self) -> int:
        """Return what the guest has in it, what is not written to disk yet and what is only allocated included."""
        return (self._free_at_first - os.fstatvfs(self.mount).f_bfree) * _BLOCK_BYTES

    def written_bytes(self) -> int:
        """Return what it takes of the host's disk."""
        return (os.fstat(self._file).st_blocks - self._allocated_at_first) * _SECTOR_BYTES

    def allow(self, more_bytes: int) -> None:
        """Let the guest have so much more than it has, at most up to the size: what is over that fails with ENOSPC.

        One write to a file of /sys, which the kernel reads whenever it gives out a block.
        """
        free = os.fstatvfs(self.mount).f_bfree
        up_to_size = self._size_blocks - (self._free_at_first - free)
        reserved = free - max(0, min(up_to_size, more_bytes // _BLOCK_BYTES))
        if reserved != self._reserved:
            descriptor = os.open(self._settings, os.O_WRONLY | os.O_CLOEXEC)
            try:
                _ = os.write(descriptor, b"%d" % reserved)
            finally:
                os.close(descriptor)
            self._reserved = reserved

    def close(self) -> None:
        """Let go of the mount and the file, at which the kernel frees all of it, if no namespace has the mount any more."""
        os.close(self.mount)
        os.close(self._file)


def room_bytes(size_mib: int) -> int:
    """Return what a guest may take: the size, and what the file system needs to find so much again."""
    return size_mib * _MIB + max(_MIB, size_mib * _MIB // 256)


def obstacle(directory: Path) -> str:
    """Return what is known to stand in the way of images in `directory`, or "": only making one proves that it works."""
    if os.geteuid() != 0:
        return "mounting images needs root"
    if _mkfs() is None:
        return "mkfs.ext4 (e2fsprogs) is not installed"
    if (kind := _file_system(directory)) in _MEMORY_FILE_SYSTEMS:
        return f"{directory} is in memory itself ({kind})"
    if not os.path.exists(_LOOP_CONTROL):
        return f"there is no {_LOOP_CONTROL}"
    return ""


def blank(size_mib: int, directory: Path) -> Blank:
    """Make the file system of one size, once. Raises OSError."""
    mkfs = _mkfs()
    if mkfs is None:
        raise FileNotFoundError(errno.ENOENT, "mkfs.ext4 (e2fsprogs) is not installed")
    device_bytes = -(-room_bytes(size_mib) * 103 // 100 // _MIB) * _MIB + 8 * _MIB
    file = _nameless(directory, device_bytes)
    try:
        options = ["-q", "-F", "-b", str(_BLOCK_BYTES), "-m", "0", "-i", str(_INODE_SHARE_BYTES), "-I", "256"]
        features = ["-O", "^has_journal,^resize_inode", "-E", "lazy_itable_init=1,nodiscard"]
        made = subprocess.run(
            [mkfs, *options, *features, f"/proc/self/fd/{file}"],
            pass_fds=[file],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_MKFS_S,
            check=False,
        )
        if made.returncode != 0:
            raise OSError(errno.EIO, f"mkfs.ext4: {made.stderr.decode(errors='replace').strip()}")
        return Blank(size_mib, device_bytes, tuple(_pieces(file, device_bytes)))
    except subprocess.TimeoutExpired as error:
        raise OSError(errno.ETIMEDOUT, f"mkfs.ext4 has not ended within {_MKFS_S:g} s") from error
    finally:
        os.close(file)


def make(of: Blank, directory: Path) -> Image:
    """Make one image and mount it, attached to nothing; nothing may be written to it until `allow`. Raises OSError."""
    file = _nameless(directory, of.device_bytes)
    mount = -1
    try:
        for offset, content in of.pieces:
            _ = os.pwrite(file, content, offset)
        number, device = _loop_device(file)
        try:
            mount = _mount(f"/dev/loop{number}")
        finally:
            os.close(device)  # the mount has it open
        os.chmod(f"/proc/self/fd/{mount}", 0o1777)
        os.rmdir("lost+found", dir_fd=mount)
        return Image(of.size_mib, mount, file, number)
    except BaseException:
        for descriptor in (mount, file):
            if descriptor >= 0:
                os.close(descriptor)
        raise


def _nameless(directory: Path, size_bytes: int) -> int:
    file = os.open(directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        os.ftruncate(file, size_bytes)
    except OSError:
        os.close(file)
        raise
    return file


def _pieces(file: int, end: int) -> list[tuple[int, bytes]]:
    pieces: list[tuple[int, bytes]] = []
    at = held = 0
    while at < end:
        try:
            first = os.lseek(file, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # a hole up to the end
                break
            raise
        at = os.lseek(file, first, os.SEEK_HOLE)
        held += at - first
        if held > _BLANK_BYTES:
            raise OSError(errno.EOPNOTSUPP, "files have no holes there")
        pieces.append((first, os.pread(file, at - first, first)))
    return pieces


def _loop_device(file: int) -> tuple[int, int]:
    """Put a free loop device in front of the file; return its number and its descriptor."""
    configuration = _LOOP_CONFIG.pack(file, _BLOCK_BYTES, _LOOP_AUTOCLEAR_DIRECT_IO)
    control = os.open(_LOOP_CONTROL, os.O_RDWR | os.O_CLOEXEC)
    try:
        for _ in range(_LOOP_TRIES):
            number = fcntl.ioctl(control, _LOOP_GET_FREE)
            device = os.open(f"/dev/loop{number}", os.O_RDWR | os.O_CLOEXEC)
            try:
                _ = fcntl.ioctl(device, _LOOP_CONFIGURE, configuration)
            except OSError as error:
                os.close(device)
                if error.errno != errno.EBUSY:  # another has taken it
                    raise
            else:
                return number, device
    finally:
        os.close(control)
    raise OSError(errno.EBUSY, "others take every loop device")


def _mount(device: str) -> int:
    context = _call(_FSOPEN, b"ext4", _CLOSE_ON_EXEC)
    try:
        _ = _call(_FSCONFIG, context, _SET_STRING, b"source", device.encode(), 0)
        for flag in (b"nobarrier", b"discard", b"noinit_itable"):
            _ = _call(_FSCONFIG, context, _SET_FLAG, flag, None, 0)
        _ = _call(_FSCONFIG, context, _CREATE, None, None, 0)
        return _call(_FSMOUNT, context, _CLOSE_ON_EXEC, linux.ATTR_NOSUID | linux.ATTR_NODEV | _ATTR_NOATIME)
    except OSError as error:
        with contextlib.suppress(OSError):
            error.strerror = f"{error.strerror}: {os.read(context, 1024).decode(errors='replace').strip()}"
        raise
    finally:
        os.close(context)


def _call(number: int, *arguments: object) -> int:
    result = int(_libc.syscall(number, *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"an image cannot be mounted: {os.strerror(code)}")
    return result


def _mkfs() -> str | None:
    return shutil.which("mkfs.ext4", path=_MKFS_PATH) or shutil.which("mkfs.ext4")


def _file_system(directory: Path) -> str:
    """Return the kind of file system that the directory is in, as the kernel names it; "" if that cannot be told."""
    device = directory.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split(" ")
        if fields[2] == wanted:
            return fields[fields.index("-") + 1]
    return ""
