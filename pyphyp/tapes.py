"""Tape drives of one machine, and tapes as whoever runs it names them: FILE[,ro][,SIZE]."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from emu.values import frozen, slotted
from hypervisor.scsi.tape import TapeDrive
from hypervisor.scsi.tape_medium import DEFAULT_CAPACITY
from hypervisor.vio.configuration import Medium, ScsiUnit

from .memory_size import byte_count
from .raw_file import MediaError
from .tape_file import TapeFile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hypervisor.scsi.unit import LogicalUnit

SMALLEST = 1 << 16
"""Bytes that a tape has at least."""


@frozen
class TapeName:
    """A tape, or no tape: an empty drive."""

    path: Path | None
    read_only: bool = False
    capacity: int = DEFAULT_CAPACITY

    def unit(self, target: int) -> ScsiUnit:
        path = "" if self.path is None else str(self.path)
        read_only, capacity = self.read_only, self.capacity
        return ScsiUnit(Medium.TAPE, path, target, read_only=read_only, capacity=capacity)

    def open(self) -> TapeFile:
        """Raises `MediaError`."""
        assert self.path is not None
        return TapeFile(self.path, read_only=self.read_only, capacity=self.capacity)


def parse_tape_name(text: str, directory: Path = Path()) -> TapeName:
    """What FILE[,ro][,SIZE] says, or nothing; raises `MediaError`.

    Names are relative to `directory`.
    """
    if not text:
        return TapeName(None)
    name, *words = text.split(",")
    read_only, capacity = False, DEFAULT_CAPACITY
    for word in words:
        if word == "ro":
            read_only = True
            continue
        try:
            capacity = byte_count(word)
        except ValueError as wrong:
            raise MediaError(f"{text}: {wrong}") from None
        if not SMALLEST <= capacity <= DEFAULT_CAPACITY:
            raise MediaError(f"{text}: a tape has 64K to 1T")
    path = (directory / name).absolute()
    if not path.is_file():
        raise MediaError(f"there is no file {path}; touch {name} makes a blank tape")
    return TapeName(path, read_only, capacity)


@slotted
class _Used:
    drive: TapeDrive
    users: int


class TapeDrives:
    """The drives of one machine, by the file that each began with.

    Partitions that name the same file use the same drive, one at a time by reservation; but not
    where they run side by side on the host's processors (`exclusive`).
    """

    def __init__(self, *, exclusive: bool) -> None:
        self._exclusive = exclusive
        self._drives: dict[tuple[int, int], _Used] = {}

    def drive(self, unit: ScsiUnit, serial: str) -> TapeDrive:
        """The drive of a unit; an empty one is nobody else's.  Raises `MediaError`."""
        if not unit.path:
            return TapeDrive(serial)
        path = Path(unit.path)
        try:
            status = path.stat()
        except OSError as wrong:
            raise MediaError(f"{path}: {wrong.strerror}") from None
        key = status.st_dev, status.st_ino
        if (used := self._holder(path) or self._drives.get(key)) is not None:
            if self._exclusive:
                raise MediaError(f"{path} is in the drive of another partition")
            used.users += 1
            return used.drive
        drive = TapeDrive(f"{status.st_dev:x}{status.st_ino:012x}")
        drive.load(
            TapeFile(path, read_only=unit.read_only, capacity=unit.capacity, unreadable=True)
        )
        self._drives[key] = _Used(drive, 1)
        return drive

    def _holder(self, path: Path) -> _Used | None:
        """The drive that has the tape in it now."""
        for used in self._drives.values():
            tape = used.drive.tape
            if isinstance(tape, TapeFile) and tape.path.exists() and tape.path.samefile(path):
                return used
        return None

    def release(self, drive: LogicalUnit) -> None:
        """One that asked for `drive` no longer uses it."""
        if not isinstance(drive, TapeDrive):
            return
        for key, used in self._drives.items():
            if used.drive is drive:
                used.users -= 1
                if used.users:
                    return
                del self._drives[key]
                break
        drive.unload(force=True)


def warnings(drives: Iterable[TapeDrive]) -> list[str]:
    """What is to be said of damaged tapes in these drives."""
    tapes = (drive.tape for drive in drives)
    return [tape.warning for tape in tapes if isinstance(tape, TapeFile) and tape.warning]


def check_drive(number: int, count: int, kind: str) -> None:
    """Raise `MediaError` unless there is a drive `number` among `count` of them."""
    if 0 <= number < count:
        return
    match count:
        case 0:
            there = f"there is no {kind} drive at all"
        case 1:
            there = "the only one is drive 0"
        case _:
            there = f"there are drives 0 to {count - 1}"
    raise MediaError(f"no {kind} drive {number}: {there}")


def change_tape(drives: list[TapeDrive], number: int, tape: TapeName | None) -> None:
    """Put a tape into drive `number`, or take the one in it out; what was in it is taken out.

    Raises `MediaError`, and `MediumLockedError` where a guest has locked the drive.
    """
    check_drive(number, len(drives), "tape")
    drive = drives[number]
    medium = None if tape is None or tape.path is None else tape.open()
    try:
        drive.unload()
    except BaseException:
        if medium is not None:
            medium.close()
        raise
    if medium is not None:
        drive.load(medium)
