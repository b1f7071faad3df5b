"""The error log of a Virtual I/O Server, kept in `errlog` of its directory.

Each line of the file is an entry; one of the same sequence number takes an earlier one's place,
as when the same thing happened again.  So an entry is there once its line is, whatever ends the
machine, and lines that are none are left out.  Only the newest entries are kept.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Annotated

from emu.state import Length, StateError, plain, rebuild, record
from emu.values import frozen
from pyphyp.replacing import replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

MOST_ENTRIES = 500
_MOST_WAITING = 256
_LONGEST_DETAIL = 400
DAY = 86400


@frozen
class _Kind:
    """What `errlog` says of an event: P permanent, T temporary, I information, U unknown; H
    hardware, S software, O operator."""

    identifier: str
    type: str
    resource_class: str
    description: str
    causes: tuple[str, ...] = ()


class Event(Enum):
    """By their labels.  Identifiers are AIX's where it has such an event; others begin with F0."""

    REBOOT_ID = _Kind("2BFA76F6", "T", "O", "SYSTEM SHUTDOWN BY USER", ("SYSTEM SHUTDOWN",))
    ERRLOG_ON = _Kind("9DBCFDEE", "T", "O", "ERROR LOGGING TURNED ON", ("ERRDEMON STARTED",))
    SC_DISK_ERR2 = _Kind("B6267342", "P", "H", "DISK OPERATION ERROR", ("DASD DEVICE",))
    SC_DISK_PCM_ERR7 = _Kind(
        "DE3B8540", "P", "H", "PATH HAS FAILED", ("ADAPTER HARDWARE OR CABLE",)
    )
    SC_DISK_PCM_ERR9 = _Kind("F31FFAC3", "I", "H", "PATH HAS RECOVERED")
    LVM_IO_FAIL = _Kind("E86653C3", "P", "H", "I/O ERROR DETECTED BY LVM", ("PHYSICAL VOLUME",))
    LVM_SA_PVMISS = _Kind(
        "F7DDA124",
        "U",
        "H",
        "PHYSICAL VOLUME DECLARED MISSING",
        ("POWER, DRIVE, ADAPTER, OR CABLE",),
    )
    J2_FS_FULL = _Kind(
        "F7FA22C9", "I", "O", "UNABLE TO ALLOCATE SPACE IN FILE SYSTEM", ("FILE SYSTEM FULL",)
    )
    J2_USERDATA_EIO = _Kind(
        "EA88F829", "I", "O", "USER DATA I/O ERROR", ("ADAPTER HARDWARE OR MICROCODE",)
    )
    SEAHA_PRIMARY = _Kind("E48A73A4", "I", "H", "BECOME PRIMARY", ("BECOME PRIMARY",))
    SEAHA_BACKUP = _Kind("40D97644", "I", "H", "BECOME BACKUP", ("BECOME BACKUP",))
    GOENT_LINK_DOWN = _Kind("EC0BCCD4", "T", "H", "ETHERNET DOWN", ("CABLE",))
    VIO_SEA_CFG = _Kind(
        "F0000001", "P", "S", "SHARED ETHERNET ADAPTER NOT CONFIGURED", ("CONFIGURATION",)
    )
    VIO_VTD_CFG = _Kind(
        "F0000002", "P", "S", "VIRTUAL TARGET DEVICE NOT CONFIGURED", ("BACKING DEVICE",)
    )
    VIO_VSCSI_CLOSE = _Kind(
        "F0000003", "I", "S", "CLIENT ADAPTER WAS RESET OR CLOSED", ("CLIENT PARTITION",)
    )


@record
class Entry:
    """An event, and how often it happened with nothing else between."""

    sequence: Annotated[int, range(1, 1 << 40)]
    event: Event
    resource: Annotated[str, Length(1, 64)]
    detail: Annotated[str, Length(0, _LONGEST_DETAIL)]
    first: Annotated[int, range(1 << 40)]
    last: Annotated[int, range(1 << 40)]
    """Seconds since 1970."""
    count: Annotated[int, range(1, 1 << 40)] = 1


class ErrorLog:
    """Kept in `file`; `clock` gives seconds since 1970.

    What happens while partitions run side by side is given to `note`, by any thread, and is an
    entry after the next `settle`; it is in the order of its time, whoever came first on the host.
    """

    def __init__(self, file: Path, clock: Callable[[], int]) -> None:
        self._file, self._clock = file, clock
        self._entries: dict[int, Entry] = {}
        self._next = 1
        self._lines = 0
        self._waiting: deque[tuple[int, str, Event, str]] = deque(maxlen=_MOST_WAITING)
        self._read()

    def _read(self) -> None:
        try:
            content = self._file.read_bytes()
        except OSError:
            return
        lines = content.splitlines()
        for line in lines:
            try:
                entry = rebuild(Entry, json.loads(line), "entry")
            except (ValueError, RecursionError, StateError):
                continue
            self._entries[entry.sequence] = entry
        self._next = max(self._entries, default=0) + 1
        self._lines = len(lines)
        if content and not content.endswith(b"\n"):  # its writer was killed: no entry continues it
            self._rewrite()
        self._shorten()

    @property
    def entries(self) -> list[Entry]:
        """The newest one first."""
        return [self._entries[number] for number in sorted(self._entries, reverse=True)]

    def log(self, event: Event, resource: str, detail: str = "") -> None:
        """It happened now."""
        self._add(self._clock(), resource, event, detail)

    def note(self, event: Event, resource: str, detail: str = "") -> None:
        """It happened now, while partitions run."""
        self._waiting.append((self._clock(), resource, event, detail))

    def settle(self) -> None:
        """Nobody runs: what was noted becomes entries."""
        waiting = sorted(self._waiting, key=lambda its: (its[0], its[1], its[2].name, its[3]))
        self._waiting.clear()
        for at, resource, event, detail in waiting:
            self._add(at, resource, event, detail)

    def _add(self, at: int, resource: str, event: Event, detail: str) -> None:
        detail = detail[:_LONGEST_DETAIL]
        before = self._entries.get(self._next - 1)
        if before is not None and (before.event, before.resource, before.detail) == (
            event,
            resource,
            detail,
        ):
            entry = replace(before, last=at, count=before.count + 1)
        else:
            entry = Entry(self._next, event, resource, detail, at, at)
            self._next += 1
        self._entries[entry.sequence] = entry
        self._append([entry])
        self._shorten()

    def remove_before(self, days: int) -> None:
        """Entries that are so many days old, or older."""
        limit = self._clock() - days * DAY
        self._entries = {n: its for n, its in self._entries.items() if its.last > limit}
        self._rewrite()

    def _shorten(self) -> None:
        """Drop the oldest entries, and lines that newer ones replaced."""
        for number in sorted(self._entries)[:-MOST_ENTRIES]:
            del self._entries[number]
        if self._lines > 2 * MOST_ENTRIES:
            self._rewrite()

    def _rewrite(self) -> None:
        """The file with what there is, and no more; a host that refuses leaves the old one."""
        lines = [_line(self._entries[number]) for number in sorted(self._entries)]
        try:
            with replacing(self._file) as new:
                new.write("".join(lines).encode())
        except OSError:
            return
        self._lines = len(lines)

    def _append(self, entries: Iterable[Entry]) -> None:
        try:
            with self._file.open("a") as file:
                file.writelines(map(_line, entries))
        except OSError:
            return  # an error log that cannot be written is no reason to end
        self._lines += 1


def _line(entry: Entry) -> str:
    return json.dumps(plain(entry)) + "\n"
