"""Files of virtual disks: FILE[,ro][,shared][,raw|,qcow2]; making and converting them."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from emu.values import frozen
from hypervisor.scsi.disk import BLOCK
from hypervisor.vio.configuration import DiskFormat, Medium, ScsiUnit

from .qcow2 import format_of, read_header, run_qemu_img, tool
from .raw_file import MediaError, open_locked

if TYPE_CHECKING:
    from collections.abc import Iterator

_FORMATS = {form.value: form for form in DiskFormat}
_READ_ONLY, _SHARED = "ro", "shared"


@frozen
class DiskFile:
    """A file or block device, and how it is used."""

    path: Path
    format: DiskFormat
    read_only: bool = False
    shared: bool = False

    def unit(self, target: int) -> ScsiUnit:
        return ScsiUnit(
            Medium.DISK,
            str(self.path),
            target,
            read_only=self.read_only,
            format=self.format,
            shared=self.shared,
        )


def parse_disk_file(text: str, directory: Path = Path()) -> DiskFile:
    """What FILE[,ro][,shared][,raw|,qcow2] says, its name relative to `directory`.

    Raises `MediaError`.
    """
    name, words = text, set[str]()
    while True:
        before, comma, word = name.rpartition(",")
        if not comma or word not in (_READ_ONLY, _SHARED, *_FORMATS) or word in words:
            break
        name = before
        words.add(word)
    forms = [_FORMATS[word] for word in words if word in _FORMATS]
    if len(forms) > 1:
        raise MediaError(f"{text}: a disk has one format")
    path = (directory / name).absolute()
    if not (path.is_file() or path.is_block_device()):
        raise MediaError(f"there is no file {path}: pyphyp disk create {name} 4G makes a disk")
    form = forms[0] if forms else format_of(path)
    return DiskFile(path, form, _READ_ONLY in words, _SHARED in words)


@frozen
class DiskFacts:
    """Sizes are in bytes."""

    path: Path
    format: DiskFormat
    size: int
    on_host: int
    """What the host's file system has given it."""


def create_disk(path: Path, size: int, form: DiskFormat) -> None:
    """An empty disk that needs next to no room; raises `MediaError`."""
    if size < BLOCK or size % BLOCK:
        raise MediaError(f"{size} bytes: a disk has whole blocks of {BLOCK}")
    with _becoming(path) as part:
        if form is DiskFormat.QCOW2:
            run_qemu_img(("create", "-q", "-f", "qcow2", str(part), str(size)))
        else:
            try:
                part.touch()
                os.truncate(part, size)
            except OSError as wrong:
                raise MediaError(f"{path}: {wrong.strerror}") from None


def disk_facts(disk: DiskFile) -> DiskFacts:
    """Raises `MediaError` where the file is no such disk."""
    try:
        status = disk.path.stat()
        if disk.format is DiskFormat.QCOW2:
            size = read_header(disk.path).size
        else:
            with disk.path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
    except OSError as wrong:
        raise MediaError(f"{disk.path}: {wrong.strerror}") from None
    return DiskFacts(disk.path, disk.format, size, status.st_blocks * 512)


def convert_disk(source: DiskFile, path: Path, form: DiskFormat) -> None:
    """A new file with the content of a disk that nobody uses meanwhile; raises `MediaError`."""
    tool("qemu-img")
    lock = open_locked(source.path, read_only=True)
    try:
        if source.format is DiskFormat.QCOW2:
            read_header(source.path)
        with _becoming(path) as part:
            formats = ("-f", source.format.value, "-O", form.value)
            run_qemu_img(("convert", *formats, str(source.path.absolute()), str(part)))
    finally:
        os.close(lock)


def check_disk(disk: DiskFile) -> None:
    """Raises `MediaError` where an image's own tables do not fit together."""
    if disk.format is DiskFormat.QCOW2:
        read_header(disk.path)
        run_qemu_img(("check", "-q", "-f", "qcow2", str(disk.path.absolute())))


@contextlib.contextmanager
def _becoming(path: Path) -> Iterator[Path]:
    """A file that becomes `path` when all went well; raises `MediaError` where that is there."""
    part = path.absolute().with_name(f".{path.name}.part{os.getpid()}")
    if path.exists():
        raise MediaError(f"{path} exists already: remove it, or choose another name")
    try:
        yield part
        file = os.open(part, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(file)
        finally:
            os.close(file)
        os.link(part, path)  # which never takes another file's place
    except OSError as wrong:
        raise MediaError(f"{path}: {wrong.strerror}") from None
    finally:
        part.unlink(missing_ok=True)
