"""A tape drive: a sequential-access device (SSC-3) with a tape in it, or without.

Its data are blocks of any length up to `LONGEST_BLOCK`, one of each WRITE or, in fixed mode, of
the length that MODE SELECT has set.  One initiator at a time uses it, if all reserve it first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from .backing import BackingError
from .command import CommandSet
from .disk import LONGEST_TRANSFER
from .optical import MediumLockedError
from .status import CheckConditionError, Condition, Mark
from .tape_medium import MOST_OBJECTS, marks_before, near_end
from .tape_reports import Alert, TapeReports
from .tape_reports import commands as report_commands
from .unit import Identity, locking

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .command import Nexus, Task
    from .tape_medium import TapeMedium

commands = CommandSet(report_commands, locking)

LONGEST_BLOCK = LONGEST_TRANSFER


class TapeDrive(TapeReports):
    """A drive; `ejected` is told when an initiator unloads the tape."""

    commands = commands

    def __init__(self, serial: str, ejected: Callable[[], None] = lambda: None) -> None:
        super().__init__(Identity("VTAPE", serial))
        self._inserted: TapeMedium | None = None
        self._threaded = False
        """Whether the tape can be used; an initiator may have unloaded it, and load it again."""
        self._ejected = ejected
        self._place = 0

    # -- the operator ----------------------------------------------------------------------

    @property
    def loaded(self) -> bool:
        """Whether there is a tape in the drive."""
        return self._inserted is not None

    @property
    def tape(self) -> TapeMedium | None:
        """The tape in the drive, if there is one, unloaded or not."""
        return self._inserted

    def load(self, medium: TapeMedium) -> None:
        """Put a tape in; the drive must be empty."""
        assert self._inserted is None, "there is a tape already"
        self._inserted, self._threaded, self._place = medium, True, 0
        self.attention_to_all(Condition.MEDIUM_CHANGED)

    def unload(self, *, force: bool = False) -> None:
        """Take the tape out; `MediumLockedError` where an initiator has locked it in."""
        if self.locked and not force:
            raise MediumLockedError("the partition has locked the medium")
        medium, self._inserted = self._inserted, None
        self._threaded = False
        self._lockers.clear()
        if medium is not None:
            medium.close()

    # -- state that initiators know --------------------------------------------------------

    def resume(self, nexus: Nexus) -> None:
        """The tape is at its beginning, whatever the saved initiator believes."""
        self.attention(nexus, Condition.POWER_ON_OR_RESET)

    def reset(self) -> None:
        super().reset()
        self._place = 0

    def medium(self) -> TapeMedium:
        """The tape; raises NO MEDIUM where there is none to use."""
        if self._inserted is None or not self._threaded:
            raise CheckConditionError(Condition.NO_MEDIUM)
        return self._inserted

    @property
    def place(self) -> int:
        return self._place

    # -- reading ---------------------------------------------------------------------------

    @commands.define(0x08, "READ(6)", 6)
    def read_6(self, task: Task) -> bytes:
        medium, fixed, silent = self.medium(), task.cdb[1] & 1, bool(task.cdb[1] & 2)
        length = task.number(2, 3)
        if not fixed:
            return self._read_variable(medium, length, silent=silent)
        if silent or not self.fixed_length or length * self.fixed_length > LONGEST_TRANSFER:
            raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)
        return self._read_fixed(medium, length)

    def _read_variable(self, medium: TapeMedium, wanted: int, *, silent: bool) -> bytes:
        if not wanted:
            return b""
        data, length = self._next_block(medium, wanted, wanted)
        longer_is_told = length > wanted and self.fixed_length
        if length != wanted and (longer_is_told or not silent):
            left = wanted - length & 0xFFFFFFFF
            raise CheckConditionError(Condition.NOTHING, left, marks=Mark.ILI, data=data)
        return data

    def _read_fixed(self, medium: TapeMedium, count: int) -> bytes:
        parts: list[bytes] = []
        for left in range(count, 0, -1):
            try:
                data, length = self._next_block(medium, self.fixed_length, left)
            except CheckConditionError as failed:
                failed.data = b"".join(parts)
                raise
            if length != self.fixed_length:
                data = b"".join(parts)
                raise CheckConditionError(Condition.NOTHING, left, marks=Mark.ILI, data=data)
            parts.append(data)
        return b"".join(parts)

    def _next_block(self, medium: TapeMedium, most: int, left: int) -> tuple[bytes, int]:
        """The block at hand, which is passed; `left` is told where there is none."""
        if self._place == len(medium):
            self._end_of_data(medium, left)
        try:
            data, length = medium.read(self._place, most)
        except BackingError:
            self._place += 1
            self.alert(Alert.READ_FAILURE)
            raise CheckConditionError(Condition.READ_ERROR, left) from None
        self._place += 1
        if not length:
            raise CheckConditionError(Condition.FILEMARK_DETECTED, left, marks=Mark.FILEMARK)
        return data, length

    def _end_of_data(self, medium: TapeMedium, left: int) -> NoReturn:
        if medium.damaged:
            self.alert(Alert.READ_FAILURE)
            raise CheckConditionError(Condition.READ_ERROR, left)
        raise CheckConditionError(Condition.END_OF_DATA, left)

    # -- writing ---------------------------------------------------------------------------

    @commands.define(0x0A, "WRITE(6)", 6)
    def write_6(self, task: Task) -> bytes:
        medium, length = self._writable(), task.number(2, 3)
        if task.cdb[1] & 1:
            size = self.fixed_length
            if not size or length * size > LONGEST_TRANSFER:
                raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)
            data = task.parameters(length * size)
            blocks = [data[at : at + size] for at in range(0, len(data), size)]
            self._append(medium, blocks, length)
        else:
            if length > LONGEST_BLOCK:
                raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)
            data = task.parameters(length)
            self._append(medium, [data] if data else [], length)
        if not self.buffered:
            self._flush(medium)
        return b""

    @commands.define(0x10, "WRITE FILEMARKS(6)", 6)
    def write_filemarks(self, task: Task) -> bytes:
        """What was written before is on the disk of the host when it is done, if not immediate."""
        medium, count = self._writable(), task.number(2, 3)
        if task.cdb[1] & 2:  # setmarks
            raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)
        try:
            self._append(medium, [b""] * min(count, MOST_OBJECTS + 1), count)
        finally:
            if not task.cdb[1] & 1:
                self._flush(medium)
        return b""

    def _writable(self) -> TapeMedium:
        medium = self.medium()
        if medium.read_only:
            self.alert(Alert.WRITE_PROTECT)
            raise CheckConditionError(Condition.WRITE_PROTECTED)
        return medium

    def _append(self, medium: TapeMedium, blocks: Sequence[bytes], left: int) -> None:
        """Write blocks where the tape is; `left` is what is undone if that fails."""
        if not blocks:
            return
        try:
            medium.write(self._place, blocks)
        except BackingError as wrong:
            if wrong.full:
                raise CheckConditionError(Condition.VOLUME_OVERFLOW, left, marks=Mark.EOM) from None
            self.alert(Alert.WRITE_FAILURE)
            raise CheckConditionError(Condition.WRITE_ERROR, left) from None
        self._place += len(blocks)
        if near_end(medium):
            raise CheckConditionError(Condition.END_OF_MEDIUM, 0, marks=Mark.EOM)

    def _flush(self, medium: TapeMedium) -> None:
        try:
            medium.flush()
        except BackingError:
            self.alert(Alert.WRITE_FAILURE)
            raise CheckConditionError(Condition.WRITE_ERROR) from None

    @commands.define(0x19, "ERASE(6)", 6)
    def erase(self, task: Task) -> bytes:
        """From here on there is nothing, whether a long erase was asked for or a short one."""
        medium = self._writable()
        try:
            medium.erase(self._place)
        except BackingError:
            raise CheckConditionError(Condition.WRITE_ERROR) from None
        self._flush(medium)
        return b""

    # -- moving ----------------------------------------------------------------------------

    @commands.define(0x01, "REWIND", 6)
    def rewind(self, task: Task) -> bytes:
        self._flush(self.medium())
        self._place = 0
        return b""

    @commands.define(0x11, "SPACE(6)", 6)
    def space_6(self, task: Task) -> bytes:
        return self._space(task.cdb[1] & 0xF, _signed(task.number(2, 3), 24))

    @commands.define(0x91, "SPACE(16)", 16)
    def space_16(self, task: Task) -> bytes:
        return self._space(task.cdb[1] & 0xF, _signed(task.number(4, 8), 64))

    def _space(self, what: int, count: int) -> bytes:
        """Move by `count` blocks or filemarks, or to the end of data (SSC-3 7.4)."""
        medium = self.medium()
        match what:
            case 0 if count >= 0:
                self._space_blocks(medium, count)
            case 0:
                self._space_blocks_back(medium, -count)
            case 1 if count >= 0:
                self._space_filemarks(medium, count)
            case 1:
                self._space_filemarks_back(medium, -count)
            case 3:
                self._place = len(medium)
                if medium.damaged:
                    self._end_of_data(medium, 0)
            case _:
                raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)
        return b""

    def _space_blocks(self, medium: TapeMedium, count: int) -> None:
        marks, passed = medium.filemarks, marks_before(medium, self._place)
        mark = marks[passed] if passed < len(marks) else len(medium)
        if mark - self._place >= count:
            self._place += count
            return
        left = count - (mark - self._place)
        self._place = min(mark + 1, len(medium))
        if mark == len(medium):
            self._end_of_data(medium, left)
        raise CheckConditionError(Condition.FILEMARK_DETECTED, left, marks=Mark.FILEMARK)

    def _space_blocks_back(self, medium: TapeMedium, count: int) -> None:
        passed = marks_before(medium, self._place)
        mark = medium.filemarks[passed - 1] if passed else -1
        if self._place - mark - 1 >= count:
            self._place -= count
            return
        left = count - (self._place - mark - 1)
        self._place = max(mark, 0)
        if mark < 0:
            raise CheckConditionError(Condition.BEGINNING_OF_MEDIUM, left, marks=Mark.EOM)
        raise CheckConditionError(Condition.FILEMARK_DETECTED, left, marks=Mark.FILEMARK)

    def _space_filemarks(self, medium: TapeMedium, count: int) -> None:
        marks, passed = medium.filemarks, marks_before(medium, self._place)
        if passed + count > len(marks):
            self._place = len(medium)
            self._end_of_data(medium, count - (len(marks) - passed))
        if count:
            self._place = marks[passed + count - 1] + 1

    def _space_filemarks_back(self, medium: TapeMedium, count: int) -> None:
        passed = marks_before(medium, self._place)
        if count > passed:
            self._place = 0
            left = count - passed
            raise CheckConditionError(Condition.BEGINNING_OF_MEDIUM, left, marks=Mark.EOM)
        self._place = medium.filemarks[passed - count]

    @commands.define(0x2B, "LOCATE(10)", 10)
    def locate_10(self, task: Task) -> bytes:
        if task.cdb[1] & 2 and task.cdb[8]:  # another partition of the tape
            raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)
        return self._locate(task.number(3, 4))

    @commands.define(0x92, "LOCATE(16)", 16)
    def locate_16(self, task: Task) -> bytes:
        medium, number = self.medium(), task.number(4, 8)
        if task.cdb[1] & 2 and task.cdb[3]:
            raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)
        match task.cdb[1] >> 3 & 7:
            case 0:
                return self._locate(number)
            case 1:  # a file: what is behind so many filemarks
                self._place = 0
                self._space_filemarks(medium, number)
                return b""
            case 3:
                return self._locate(len(medium))
        raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)

    def _locate(self, place: int) -> bytes:
        medium = self.medium()
        self._place = min(place, len(medium))
        if place > len(medium):
            self._end_of_data(medium, place - len(medium))
        return b""

    # -- loading ---------------------------------------------------------------------------

    @commands.define(0x1B, "LOAD UNLOAD", 6)
    def load_unload(self, task: Task) -> bytes:
        """An unloaded tape stays in the drive, to be loaded again or taken by the operator."""
        if task.cdb[4] & 1:
            if self._inserted is None:
                raise CheckConditionError(Condition.NO_MEDIUM)
            if not self._threaded:
                self._threaded = True
                self.attention_to_all(Condition.MEDIUM_CHANGED, but=task.nexus)
            self._place = 0
            return b""
        if self._inserted is None or not self._threaded:
            return b""
        if self.locked:
            raise CheckConditionError(Condition.MEDIUM_REMOVAL_PREVENTED)
        self._flush(self._inserted)
        self._threaded, self._place = False, 0
        self._ejected()
        return b""


def _signed(number: int, bits: int) -> int:
    return number - (1 << bits) if number >> bits - 1 else number
