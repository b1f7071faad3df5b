"""What a tape drive says of itself and can be told: mode pages, log pages, positions (SSC-3)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from .command import CommandSet
from .disk import LONGEST_TRANSFER
from .status import CheckConditionError, Condition
from .tape_medium import marks_before, near_end
from .unit import Identity, LogicalUnit
from .unit import commands as common_commands

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .command import Task
    from .tape_medium import TapeMedium

commands = CommandSet(common_commands)

_COMPRESSION, _CONFIGURATION = 0x0F, 0x10
_ENABLED, _CAPABLE = 0x80, 0x40
_DENSITY_DEFAULT, _DENSITY_UNCHANGED = 0x00, 0x7F
_BUFFERED = 0x10
_MIB = 1 << 20


class Alert(IntEnum):
    """Flags of TapeAlert."""

    READ_FAILURE = 5
    WRITE_FAILURE = 6
    WRITE_PROTECT = 9


_ALERTS = 64
_TAPE_ALERT, _CAPACITY = 0x2E, 0x31


class TapeReports(LogicalUnit):
    """The settings of a drive."""

    device_type = 0x01
    removable = True
    commands = commands

    def __init__(self, identity: Identity) -> None:
        super().__init__(identity)
        self.fixed_length = 0
        """Bytes of a block in fixed mode; 0: there is none."""
        self.buffered = True
        """Written data may wait in the host's cache for the next filemark or rewind."""
        self._compression = _ENABLED
        self._alerts: set[Alert] = set()

    @property
    def place(self) -> int:
        """The object that is next."""
        raise NotImplementedError

    def medium(self) -> TapeMedium:
        raise NotImplementedError

    def ready(self) -> None:
        self.medium()

    def reset(self) -> None:
        super().reset()
        self.fixed_length, self.buffered, self._compression = 0, True, _ENABLED

    def alert(self, alert: Alert) -> None:
        """Whoever asks for alerts is told this one, once."""
        self._alerts.add(alert)

    @commands.define(0x05, "READ BLOCK LIMITS", 6)
    def read_block_limits(self, task: Task) -> bytes:
        return LONGEST_TRANSFER.to_bytes(4, "big") + (1).to_bytes(2, "big")

    @commands.define(0x34, "READ POSITION", 10)
    def read_position(self, task: Task) -> bytes:
        """In the short or the long form."""
        medium, place = self.medium(), self.place
        flags = (0x80 if place == 0 else 0) | (0x40 if near_end(medium) else 0)
        match task.cdb[1] & 0x1F:
            case 0 | 1:
                where = place.to_bytes(4, "big")
                return bytes([flags]) + bytes(3) + where + where + bytes(8)
            case 6:
                numbers = place.to_bytes(8, "big") + marks_before(medium, place).to_bytes(8, "big")
                return bytes([flags]) + bytes(7) + numbers + bytes(8)
        raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)

    # -- modes -----------------------------------------------------------------------------

    def device_specific(self) -> int:
        protected = self._is_there and self.medium().read_only
        return (0x80 if protected else 0) | (_BUFFERED if self.buffered else 0)

    @property
    def _is_there(self) -> bool:
        try:
            self.medium()
        except CheckConditionError:
            return False
        return True

    def block_descriptor(self) -> bytes:
        return bytes([_DENSITY_DEFAULT]) + bytes(4) + self.fixed_length.to_bytes(3, "big")

    def set_mode_header(self, device_specific: int, descriptor: bytes) -> None:
        buffered = device_specific >> 4 & 7
        if buffered > 1 or device_specific & 0x0F or len(descriptor) not in (0, 8):
            raise CheckConditionError(Condition.INVALID_FIELD_IN_PARAMETERS)
        if descriptor:
            length = int.from_bytes(descriptor[5:8], "big")
            known = descriptor[0] in (_DENSITY_DEFAULT, _DENSITY_UNCHANGED)
            if not known or length > LONGEST_TRANSFER:
                raise CheckConditionError(Condition.INVALID_FIELD_IN_PARAMETERS)
            self.fixed_length = length
        self.buffered = bool(buffered)

    def mode_pages(self) -> Mapping[int, tuple[bytes, bytes]]:
        compression = bytearray(14)
        compression[0] = self._compression | _CAPABLE
        compression[1] = _ENABLED  # decompression
        configuration = bytearray(14)
        configuration[6] = 0x40  # positions are known by block number
        configuration[12] = int(bool(self._compression))
        return {
            _COMPRESSION: (bytes(compression), bytes([_ENABLED]) + bytes(13)),
            _CONFIGURATION: (bytes(configuration), bytes(12) + b"\xff\0"),
        }

    def set_mode_page(self, code: int, values: bytes) -> None:
        """Compression is switched as asked, to no effect: images hold what was written."""
        on = values[0] & _ENABLED if code == _COMPRESSION else values[12]
        self._compression = _ENABLED if on else 0

    def _mode_data(self, task: Task) -> tuple[bytes, bytes]:
        if task.cdb[2] & 0x3F == 0:  # no page, the block descriptor alone
            return b"", b"" if task.cdb[1] & 0x08 else self.block_descriptor()
        return super()._mode_data(task)

    def vital_pages(self) -> Mapping[int, bytes]:
        return {0xB0: bytes(2)}  # tapes that can be written more than once

    # -- logs ------------------------------------------------------------------------------

    @commands.define(0x4D, "LOG SENSE", 10)
    def log_sense(self, task: Task) -> bytes:
        """Which pages there are, TapeAlert, and how much room there is."""
        code, room = task.cdb[2] & 0x3F, task.number(7, 2)
        match code:
            case 0x00:
                data = bytes([0x00, _TAPE_ALERT, _CAPACITY])
            case 0x2E:
                raised, self._alerts = self._alerts, set()
                data = b"".join(
                    _parameter(n, bytes([int(n in raised)])) for n in range(1, _ALERTS + 1)
                )
            case 0x31:
                medium = self.medium()
                left = max(medium.capacity - medium.used, 0) // _MIB
                whole = medium.capacity // _MIB
                sizes = {1: left, 2: 0, 3: whole, 4: 0}
                data = b"".join(
                    _parameter(n, min(size, 0xFFFFFFFF).to_bytes(4, "big"))
                    for n, size in sizes.items()
                )
            case _:
                raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)
        return (bytes([code, 0]) + len(data).to_bytes(2, "big") + data)[:room]


def _parameter(number: int, value: bytes) -> bytes:
    return number.to_bytes(2, "big") + bytes([0x60, len(value)]) + value
