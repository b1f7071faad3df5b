"""A medium kept in a qcow2 image: only what was written needs room.

QEMU's own implementation of the format reads and writes it: `qemu-nbd` serves the image to this
process alone, over a private socket, and puts it in order and ends when the connection does, also
where this process was killed.  A guest's flush reaches the image's file by it.

Which files hold such an image the operator says, or their names do.  What stands in a file never
decides: a guest writes what it likes to a raw disk, and a header of its making would else have the
host open whatever file that names (CVE-2008-2004).  Nor may an image name other files.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from hypervisor.scsi.backing import BackingError
from hypervisor.vio.configuration import DiskFormat

from .nbd import NbdClient, NbdError, Transmission
from .raw_file import MediaError, open_locked

if TYPE_CHECKING:
    from collections.abc import Sequence

MAGIC = b"QFI\xfb"
SUFFIX = ".qcow2"
_HEADER = struct.Struct(">4sIQIIQI")
_VERSIONS = (2, 3)
_FEATURES_AT = 72
_CORRUPT, _EXTERNAL_DATA = 1 << 1, 1 << 2
_START_SECONDS = 30
_END_SECONDS = 60
_UNLOCK_SECONDS = 5
"""For so long a server may still put an image in order whose machine was killed."""
_WITHOUT_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Qcow2Header(NamedTuple):
    """What the first bytes of an image say."""

    version: int
    size: int
    """Of the disk, in bytes."""


def read_header(path: Path) -> Qcow2Header:
    """Raises `MediaError` for what is no image, or none that can be used by itself."""
    try:
        with path.open("rb") as file:
            data = file.read(_FEATURES_AT + 8)
    except OSError as wrong:
        raise MediaError(f"{path}: {wrong.strerror}") from None
    if not data.startswith(MAGIC) or len(data) < _FEATURES_AT:
        raise MediaError(f"{path} is no qcow2 image: FILE,raw uses it byte for byte")
    _, version, backing, _, _, size, encrypted = _HEADER.unpack_from(data)
    if version not in _VERSIONS:
        raise MediaError(f"{path} is a qcow2 image of version {version}: 2 and 3 can be used")
    features = int.from_bytes(data[_FEATURES_AT:].ljust(8, b"\0"), "big") if version > 2 else 0
    if backing or features & _EXTERNAL_DATA:
        raise MediaError(
            f"{path} keeps part of its content in another file; "
            "qemu-img convert makes one of both, if that file is to be trusted"
        )
    if encrypted:
        raise MediaError(f"{path} is encrypted; qemu-img convert decrypts it")
    if features & _CORRUPT:
        raise MediaError(f"{path} is marked as corrupt; qemu-img check -r all may mend it")
    return Qcow2Header(version, size)


def format_of(path: Path) -> DiskFormat:
    """What a file's name says that it holds, where nobody else does.

    `MediaError` where it begins as another format does: then somebody has to say.
    """
    if path.suffix == SUFFIX:
        return DiskFormat.QCOW2
    with contextlib.suppress(OSError):
        if path.is_file():
            with path.open("rb") as file:
                if file.read(len(MAGIC)) == MAGIC:
                    raise MediaError(
                        f"{path} begins like a qcow2 image, but a guest may have written that: "
                        "say FILE,qcow2, or FILE,raw to use it byte for byte"
                    )
    return DiskFormat.RAW


def tool(name: str) -> str:
    """Where a program of QEMU's lies; `MediaError` without it."""
    if (found := shutil.which(name)) is None:
        raise MediaError(
            f"qcow2 images need {name}: apt-get install qemu-utils brings it (else pyphyp takes "
            "raw files, whose holes need no room either)"
        )
    return found


class Qcow2File:
    """A `Backing` over a qcow2 image."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Raises `MediaError`."""
        self.path, self.read_only = path, read_only
        self._lock = open_locked(path, read_only=read_only, patience=_UNLOCK_SECONDS)
        with contextlib.ExitStack() as undo:
            undo.callback(os.close, self._lock)
            read_header(path)
            self._server, self._client = _served(path, self._lock, read_only=read_only)
            undo.callback(self._end)
            self.size = self._client.size
            needed = Transmission.SEND_FLUSH | Transmission.SEND_WRITE_ZEROES
            if not read_only and needed & ~self._client.flags:
                raise MediaError(f"{path}: this qemu-nbd cannot flush or discard")
            undo.pop_all()

    def read(self, offset: int, length: int) -> bytes:
        try:
            return self._client.read(offset, length)
        except NbdError as wrong:
            raise self._failure(wrong) from None

    def write(self, offset: int, data: bytes) -> None:
        try:
            self._client.write(offset, data)
        except NbdError as wrong:
            raise self._failure(wrong) from None

    def flush(self) -> None:
        if self.read_only:
            return
        try:
            self._client.flush()
        except NbdError as wrong:
            raise self._failure(wrong) from None

    def discard(self, offset: int, length: int) -> None:
        try:
            self._client.write_zeroes(offset, length)
        except NbdError as wrong:
            raise self._failure(wrong) from None

    def close(self) -> None:
        self._end()
        os.close(self._lock)

    def _end(self) -> None:
        """The server writes what it holds, and ends."""
        self._client.close()
        try:
            self._server.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()

    def _failure(self, wrong: NbdError) -> BackingError:
        return BackingError(f"{self.path}: {wrong}", full=wrong.code in _WITHOUT_ROOM)


def _served(path: Path, lock: int, *, read_only: bool) -> tuple[subprocess.Popen[bytes], NbdClient]:
    """A server of an image, and the connection to it.

    It inherits `lock`, so that nobody else opens the image before it has ended.
    """
    program = tool("qemu-nbd")
    with (
        tempfile.TemporaryDirectory(prefix="pyphyp-") as directory,
        tempfile.TemporaryFile() as log,
    ):
        place = Path(directory) / "disk"
        command = (
            *(program, "--image-opts", _image_options(path)),
            *("--socket", str(place), "--shared", "1", "--cache", "writeback"),
            *(("--read-only",) if read_only else ("--discard", "unmap")),
        )
        server = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(lock,),
            start_new_session=True,  # keys that end this process are not its
        )
        try:
            return server, NbdClient(_connected(server, place))
        except (NbdError, TimeoutError) as wrong:
            server.kill()
            server.wait()
            said = _last_line(log)
            raise MediaError(f"{path}: {said or wrong}") from None


def _image_options(path: Path) -> str:
    """Format and file, with nothing left for QEMU to find out from the name."""
    name = str(path.absolute()).replace(",", ",,")
    return f"driver=qcow2,file.driver=file,file.filename={name}"


def _connected(server: subprocess.Popen[bytes], place: Path) -> socket.socket:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(place))
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            if server.poll() is not None:
                raise NbdError(f"qemu-nbd ended with status {server.returncode}") from None
            time.sleep(0.002)
        else:
            return connection
    raise TimeoutError("qemu-nbd does not begin")


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read(1 << 16).decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("qemu-nbd: ") if lines else ""


def run_qemu_img(arguments: Sequence[str]) -> str:
    """What qemu-img says; raises `MediaError` with its last line where it fails."""
    done = subprocess.run(
        [tool("qemu-img"), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"qemu-img ended with {done.returncode}"]
        raise MediaError(last[0].removeprefix("qemu-img: "))
    return done.stdout
