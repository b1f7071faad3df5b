"""What the machine's thread gives out and any number of clients read, each at its own pace.

A stream keeps the last so many bytes.  A reader has a position in it and never holds up the
machine: one that is too slow is told how much it lost.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from typing import TYPE_CHECKING

from emu.values import frozen

if TYPE_CHECKING:
    from collections.abc import Callable

    from .protocol import Notice

HISTORY = 1 << 18
"""Bytes of a console that are kept for those who attach later."""
NOTICES_KEPT = 256


_QUESTIONS = re.compile(rb"\x05|\x1bZ|\x1b\[[0-9;?>=]*[cn]")
"""What a terminal answers as if it were typed: ENQ, DECID, DA and DSR (ECMA-48)."""


def without_questions(history: bytes) -> bytes:
    """Output without what a terminal that is shown it later must not answer any more."""
    return _QUESTIONS.sub(b"", history)


@frozen
class Read:
    """What came since a position, how many bytes before it are gone, and the new position."""

    text: bytes
    lost: int
    position: int


class ConsoleStream:
    """A console's output; written by the machine, read by any thread."""

    def __init__(self, written: Callable[[], None]) -> None:
        """`written` is called after each write, by the thread that writes."""
        self._written = written
        self._lock = threading.Lock()
        self._kept = bytearray()
        self._end = 0

    def write(self, text: bytes) -> None:
        with self._lock:
            self._kept += text
            self._end += len(text)
            if len(self._kept) > 2 * HISTORY:
                del self._kept[:-HISTORY]
        self._written()

    @property
    def end(self) -> int:
        """The position behind all that was written."""
        return self._end

    def last_lines(self, count: int) -> int:
        """The position where the last `count` lines begin; an unfinished one is a line."""
        with self._lock:
            at = len(self._kept)
            if count and self._kept.endswith(b"\n"):
                at -= 1
            for _ in range(count):
                at = self._kept.rfind(b"\n", 0, at)
                if at < 0:
                    break
            begin = at + 1 if count else at
            return self._end - len(self._kept) + begin

    def read(self, position: int, most: int) -> Read:
        """What follows `position`, at most so many bytes of it."""
        with self._lock:
            oldest = self._end - len(self._kept)
            begin = max(position, oldest)
            text = bytes(self._kept[begin - oldest : begin - oldest + most])
        return Read(text, begin - position, begin + len(text))


class NoticeBoard:
    """The last notices, numbered from 0 on."""

    def __init__(self, posted: Callable[[], None]) -> None:
        self._posted = posted
        self._lock = threading.Lock()
        self._kept: deque[Notice] = deque(maxlen=NOTICES_KEPT)
        self._end = 0

    @property
    def end(self) -> int:
        """The number that the next notice will have."""
        return self._end

    def post(self, notice: Notice) -> None:
        with self._lock:
            self._kept.append(notice)
            self._end += 1
        self._posted()

    def since(self, number: int) -> tuple[list[Notice], int]:
        """Those from `number` on that are kept, and the number to go on with."""
        with self._lock:
            new = self._end - max(number, self._end - len(self._kept))
            return (list(self._kept)[len(self._kept) - new :] if new else []), self._end
