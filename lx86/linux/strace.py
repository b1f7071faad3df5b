"""A line for each system call, in the form of strace(1)."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
from typing import TYPE_CHECKING, Any, TextIO

from lx86.storage import StorageFault

if TYPE_CHECKING:
    from .call import Call
    from .signals import Signal
    from .thread import Thread

_SHOWN = 48
_PLACES = {-100: "AT_FDCWD"}
_LAST = ("exit", "exit_group")
"""Calls that do not return."""


def quoted(data: bytes, whole: bool = True) -> str:
    text = "".join(
        chr(byte)
        if 32 <= byte < 127 and byte not in b'"\\'
        else _ESCAPES.get(byte, f"\\x{byte:02x}")
        for byte in data
    )
    return f'"{text}"' + ("" if whole else "...")


_ESCAPES = {10: "\\n", 9: "\\t", 13: "\\r", 0: "\\0", 34: '\\"', 92: "\\\\"}


class Strace:
    """Writes to `output`; each line has the thread's number once there is more than one."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._first: int | None = None
        self._several = False
        self._begun: dict[int, str] = {}

    def move_above(self, limit: int) -> None:
        """Write by a descriptor that the program does not see, whatever it does with its own."""
        self._output.flush()
        number = self._output.fileno()
        moved = fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, limit)
        if number > 2:
            self._output.close()
        self._output = os.fdopen(moved, "w", buffering=1, encoding="utf-8")

    def flush(self) -> None:
        """Before a fork: what is buffered must not be written twice."""
        self._output.flush()

    def entered(self, thread: Thread, call: Call, arguments: list[Any]) -> None:
        shown = [
            _shown(thread, letter, value, arguments[n + 1 :])
            for n, (letter, value) in enumerate(zip(call.formats, arguments, strict=True))
        ]
        self._begun[thread.tid] = f"{call.name}({', '.join(shown)})"
        if call.name in _LAST:
            self.returned(thread, None)

    def returned(self, thread: Thread, result: int | None) -> None:
        text = self._begun.pop(thread.tid, None)
        if text is None:
            name = thread.call.name if thread.call else "?"
            text = f"{name}(...)"
        if result is None:
            outcome = "?"
        elif -4096 < result < 0:
            name = errno.errorcode.get(-result, str(-result))
            outcome = f"-1 {name} ({os.strerror(-result)})"
        else:
            most = (1 << 8 * thread.process.storage.word) - 1
            outcome = str(result) if abs(result) < 1 << 20 else f"{result & most:#x}"
        self._line(thread, f"{text} = {outcome}")

    def unknown(self, thread: Thread, number: int) -> None:
        self._line(thread, f"syscall_{number}() = -1 ENOSYS ({os.strerror(errno.ENOSYS)})")

    def signal(self, thread: Thread, what: Signal) -> None:
        try:
            name = signal.Signals(what.number).name
        except ValueError:
            name = f"SIG_{what.number}"
        where = f", si_addr={what.address:#010x}" if what.trap == 14 else ""
        self._line(thread, f"--- {name} (si_code={what.code}{where}) ---")

    def _line(self, thread: Thread, text: str) -> None:
        if self._first is None:
            self._first = thread.tid
        self._several = self._several or thread.tid != self._first
        prefix = f"[{thread.tid}] " if self._several else ""
        self._output.write(f"{prefix}{text}\n")
        self._output.flush()


def _shown(thread: Thread, letter: str, value: Any, rest: list[Any]) -> str:
    match letter:
        case "d" | "u" | "l":
            return str(value)
        case "f":
            return _PLACES.get(value, str(value))
        case "o":
            return f"0{value:o}"
        case "s":
            return quoted(value)
        case "p":
            return "NULL" if not value else f"{value:#x}"
        case "b":
            length = min(rest[0], _SHOWN)
            try:
                data = thread.process.storage.read(value, length)
            except StorageFault:
                return f"{value:#x}"
            return quoted(data, length == rest[0])
        case _:
            return f"{value:#x}"
