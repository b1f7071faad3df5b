"""A medium kept byte for byte in a file or block device of the host.

A file that another process uses is refused, and so is a block device that the host has mounted:
two systems would destroy what is on it.  A guest's flush is the host's fdatasync; a process that
is killed leaves a consistent image.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from typing import TYPE_CHECKING

from hypervisor.scsi.backing import BackingError
from hypervisor.scsi.disk import BLOCK

from .fallocate import punch_hole

if TYPE_CHECKING:
    from pathlib import Path


class MediaError(Exception):
    """A file cannot be used as a medium; the message says why and what would help."""


class RawFile:
    """A `Backing` over a file or block device, byte for byte."""

    def __init__(self, path: Path, *, read_only: bool = False, block: int = BLOCK) -> None:
        """Raises `MediaError`."""
        self.path, self.read_only = path, read_only
        self._file = open_locked(path, read_only=read_only)
        try:
            self.size = os.lseek(self._file, 0, os.SEEK_END)
            if self.size < block or self.size % block:
                raise MediaError(
                    f"{path} has {self.size} bytes: a medium has whole blocks of {block}; "
                    f"truncate -s %{block} would make it so"
                )
        except OSError as wrong:
            os.close(self._file)
            raise MediaError(f"{path}: {wrong.strerror}") from None
        except MediaError:
            os.close(self._file)
            raise

    def read(self, offset: int, length: int) -> bytes:
        try:
            data = os.pread(self._file, length, offset)
        except OSError as wrong:
            raise BackingError(f"{self.path}: {wrong.strerror}") from None
        if len(data) < length:  # somebody has cut the file
            raise BackingError(f"{self.path} ends before {offset + length}")
        return data

    def write(self, offset: int, data: bytes) -> None:
        try:
            rest = memoryview(data)
            while rest:
                done = os.pwrite(self._file, rest, offset)
                rest, offset = rest[done:], offset + done
        except OSError as wrong:
            raise self._failure(wrong) from None

    def flush(self) -> None:
        if self.read_only:
            return
        try:
            os.fdatasync(self._file)
        except OSError as wrong:
            raise self._failure(wrong) from None

    def discard(self, offset: int, length: int) -> None:
        try:
            if punch_hole(self._file, offset, length):
                return
        except OSError as wrong:
            raise self._failure(wrong) from None
        zeros = bytes(min(length, 1 << 20))
        for start in range(0, length, len(zeros) or 1):
            self.write(offset + start, zeros[: length - start])

    def close(self) -> None:
        """What still asks is told that the file is closed."""
        os.close(self._file)
        self._file = -1

    def _failure(self, wrong: OSError) -> BackingError:
        full = wrong.errno in (errno.ENOSPC, errno.EDQUOT)
        return BackingError(f"{self.path}: {wrong.strerror}", full=full)


def open_locked(path: Path, *, read_only: bool, patience: float = 0) -> int:
    """A descriptor of a file or block device that is nobody else's; raises `MediaError`.

    `patience`: for so many seconds whoever has it may still end.
    """
    flags = (os.O_RDONLY if read_only else os.O_RDWR) | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        kind = path.stat().st_mode
        if not (stat.S_ISREG(kind) or stat.S_ISBLK(kind)):
            raise MediaError(f"{path} is neither a file nor a block device")
        if stat.S_ISBLK(kind) and not read_only:
            flags |= os.O_EXCL  # without O_CREAT: fails where the host itself uses it
        file = os.open(path, flags)
    except OSError as wrong:
        raise MediaError(f"{path}: {wrong.strerror}{remedy(wrong)}") from None
    how = (fcntl.LOCK_SH if read_only else fcntl.LOCK_EX) | fcntl.LOCK_NB
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(file, how)
        except BlockingIOError:
            if time.monotonic() < deadline:
                time.sleep(0.01)
                continue
            os.close(file)
            raise MediaError(
                f"{path} is in use by another machine; end that one, or use a copy"
            ) from None
        return file


def remedy(wrong: OSError) -> str:
    match wrong.errno:
        case errno.ENOENT:
            return "; pyphyp disk create FILE 4G makes an empty disk"
        case errno.EBUSY:
            return "; the host itself uses it: is it mounted?"
        case errno.EACCES | errno.EROFS:
            return "; FILE,ro uses it without writing"
    return ""
