"""Captures of frames in files that tcpdump, tshark and Wireshark read (the libpcap format).

Time stamps are the machine's, in nanoseconds since 1970: equal runs give equal files.
"""

from __future__ import annotations

import contextlib
import struct
from typing import TYPE_CHECKING

from hypervisor.network.frame import LONGEST
from pyphyp.messages import complain

from .link import LinkError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

_NANOSECONDS = 0xA1B23C4D
"""The magic number of files whose time stamps are that fine."""
_VERSION = 2, 4
_ETHERNET = 1
_NS = 1_000_000_000
MOST_BYTES = 1 << 32
"""What a guest can make of a file; it ends there."""


class Capture:
    """Writes frames to `path`, anew.  Raises `LinkError` where that cannot be."""

    def __init__(self, path: Path, *, most: int = MOST_BYTES) -> None:
        self._path, self._left = path, most
        header = struct.pack("<IHHiIII", _NANOSECONDS, *_VERSION, 0, 0, LONGEST, _ETHERNET)
        try:
            self._file: BinaryIO | None = path.open("wb")
            self._file.write(header)
            self._file.flush()
        except OSError as wrong:
            raise LinkError(f"{path}: {wrong.strerror}") from None

    def write(self, now: int, frame: bytes) -> None:
        """A frame, with its tag if it has one, at nanosecond `now` since 1970."""
        if self._file is None:
            return
        seconds, nanoseconds = divmod(now, _NS)
        head = struct.pack("<IIII", seconds & 0xFFFFFFFF, nanoseconds, len(frame), len(frame))
        self._left -= len(head) + len(frame)
        if self._left < 0:
            self._end("it is as long as a capture may be")
            return
        try:
            self._file.write(head + frame)
        except OSError as wrong:
            self._end(wrong.strerror or str(wrong))

    def flush(self) -> None:
        if self._file is not None:
            try:
                self._file.flush()
            except OSError as wrong:
                self._end(wrong.strerror or str(wrong))

    def _end(self, why: str) -> None:
        complain(f"{self._path}: {why}; nothing more is recorded")
        self.close()

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()
