"""The directory that a machine's boot server gives out, and nothing beside it."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath

from hypervisor.network.tftp import Error, FileError

LONGEST_NAME = 512
GRUB_IMAGE = "boot/grub/powerpc-ieee1275/core.elf"
"""Where Debian's grub-mknetdir puts GRUB for Open Firmware."""


class BootFilesError(Exception):
    """What is to be given out cannot be; the message says why and what would help."""


class ServedFile:
    """One file of the directory, open."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor, self.size = descriptor, size

    def read(self, offset: int, length: int) -> bytes:
        try:
            return os.pread(self._descriptor, length, offset)
        except OSError as wrong:
            raise FileError(wrong.strerror or "it cannot be read", Error.UNDEFINED) from None

    def close(self) -> None:
        os.close(self._descriptor)


class ServedDirectory:
    """Files below `root` by their names, which are relative to it, also with a slash before.

    A link may lead to another place below it; what leads out is not found.
    """

    def __init__(self, root: Path) -> None:
        """Raises `BootFilesError`."""
        try:
            self.root = root.resolve(strict=True)
        except (OSError, RuntimeError):
            raise BootFilesError(f"there is no directory {root}") from None
        if not self.root.is_dir():
            raise BootFilesError(f"{root} is no directory")

    def open(self, name: str) -> ServedFile:
        parts = [part for part in PurePosixPath(name).parts if part != "/"]
        if not parts or ".." in parts or len(name) > LONGEST_NAME or "\0" in name:
            raise FileError("no such name", Error.ACCESS)
        try:
            path = self.root.joinpath(*parts).resolve(strict=True)
            if not path.is_relative_to(self.root):
                raise FileError("no such file")
            flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW
            descriptor = os.open(path, flags)
        except (OSError, RuntimeError, ValueError):
            raise FileError("no such file") from None
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise FileError("no such file")
        return ServedFile(descriptor, status.st_size)


def directory_and_file(path: Path) -> tuple[Path, str]:
    """What `path` says is given out, and the program that clients boot.

    A file is that program, and its directory is given out; of a directory made by grub-mknetdir it
    is GRUB.  Raises `BootFilesError`.
    """
    if path.is_file():
        return path.parent, path.name
    if not path.is_dir():
        raise BootFilesError(f"there is no file or directory {path}")
    if not (path / GRUB_IMAGE).is_file():
        raise BootFilesError(
            f"{path} has no {GRUB_IMAGE}: grub-mknetdir --net-directory={path} --subdir=boot/grub "
            "makes it, or name the file to boot"
        )
    return path, GRUB_IMAGE
