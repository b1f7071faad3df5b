"""How a SCSI command ends: status, and sense data where it failed (SAM-5 5.3, SPC-4 4.5)."""

from __future__ import annotations

from enum import Enum, IntEnum, IntFlag


class Status(IntEnum):
    GOOD = 0x00
    CHECK_CONDITION = 0x02
    BUSY = 0x08
    RESERVATION_CONFLICT = 0x18
    TASK_SET_FULL = 0x28


class SenseKey(IntEnum):
    NO_SENSE = 0x0
    NOT_READY = 0x2
    MEDIUM_ERROR = 0x3
    HARDWARE_ERROR = 0x4
    ILLEGAL_REQUEST = 0x5
    UNIT_ATTENTION = 0x6
    DATA_PROTECT = 0x7
    BLANK_CHECK = 0x8
    VOLUME_OVERFLOW = 0xD
    MISCOMPARE = 0xE


class Mark(IntFlag):
    """What sense data of a tape tell besides, in the byte of the sense key."""

    NONE = 0
    ILI = 0x20
    """The block had another length than the initiator expected."""
    EOM = 0x40
    """The tape is near its end, or at its beginning."""
    FILEMARK = 0x80


class Condition(Enum):
    """A sense key with its additional sense code and qualifier (SPC-4 annex F)."""

    NOTHING = SenseKey.NO_SENSE, 0x00, 0x00
    FILEMARK_DETECTED = SenseKey.NO_SENSE, 0x00, 0x01
    END_OF_MEDIUM = SenseKey.NO_SENSE, 0x00, 0x02
    BEGINNING_OF_MEDIUM = SenseKey.NO_SENSE, 0x00, 0x04
    NOT_READY = SenseKey.NOT_READY, 0x04, 0x00
    NO_MEDIUM = SenseKey.NOT_READY, 0x3A, 0x00
    WRITE_ERROR = SenseKey.MEDIUM_ERROR, 0x0C, 0x00
    READ_ERROR = SenseKey.MEDIUM_ERROR, 0x11, 0x00
    SPACE_EXHAUSTED = SenseKey.DATA_PROTECT, 0x27, 0x07
    WRITE_PROTECTED = SenseKey.DATA_PROTECT, 0x27, 0x00
    LOAD_OR_EJECT_FAILED = SenseKey.HARDWARE_ERROR, 0x53, 0x00
    INTERNAL_FAILURE = SenseKey.HARDWARE_ERROR, 0x44, 0x00
    PARAMETER_LIST_LENGTH = SenseKey.ILLEGAL_REQUEST, 0x1A, 0x00
    INVALID_OPCODE = SenseKey.ILLEGAL_REQUEST, 0x20, 0x00
    LBA_OUT_OF_RANGE = SenseKey.ILLEGAL_REQUEST, 0x21, 0x00
    INVALID_ELEMENT = SenseKey.ILLEGAL_REQUEST, 0x21, 0x01
    INVALID_FIELD_IN_CDB = SenseKey.ILLEGAL_REQUEST, 0x24, 0x00
    NO_SUCH_UNIT = SenseKey.ILLEGAL_REQUEST, 0x25, 0x00
    INVALID_FIELD_IN_PARAMETERS = SenseKey.ILLEGAL_REQUEST, 0x26, 0x00
    INVALID_RELEASE = SenseKey.ILLEGAL_REQUEST, 0x26, 0x04
    DESTINATION_FULL = SenseKey.ILLEGAL_REQUEST, 0x3B, 0x0D
    SOURCE_EMPTY = SenseKey.ILLEGAL_REQUEST, 0x3B, 0x0E
    MEDIUM_REMOVAL_PREVENTED = SenseKey.ILLEGAL_REQUEST, 0x53, 0x02
    INSUFFICIENT_REGISTRATION_RESOURCES = SenseKey.ILLEGAL_REQUEST, 0x55, 0x04
    MEDIUM_CHANGED = SenseKey.UNIT_ATTENTION, 0x28, 0x00
    PORT_ACCESSED = SenseKey.UNIT_ATTENTION, 0x28, 0x01
    """Import and export elements of a tape library."""
    POWER_ON_OR_RESET = SenseKey.UNIT_ATTENTION, 0x29, 0x00
    MODE_PARAMETERS_CHANGED = SenseKey.UNIT_ATTENTION, 0x2A, 0x01
    RESERVATIONS_PREEMPTED = SenseKey.UNIT_ATTENTION, 0x2A, 0x03
    RESERVATIONS_RELEASED = SenseKey.UNIT_ATTENTION, 0x2A, 0x04
    REGISTRATIONS_PREEMPTED = SenseKey.UNIT_ATTENTION, 0x2A, 0x05
    REPORTED_LUNS_CHANGED = SenseKey.UNIT_ATTENTION, 0x3F, 0x0E
    CAPACITY_CHANGED = SenseKey.UNIT_ATTENTION, 0x2A, 0x09
    END_OF_DATA = SenseKey.BLANK_CHECK, 0x00, 0x05
    VOLUME_OVERFLOW = SenseKey.VOLUME_OVERFLOW, 0x00, 0x02
    MISCOMPARE = SenseKey.MISCOMPARE, 0x1D, 0x00

    @property
    def key(self) -> SenseKey:
        return self.value[0]

    def sense(self, information: int | None = None, marks: Mark = Mark.NONE) -> bytes:
        """Sense data in the fixed format (SPC-4 4.5.3)."""
        key, code, qualifier = self.value
        fits = information is not None and 0 <= information < 1 << 32
        data = bytearray(18)
        data[0] = 0x70 | (0x80 if fits else 0)
        data[2] = key | marks
        if fits and information is not None:
            data[3:7] = information.to_bytes(4, "big")
        data[7] = len(data) - 8
        data[12], data[13] = code, qualifier
        return bytes(data)


class CheckConditionError(Exception):
    """The command failed; `information` is the block address it failed at, if that is one.

    Of a tape it is what the command left undone, and `data` is what it read nevertheless.
    """

    def __init__(
        self,
        condition: Condition,
        information: int | None = None,
        *,
        marks: Mark = Mark.NONE,
        data: bytes = b"",
    ) -> None:
        super().__init__(condition.name)
        self.condition, self.information = condition, information
        self.marks, self.data = marks, data

    @property
    def sense(self) -> bytes:
        return self.condition.sense(self.information, self.marks)


class ReservationConflictError(Exception):
    """Another initiator has reserved the logical unit."""
